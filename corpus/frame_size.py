"""Which size of frames holds what moves in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.background import MovingThing, smallest_moving_thing
from corpus.readers.layout import Shaping
from corpus.readers.shaper import Shaper

AUTO = "auto"
"""In place of a size: choose it."""
Size = tuple[int, int]  # (H, W) in pixels
SAFE_PIXELS = 1.5
"""What larger frames should make of the smallest thing."""
SIZE_STEP = 8
"""Sides of frames are multiples of a patch."""
USUAL_SIDE = 64
"""Frames have as many pixels as a square of this side, unless what moves asks for more."""
FACTORS = (1.0, 1.25, 1.5, 1.75, 2.0)
"""Of the usual sides. Twice is four times the tokens: what two cores still train."""


@dataclass(frozen=True, kw_only=True)
class SizeChoice:
    """A size and the reason for it.

    Attributes:
        size: (H, W) in pixels.
        thing: the smallest thing that moves, at this size; None: there is none to hold.
        lost_at: the next smaller size, where it would be lost, and what it is there; or None.
    """

    size: Size
    thing: MovingThing | None
    lost_at: tuple[Size, MovingThing] | None = None

    def __str__(self) -> str:
        """Say it in a line."""
        line = f"--size auto takes {_show(self.size)}: "
        if self.thing is None:
            return f"{line}nothing small moves before a still background"
        line += f"the smallest thing that moves is {_pixels(self.thing)}"
        if self.thing.lost:
            return f"{line} there and lost, and no larger size is tried: give one (--size HxW)"
        if self.lost_at is None:
            return line
        size, thing = self.lost_at
        return f"{line}, at {_show(size)} it would be {_pixels(thing)} and lost"


def choose_size(recordings: Sequence[np.ndarray], fit: str = "crop") -> SizeChoice:
    """Choose the smallest usual size at which nothing that moves is lost.

    Args:
        recordings: uint8 (S, h, w, 3) each, frames of one recording, spread over it; the first
            one's shape decides the frames' shape.
        fit: how another shape is made to fit: ``crop`` or ``pad``.
    """
    before = None
    for size in usual_sizes(*recordings[0].shape[1:3]):
        shaper = Shaper(Shaping(size=size, fit=fit))
        shaped = [np.stack([shaper(frame) for frame in frames]) for frames in recordings]
        things = [thing for frames in shaped if (thing := smallest_moving_thing(frames))]
        thing = min(things, key=lambda thing: thing.area, default=None)
        choice = SizeChoice(size=size, thing=thing, lost_at=before)
        if thing is None or not thing.lost:
            break
        before = size, thing
    return choice


def usual_sizes(height: int, width: int) -> list[Size]:
    """List sizes for pictures of a shape, the smallest first; none is larger than the picture."""
    sizes = []
    for factor in FACTORS:
        scale = factor * USUAL_SIDE / math.sqrt(height * width)
        size = tuple(
            max(2, round(side * scale / SIZE_STEP)) * SIZE_STEP for side in (height, width)
        )
        if size not in sizes and size[0] <= height and size[1] <= width:
            sizes.append(size)
    whole = tuple(max(1, side // SIZE_STEP) * SIZE_STEP for side in (height, width))
    return sizes or [whole]


def size_warning(thing: MovingThing | None, height: int, width: int) -> str | None:
    """Say what a tokenizer of frames of a size will lose, and which size would hold it."""
    if thing is None or not thing.lost:
        return None
    factor = SAFE_PIXELS / min(thing.width, thing.height)
    larger = (-(-round(side * factor, 3) // SIZE_STEP) * SIZE_STEP for side in (height, width))
    size = "x".join(f"{side:.0f}" for side in larger)
    return (
        f"the smallest thing that moves is {_pixels(thing)} at {height}x{width}: it will be lost; "
        f"build at {size} (--size {size})"
    )


def _show(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _pixels(thing: MovingThing) -> str:
    return f"{thing.width:.1f}x{thing.height:.1f} pixels"
