"""The still background of a corpus, and the smallest thing that moves before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpus.clips import read_clips
from corpus.store import Corpus

SAMPLE = 256
"""Frames of which the background is the median."""
MOVING_LEVELS = 24
"""Of 255: a pixel that differs by more belongs to something; less is the noise of a video."""
MOST_MOVING = 0.2
"""With more of the frame than this before the background the camera moves: no background."""
MOST_OFTEN = 0.03
"""Of the frames: a thing whose middle is in one place more often does not move."""
LEAST_AREA = 1.9
"""Pixels of a thing that a tokenizer holds: Pong's ball at 104x80 has 2.0, and is in 0.87 of its
frames after 500 steps (lab notes, 2026-11-29)."""


@dataclass(frozen=True, kw_only=True)
class MovingThing:
    """The smallest thing that moves before a still background.

    Attributes:
        width: in pixels of the corpus; what is under a pixel counts as one.
        height: likewise.
    """

    width: float
    height: float

    @property
    def area(self) -> float:
        """Its width times its height, in square pixels."""
        return self.width * self.height

    @property
    def lost(self) -> bool:
        """Whether a tokenizer will hardly hold it."""
        return self.area < LEAST_AREA


def sample_frames(corpus: Corpus, count: int = SAMPLE) -> np.ndarray:
    """Read evenly spaced frames, always the same: uint8 (S, H, W, 3)."""
    numbers = np.unique(np.linspace(0, corpus.num_frames - 1, count).round().astype(int))
    return read_clips(corpus, numbers, 1)[:, 0]


def still_background(corpus: Corpus) -> np.ndarray:
    """Return the median of each pixel over a fixed sample of frames: uint8 (H, W, 3)."""
    return median_frame(sample_frames(corpus))


def median_frame(frames: np.ndarray) -> np.ndarray:
    """Return the lower median of each value of frames (S, H, W, 3)."""
    # Not the mean of two values: that may be a colour that no frame has.
    middle = (len(frames) - 1) // 2
    return np.partition(frames, middle, axis=0)[middle]


def smallest_moving_thing(frames: np.ndarray, percentile: float = 5.0) -> MovingThing | None:
    """Measure the smallest thing that moves, of connected pixels that differ from the background.

    A column counts by its greatest contrast over that of the thing, so that a thing that lies
    between two pixels is not taken for two pixels wide. What touches the frame's edge may be a
    part, and what is in one place time and again does not move: a digit of the score.

    Args:
        frames: uint8 (S, H, W, 3), such as `sample_frames` reads.
        percentile: of the widths and of the heights of all things in the frames.

    Returns:
        None if nothing moves, or the camera does.
    """
    contrast = np.abs(frames.astype(np.int16) - median_frame(frames)).max(axis=-1)
    moving = contrast > MOVING_LEVELS  # (S, H, W)
    if not 0 < moving.mean() <= MOST_MOVING:
        return None
    _, things = np.unique(_components(moving), return_inverse=True)
    _, rows, columns = moving.nonzero()
    extents, middles, whole = [], [], True
    for places, length in ((columns, frames.shape[2]), (rows, frames.shape[1])):
        extents.append(_extents(things, places, contrast[moving], length))
        middles.append(np.bincount(things, places) / np.bincount(things))
        first, last = (_of_each(ufunc, things, places) for ufunc in (np.minimum, np.maximum))
        whole = whole & (first > 0) & (last < length - 1)
    seen = np.round(middles).astype(np.int64)
    _, place, times = np.unique(seen, axis=1, return_inverse=True, return_counts=True)
    moves = times[place] <= max(1, MOST_OFTEN * len(frames))
    if not (chosen := whole & moves).any():
        return None
    width, height = (float(np.percentile(extent[chosen], percentile)) for extent in extents)
    return MovingThing(width=width, height=height)


def _components(mask: np.ndarray) -> np.ndarray:
    """Number the connected parts (8 neighbours) of each frame of a mask (S, H, W): int64 (P,).

    One number for each pixel of the mask, in the order of `nonzero`.
    """
    # Only the pixels of the mask are visited: a hundredth of the frames, mostly.
    count = int(mask.sum())
    numbers = np.full(np.add(mask.shape, (0, 2, 2)), count)  # a border, and no pixel: P
    numbers[:, 1:-1, 1:-1][mask] = np.arange(count)
    frame, row, column = mask.nonzero()
    steps = [(y, x) for y in (0, 1, 2) for x in (0, 1, 2)]
    neighbours = np.stack([numbers[frame, row + y, column + x] for y, x in steps])  # (9, P)
    labels = np.arange(count + 1)
    while True:
        least = labels[neighbours].min(axis=0)
        least = least[least]  # twice as far with each round, at least
        if np.array_equal(least, labels[:-1]):
            return least
        labels[:-1] = least


def _of_each(ufunc: np.ufunc, things: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the least or the greatest place of each thing."""
    found = places[np.unique(things, return_index=True)[1]]
    ufunc.at(found, things, places)
    return found


def _extents(
    things: np.ndarray, places: np.ndarray, contrast: np.ndarray, length: int
) -> np.ndarray:
    """Return the extent of each thing along one axis.

    Args:
        things: int64 (P,), the number of the thing that each pixel belongs to.
        places: int64 (P,), where each pixel is along the axis.
        contrast: (P,), of each pixel.
        length: of the axis.
    """
    profile = np.zeros((things.max() + 1, length))
    np.maximum.at(profile, (things, places), contrast)
    return profile.sum(axis=1) / profile.max(axis=1)
