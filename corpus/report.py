"""What a corpus holds, in figures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from corpus.background import MovingThing, sample_frames, smallest_moving_thing
from corpus.frame_size import size_warning
from corpus.storage import file_sizes
from corpus.store import FRAMES_PER_CHUNK, Corpus

QUANTILES = (0.0, 0.1, 0.5, 0.9, 1.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorpusReport:
    """The figures of a corpus.

    Attributes:
        path: its folder.
        frames: how many frames.
        episodes: how many episodes.
        episode_frames: length of an episode: least, 10 %, median, 90 %, most; in frames.
        fps: frames per second.
        height: of a frame, in pixels.
        width: of a frame, in pixels.
        repeated_share: fraction of the frames with one before them in their episode that equal it.
        smallest_moving: the smallest thing that moves before a still background; None if nothing
            does or the camera moves.
        bytes_per_frame: of the whole folder on disk.
        true_actions: whether true actions are stored.
        source: where the frames came from.
        licence: the licence of the footage.
        fingerprint: SHA-256 hex.
    """

    path: str
    frames: int
    episodes: int
    episode_frames: tuple[int, int, int, int, int]
    fps: float
    height: int
    width: int
    repeated_share: float
    smallest_moving: MovingThing | None
    bytes_per_frame: float
    true_actions: bool
    source: str
    licence: str
    fingerprint: str


def report(path: str | Path) -> CorpusReport:
    """Measure a corpus; every frame is read once.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it is not a finished corpus.
    """
    corpus = Corpus.open(path)
    lengths = np.diff(corpus.episode_ends, prepend=0)
    levels = np.quantile(lengths, QUANTILES, method="nearest")
    return CorpusReport(
        path=str(path),
        frames=corpus.num_frames,
        episodes=corpus.num_episodes,
        episode_frames=tuple(int(level) for level in levels),
        fps=corpus.fps,
        height=corpus.height,
        width=corpus.width,
        repeated_share=repeated_share(corpus),
        smallest_moving=smallest_moving_thing(sample_frames(corpus)),
        bytes_per_frame=sum(file_sizes(corpus.path).values()) / corpus.num_frames,
        true_actions=corpus.has_true_actions,
        source=corpus.source,
        licence=corpus.licence,
        fingerprint=corpus.fingerprint,
    )


def repeated_share(corpus: Corpus) -> float:
    """Fraction of the frames with one before them in their episode that equal it exactly."""
    firsts = np.concatenate([[0], corpus.episode_ends[:-1]])
    repeated, before = 0, None
    for start in range(0, corpus.num_frames, FRAMES_PER_CHUNK):
        stop = min(start + FRAMES_PER_CHUNK, corpus.num_frames)
        frames = corpus.read(start, stop)
        joined = frames if before is None else np.concatenate([before, frames])
        same = (joined[1:] == joined[:-1]).all((1, 2, 3))
        numbers = np.arange(stop - len(same), stop)  # of the later frame of each pair
        repeated += int((same & ~np.isin(numbers, firsts)).sum())
        before = frames[-1:]
    return repeated / (corpus.num_frames - corpus.num_episodes)


def rows(figures: CorpusReport) -> list[tuple[str, str]]:
    """The figures as names and words."""
    least, low, median, high, most = figures.episode_frames
    lines = [
        ("frames", f"{figures.frames:,} in {figures.episodes:,} episodes"),
        ("hours", f"{figures.frames / figures.fps / 3600:.2f}"),
        ("size", f"{figures.height} x {figures.width} pixels, {figures.fps:g} fps"),
        (
            "episode length",
            f"{least} least, {low} 10 %, {median} median, {high} 90 %, {most} most",
        ),
        ("repeated frames", f"{figures.repeated_share:.1%}"),
    ]
    if thing := figures.smallest_moving:
        size = f"{thing.width:.1f} x {thing.height:.1f} pixels"
        warning = size_warning(thing, figures.height, figures.width)
        lines.append(("smallest that moves", warning or f"{size} (width x height)"))
    return [
        *lines,
        ("on disk", f"{figures.bytes_per_frame:.0f} bytes a frame"),
        ("true actions", "yes" if figures.true_actions else "no"),
        ("source", figures.source),
        ("licence", figures.licence),
        ("fingerprint", figures.fingerprint),
    ]


def render(figures: CorpusReport) -> object:
    """The figures as a table for the terminal: a ``rich.table.Table``."""
    from rich.table import Table

    table = Table("corpus", _plain(figures.path), title=None)
    for name, words in rows(figures):
        table.add_row(name, _plain(words))
    return table


def _plain(text: str) -> str:
    """A text from a file, without escape sequences of terminals and the markup of rich."""
    from rich.markup import escape

    return escape("".join(letter if letter.isprintable() else "?" for letter in text))
