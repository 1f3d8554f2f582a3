"""Several corpora to one, episode by episode."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from corpus.progress import progress_bar
from corpus.store import Corpus, CorpusCard
from corpus.verify import refuse_other_frames, stored_digests
from corpus.writing.open_writer import open_writer
from corpus.writing.writer import CorpusWriter, refuse_existing


def join_corpora(
    inputs: Sequence[str | Path],
    out: str | Path,
    drop_actions: bool = False,
    resume: bool = False,
    progress: bool = True,
) -> Path:
    """Join corpora of one frame size and frame rate, in the order given.

    Every episode keeps its frames, its line of provenance and its digest. True actions are kept if
    all corpora have them.

    Args:
        inputs: folders of two or more corpora.
        out: the folder to make.
        drop_actions: leave out true actions.
        resume: go on with an interrupted join of the same corpora.
        progress: whether to draw a progress bar on stderr.

    Returns:
        The folder of the finished corpus.

    Raises:
        FileExistsError: ``out`` exists, or an interrupted join is there and ``resume`` is not set.
        FileNotFoundError: a corpus is missing.
        ValueError: the corpora do not fit each other, or one is damaged.
        OSError: the disk is full; the join can be resumed.
    """
    refuse_existing(Path(out))
    corpora = [Corpus.open(path) for path in inputs]
    _refuse_misfits(corpora)
    with_actions = _check_actions(corpora, drop_actions)
    card = CorpusCard(
        fps=corpora[0].fps,
        source=", ".join(dict.fromkeys(corpus.source for corpus in corpora)),
        licence="; ".join(dict.fromkeys(corpus.licence for corpus in corpora)),
        options={
            "maker": "join",
            "corpora": [corpus.fingerprint for corpus in corpora],
            **(corpora[0].labels_option() if with_actions else {}),
        },
    )
    size = (corpora[0].height, corpora[0].width)
    with open_writer(out, size, card, with_actions, resume) as writer:
        total = sum(corpus.num_frames for corpus in corpora) - writer.num_frames
        with progress_bar("joining", total, progress) as advance:
            done = len(writer.records)
            for corpus in corpora:
                first, done = min(done, corpus.num_episodes), max(0, done - corpus.num_episodes)
                actions = corpus.true_actions() if with_actions else None
                for index in range(first, corpus.num_episodes):
                    advance(copy_episode(writer, corpus, index, actions))
        return writer.finish()


def copy_episode(
    writer: CorpusWriter, corpus: Corpus, index: int, actions: np.ndarray | None
) -> int:
    """Write one episode of a corpus behind those that are there; return its frames."""
    start, stop = corpus.episode(index)
    for frames in corpus.pieces(index):
        writer.add(frames)
    stamps = ("episode", "frames", "digest")  # the writer's own
    old = corpus.provenance[index]
    record = {name: value for name, value in old.items() if name not in stamps}
    refuse_other_frames(corpus, index, writer.digest)
    writer.end_episode(record, None if actions is None else actions[start : stop - 1])
    return stop - start


def _refuse_misfits(corpora: list[Corpus]) -> None:
    """Refuse corpora that are too few, of other sizes or rates, or the same."""
    if len(corpora) < 2:
        raise ValueError("to join, name two corpora or more")
    first, seen = corpora[0], {}
    for corpus in corpora:
        stored_digests(corpus)
        size, wanted = f"{corpus.height}x{corpus.width}", f"{first.height}x{first.width}"
        if size != wanted:
            raise ValueError(
                f"{corpus.path} has frames of {size}, {first.path} of {wanted}: a corpus has one "
                f"size; build or record it again with --size {wanted}"
            )
        if f"{corpus.fps:g}" != f"{first.fps:g}":
            raise ValueError(
                f"{corpus.path} has {corpus.fps:g} frames per second, {first.path} has "
                f"{first.fps:g}: a corpus has one rate; build it again with --fps {first.fps:g}"
            )
        if corpus.fingerprint in seen:
            raise ValueError(
                f"{corpus.path} holds the same episodes as {seen[corpus.fingerprint]}: name it once"
            )
        seen[corpus.fingerprint] = corpus.path


def _check_actions(corpora: list[Corpus], drop_actions: bool) -> bool:
    """Return whether true actions are joined; refuse if some have none, or other numbers."""
    having = [corpus.has_true_actions for corpus in corpora]
    if drop_actions or not any(having):
        return False
    if not all(having):
        without = corpora[having.index(False)]
        raise ValueError(
            f"{sum(having)} of {len(having)} corpora have true actions, {without.path} has none: "
            "leave all out with --drop-actions"
        )
    first = corpora[0]
    for corpus in corpora[1:]:
        if corpus.action_labels != first.action_labels:
            raise ValueError(
                f"{corpus.path} gives its actions other numbers than {first.path}, so that one "
                "number would mean two keys: build both with one --actions-map, or leave the "
                "actions out with --drop-actions"
            )
    return True
