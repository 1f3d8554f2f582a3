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
LEAST_PIXELS = 1.15
"""Smaller in one direction is a shade of one pixel, and its real size is not to be seen."""
SAFE_PIXELS = 1.5
"""What larger frames should make of it."""
SIZE_STEP = 8
"""Sides of frames are multiples of a patch."""


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
    def lost(self) -> bool:
        """Whether a tokenizer will hardly hold it."""
        return min(self.width, self.height) < LEAST_PIXELS


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


def smallest_moving_thing(corpus: Corpus, percentile: float = 5.0) -> MovingThing | None:
    """Measure the smallest thing that moves, of connected pixels that differ from the background.

    A column counts by its greatest contrast over that of the thing, so that a thing that lies
    between two pixels is not taken for two pixels wide. Width and height are a low percentile over
    all things in a sample of frames.

    Returns:
        None if nothing moves, or the camera does.
    """
    frames = sample_frames(corpus)
    contrast = np.abs(frames.astype(np.int16) - median_frame(frames)).max(axis=-1)
    moving = contrast > MOVING_LEVELS  # (S, H, W)
    if not 0 < moving.mean() <= MOST_MOVING:
        return None
    _, things = np.unique(_components(moving), return_inverse=True)
    _, rows, columns = moving.nonzero()
    width, height = (
        float(np.percentile(_extents(things, places, contrast[moving], length), percentile))
        for places, length in ((columns, corpus.width), (rows, corpus.height))
    )
    return MovingThing(width=width, height=height)


def size_warning(thing: MovingThing | None, height: int, width: int) -> str | None:
    """Say what a tokenizer of these frames will lose, and which size would hold it."""
    if thing is None or not thing.lost:
        return None
    factor = SAFE_PIXELS / min(thing.width, thing.height)
    larger = (-(-round(side * factor, 3) // SIZE_STEP) * SIZE_STEP for side in (height, width))
    size = "x".join(f"{side:.0f}" for side in larger)
    return (
        f"the smallest thing that moves is {thing.width:.1f}x{thing.height:.1f} pixels at "
        f"{height}x{width}: it will be lost; build at {size} (--size {size})"
    )


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
