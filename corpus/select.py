"""Parts of a corpus as corpora of their own: two to train on and to hold out, or a smaller one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from corpus.clips import split_by_time, split_episodes
from corpus.join import copy_episode
from corpus.progress import progress_bar
from corpus.store import PIECE, Corpus, CorpusCard
from corpus.writing.open_writer import open_writer
from corpus.writing.recovery import refuse_other_options
from corpus.writing.writer import CorpusWriter, refuse_existing

Span = tuple[int, int, int]  # episode, first frame, one behind the last, in the corpus


def split_corpus(
    path: str | Path,
    first: str | Path,
    second: str | Path,
    share: float = 0.1,
    seed: int = 0,
    resume: bool = False,
    progress: bool = True,
) -> tuple[Path, Path]:
    """Split a corpus in two: whole episodes, or blocks of time with gaps if there is only one.

    Episodes with the same frames stay on one side.

    Args:
        path: a corpus.
        first: the folder to make of most of it.
        second: the folder to make of the rest.
        share: fraction of the episodes that goes into ``second``, in (0, 1).
        seed: of the draw.
        resume: go on with an interrupted split.
        progress: whether to draw a progress bar on stderr.

    Returns:
        The two folders.

    Raises:
        FileExistsError: one of them exists.
        ValueError: the share is out of range, the corpus is too short to be split, or a part that
            is there is of another split.
    """
    if not 0 < share < 1:
        raise ValueError(f"--share is {share}; give a number between 0 and 1")
    first, second = Path(first), Path(second)
    if first.absolute() == second.absolute():
        raise ValueError(f"--out names {first} twice: give two folders")
    corpus = Corpus.open(path)
    parts = _split(corpus, seed, share)
    outs = (first, second)
    cards = [
        _card(corpus, {"maker": "split", "part": name, "share": share, "seed": seed})
        for name in ("first", "second")
    ]
    for out, card in zip(outs, cards, strict=True):
        if not resume:
            refuse_existing(out)
        elif out.exists():  # parts of two draws would share episodes
            refuse_other_options(out, replace(Corpus.open(out).card, fingerprint=""), card)
    for out, spans, card in zip(outs, parts, cards, strict=True):
        if not out.exists():
            _write(corpus, out, spans, card, resume, progress)
    return outs


def sample_corpus(
    path: str | Path,
    out: str | Path,
    frames: int,
    seed: int = 0,
    resume: bool = False,
    progress: bool = True,
) -> Path:
    """Draw episodes of a corpus, whole, until they have a number of frames together.

    Args:
        path: a corpus.
        out: the folder to make.
        frames: how many at least; the episode that reaches it is the last.
        seed: of the draw.
        resume: go on with an interrupted sample.
        progress: whether to draw a progress bar on stderr.

    Returns:
        The folder of the finished corpus.

    Raises:
        FileExistsError: ``out`` exists.
        ValueError: the corpus has fewer frames.
    """
    refuse_existing(Path(out))
    corpus = Corpus.open(path)
    if not 0 < frames <= corpus.num_frames:
        raise ValueError(f"--frames is {frames}; {path} has {corpus.num_frames}")
    order = np.random.default_rng(seed).permutation(corpus.num_episodes)
    lengths = np.diff(corpus.episode_ends, prepend=0)[order]
    count = int(np.searchsorted(np.cumsum(lengths), frames)) + 1
    chosen = np.sort(order[:count]).tolist()
    spans = [(index, *corpus.episode(index)) for index in chosen]
    card = _card(corpus, {"maker": "sample", "frames": frames, "seed": seed})
    return _write(corpus, Path(out), spans, card, resume, progress)


def _split(corpus: Corpus, seed: int, share: float) -> tuple[list[Span], list[Span]]:
    """The spans of both parts."""
    if corpus.num_episodes == 1:
        parts = split_by_time(0, corpus.num_frames, seed, share)
        sides = [[(0, first, last) for first, last in part.tolist()] for part in parts]
    else:
        digests = [record["digest"] for record in corpus.provenance]
        groups = list(dict.fromkeys(digests))
        side_of = {}
        for side, members in enumerate(split_episodes(len(groups), seed, share)):
            side_of |= {groups[index]: side for index in members.tolist()}
        sides = [[], []]
        for index, digest in enumerate(digests):
            sides[side_of[digest]].append((index, *corpus.episode(index)))
    if not all(sides):
        raise ValueError(f"{corpus.path} is too short to be split: record more")
    return tuple(sides)


def _card(corpus: Corpus, made: dict) -> CorpusCard:
    """The card of a part that is made so."""
    return CorpusCard(
        fps=corpus.fps,
        source=corpus.source,
        licence=corpus.licence,
        options={**made, "corpus": corpus.fingerprint, **corpus.labels_option()},
    )


def _write(
    corpus: Corpus,
    out: Path,
    spans: Sequence[Span],
    card: CorpusCard,
    resume: bool,
    progress: bool,
) -> Path:
    """Write spans of a corpus as the episodes of another."""
    actions = corpus.true_actions() if corpus.has_true_actions else None
    size = (corpus.height, corpus.width)
    with open_writer(out, size, card, actions is not None, resume) as writer:
        todo = spans[len(writer.records) :]
        total = sum(last - first for _, first, last in todo)
        with progress_bar("copying", total, progress) as advance:
            for index, first, last in todo:
                if (first, last) == corpus.episode(index):
                    copy_episode(writer, corpus, index, actions)
                else:
                    _copy_span(writer, corpus, (index, first, last), actions)
                advance(last - first)
        return writer.finish()


def _copy_span(
    writer: CorpusWriter, corpus: Corpus, span: Span, actions: np.ndarray | None
) -> None:
    """Write a part of an episode as an episode."""
    index, first, last = span
    for start in range(first, last, PIECE):
        writer.add(corpus.read(start, min(start + PIECE, last)))
    begin, _ = corpus.episode(index)
    old = corpus.provenance[index]
    record = {"file": old.get("file", ""), "part": [first - begin, last - begin]}
    writer.end_episode(record, None if actions is None else actions[first : last - 1])
