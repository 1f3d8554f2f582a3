"""Is a corpus what its writer wrote? Every episode's SHA-256 stands in ``episodes.jsonl``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from corpus.digest import EpisodeDigest, fingerprint
from corpus.progress import progress_bar
from corpus.storage import file_sizes
from corpus.store import FRAMES_PER_CHUNK, NO_ACTION, Corpus

SAMPLE_FRAMES = 4096  # read by ``quick_check``: about half a second at 64x64
MAY_BE_UNKNOWN = ("build", "join", "split", "sample")  # what is recorded has every action
MOST_NAMED = 8  # damaged episodes that a message lists


def verify(path: str | Path, progress: bool = True) -> None:
    """Compare every frame with the digests, and the true actions with the episode ends.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it is not a finished corpus, or not what was written.
    """
    corpus = Corpus.open(path)
    digests = stored_digests(corpus)
    damaged = []
    with progress_bar("verifying", corpus.num_frames, progress) as advance:
        for index, record in enumerate(corpus.provenance):
            if not _is_sound(corpus, index, digests[index]):
                damaged.append(index)
            advance(record["frames"])
    _refuse(corpus, damaged)
    if corpus.has_true_actions:
        unknown = np.flatnonzero(corpus.true_actions() == NO_ACTION)
        if corpus.card.options.get("maker") in MAY_BE_UNKNOWN:
            unknown = np.intersect1d(unknown, corpus.episode_ends - 1)
        if not np.array_equal(unknown, corpus.episode_ends - 1):
            raise ValueError(f"{corpus.path} is damaged: its true actions do not fit its episodes")


def quick_check(corpus: Corpus, seed: int = 0) -> None:
    """Look for damage before a fit: every chunk of frames by its file, some episodes by digest.

    True actions stay closed.

    Args:
        corpus: an open corpus.
        seed: of the draw of episodes, ``SAMPLE_FRAMES`` frames at most; or of the shortest one.

    Raises:
        ValueError: the corpus is damaged.
    """
    digests = stored_digests(corpus)
    # Zarr writes no file for 32 black frames; whether they were black, only the digest can tell.
    suspects = {number for chunk in _absent_chunks(corpus) for number in _inside(corpus, chunk)}
    order = np.random.default_rng(seed).permutation(corpus.num_episodes)
    lengths = np.diff(corpus.episode_ends, prepend=0)
    sample = order[np.cumsum(lengths[order]) <= SAMPLE_FRAMES].tolist()
    chosen = sorted(suspects.union(sample or [int(lengths.argmin())]))
    _refuse(corpus, [index for index in chosen if not _is_sound(corpus, index, digests[index])])


def stored_digests(corpus: Corpus) -> list[str]:
    """The digest of each episode; refuses provenance that does not fit the corpus."""
    try:
        records = corpus.provenance
        digests = [str(record["digest"]) for record in records]
        lengths = [record["frames"] for record in records]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{corpus.path} is damaged: its episodes.jsonl is unreadable") from error
    if lengths != np.diff(corpus.episode_ends, prepend=0).tolist():
        raise ValueError(f"{corpus.path} is damaged: its episodes.jsonl names other episodes")
    if fingerprint(digests) != corpus.fingerprint:
        raise ValueError(f"{corpus.path} is damaged: its digests do not give its fingerprint")
    return digests


def refuse_other_frames(corpus: Corpus, index: int, digest: str) -> None:
    """Refuse frames of one episode that do not have the digest they were written with."""
    if digest != corpus.provenance[index]["digest"]:
        raise ValueError(
            f"{corpus.path} is damaged: other frames than were written in episode {index}; "
            "build it again"
        )


def _is_sound(corpus: Corpus, index: int, expected: str) -> bool:
    """Whether one episode's frames have the digest that was stored."""
    digest = EpisodeDigest()
    try:
        for frames in corpus.pieces(index):
            digest.add(frames)
    except ValueError:  # a chunk cannot be unpacked
        return False
    return digest.hexdigest() == expected


def _absent_chunks(corpus: Corpus) -> list[int]:
    """The chunks of frames that have no file, or an empty one."""
    files = file_sizes(corpus.path / "frames")
    count = -(-corpus.num_frames // FRAMES_PER_CHUNK)
    return [number for number in range(count) if not files.get(f"c.{number}.0.0.0")]


def _inside(corpus: Corpus, chunk: int) -> Iterable[int]:
    """The episodes that have frames in a chunk."""
    first = chunk * FRAMES_PER_CHUNK
    last = min(first + FRAMES_PER_CHUNK, corpus.num_frames) - 1
    begin, end = np.searchsorted(corpus.episode_ends, [first, last], side="right").tolist()
    return range(begin, end + 1)


def _refuse(corpus: Corpus, damaged: list[int]) -> None:
    """Refuse a corpus with damaged episodes, by their numbers."""
    if not damaged:
        return
    named = ", ".join(map(str, damaged[:MOST_NAMED])) + ", …" * (len(damaged) > MOST_NAMED)
    what = "episode" if len(damaged) == 1 else f"{len(damaged)} episodes:"
    raise ValueError(
        f"{corpus.path} is damaged: other frames than were written in {what} {named} "
        f"(of {corpus.num_episodes}); build it again"
    )
