"""How much moves in a corpus, where, and for how long."""

from __future__ import annotations

import dataclasses

import numpy as np

from corpus.store import Corpus

PAIRS = 4096  # transitions that are looked at, at most
PIECES = 64  # runs of consecutive transitions that they come in
STILL = 0.05  # mean change of a still transition at most, of 255: less than one pixel in a thousand
BINS = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class Motion:
    """How a corpus moves, by a sample of its transitions.

    Attributes:
        still: fraction of the transitions in which nothing moves.
        histogram: int64 (bins,), transitions by the square root of their mean change.
        edges: float (bins + 1,), the mean changes between the bins, 0-255.
        places: float32 (H, W), mean change of each pixel, 0-255.
        lasting: how long motion lasts before it pauses, at the median, in seconds; None if it
            never does in the sample.
    """

    still: float
    histogram: np.ndarray
    edges: np.ndarray
    places: np.ndarray
    lasting: float | None


def measure_motion(corpus: Corpus) -> Motion:
    """Measure a sample of the transitions of a corpus, always the same one."""
    changes, runs = [], []
    places = np.zeros((corpus.height, corpus.width), np.float64)
    count = 0
    for start, stop in _pieces(corpus):
        frames = corpus.read(start, stop).astype(np.int16)
        change = np.abs(np.diff(frames, axis=0)).mean(-1)
        places += change.sum(0)
        count += len(change)
        mean = change.mean((1, 2))
        changes.append(mean)
        runs += _runs(mean > STILL)
    means = np.concatenate(changes)
    roots = np.linspace(0, np.sqrt(max(means.max(), 1.0)), BINS + 1)
    histogram, _ = np.histogram(np.sqrt(means), roots)
    return Motion(
        still=float((means <= STILL).mean()),
        histogram=histogram,
        edges=roots**2,
        places=(places / count).astype(np.float32),
        lasting=float(np.median(runs)) / corpus.fps if runs else None,
    )


def _pieces(corpus: Corpus) -> list[tuple[int, int]]:
    """Pieces of episodes, evenly spread, in which transitions follow each other."""
    length = max(2, PAIRS // PIECES + 1)
    pieces = []
    for first in np.linspace(0, corpus.num_frames - 2, PIECES).astype(int).tolist():
        episode = int(np.searchsorted(corpus.episode_ends, first, side="right"))
        begin, end = corpus.episode(episode)
        first = max(begin, min(first, end - length))
        pieces.append((first, min(first + length, end)))
    return list(dict.fromkeys(pieces))


def _runs(moving: np.ndarray) -> list[int]:
    """Lengths of the runs of True that begin and end inside an array."""
    edges = np.flatnonzero(np.diff(moving.astype(np.int8)))
    starts, stops = edges[moving[edges + 1]] + 1, edges[~moving[edges + 1]] + 1
    stops = stops[stops > starts[0]] if len(starts) else stops[:0]
    return (stops - starts[: len(stops)]).tolist()
