"""How much of what changes in a corpus is the camera."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from corpus.clips import draw_clips
from lam.player_sprite.location import (
    camera_shift,
    motion_residual,
    search_factor,
    search_radius,
)
from spacetime.pixels import changed_pixels, enlarged, shrink
from train.data.clips import split_starts, to_float
from train.data.frames import Frames

PAIRS = 1024
LEAST_EXPLAINED = 0.4
"""A shift explains a change if it removes this fraction of the changed pixels."""
LEAST_CHANGED = 0.03
"""Of the frame: where less changes, a shift may explain a thing that moves as well as a camera."""
MOST_STEPS = 4
LEAST_STEP = 0.02
"""Of the camera's shifts: a rarer one is no step, but a shift that was taken for another."""
NEARLY_ALL = 0.9
"""Of the camera's shifts; the farthest may be mistaken: of cuts, or of patterns that repeat."""


@dataclass(frozen=True, kw_only=True)
class Motion:
    """What moves in a corpus.

    Attributes:
        camera: fraction of the transitions with a change that a shift of the camera explains.
        steps: the commonest shifts of the camera, as (dy, dx) in pixels.
        in_steps: fraction of the camera's shifts that are one of these.
        farthest: pixels along an axis that hardly a shift exceeds.
        residual: float (H, W) of what was looked at, how often each pixel is a motion residual.
        carried: float (H, W), how often each pixel changes and goes along with the camera, where
            the camera moves.
    """

    camera: float
    steps: tuple[tuple[int, int], ...]
    in_steps: float
    farthest: int
    residual: Tensor = field(repr=False)
    carried: Tensor = field(repr=False)


@torch.no_grad()
def measure_motion(
    frames: Frames, seed: int, view: tuple[int, int, int, int] | None = None
) -> Motion:
    """Measure how much of what changes is the camera.

    Frames much larger than 64 pixels are shrunk for it by a whole factor, if one divides them.

    Args:
        frames: of the corpus.
        seed: of the pairs of frames that are looked at.
        view: top, left, height and width in pixels of what is looked at; None: the whole frame.
    """
    corpus = frames.corpus
    top, left, height, width = view or (0, 0, corpus.height, corpus.width)
    factor = search_factor(corpus.height, corpus.width, top, left, height, width)
    starts, _ = split_starts(corpus.episode_ends, 2, seed)
    clips = np.array_split(draw_clips(starts, PAIRS, seed, 0), PAIRS // 128)
    radius = search_radius(height // factor, width // factor)
    residual, carried, explained, moved = 0, 0, 0, []
    changing = 0
    for part in clips:
        seen = to_float(frames.clips(part, 2))[..., top : top + height, left : left + width]
        before, after = shrink(seen, factor, "mean").unbind(dim=1)
        shift = camera_shift(before, after, radius)
        unexplained = motion_residual(before, after, shift).float()
        changed = changed_pixels(before, after).float()
        any_change = changed.mean(dim=(1, 2)) > 0
        by_camera = unexplained.mean(dim=(1, 2)) < (1 - LEAST_EXPLAINED) * changed.mean(dim=(1, 2))
        by_camera &= (shift != 0).any(dim=1) & (changed.mean(dim=(1, 2)) > LEAST_CHANGED)
        residual = residual + unexplained.sum(dim=0)
        changing += int(any_change.sum())
        carried = carried + (changed * (1 - unexplained))[by_camera].sum(dim=0)
        explained += int(by_camera.sum())
        moved += [tuple(step) for step in (factor * shift[by_camera]).tolist()]
    steps, counts = np.unique(np.array(moved).reshape(-1, 2), axis=0, return_counts=True)
    order = counts.argsort()[::-1][:MOST_STEPS]
    order = order[counts[order] >= LEAST_STEP * counts.sum()]
    return Motion(
        camera=explained / max(1, changing),
        steps=tuple(tuple(steps[index].tolist()) for index in order),
        in_steps=float(counts[order].sum() / max(1, counts.sum())),
        farthest=_farthest(np.array(moved), factor),
        residual=enlarged(residual / PAIRS, factor),
        carried=enlarged(carried / max(1, explained), factor),
    )


def _farthest(shifts: np.ndarray, factor: int) -> int:
    """Return how far nearly all shifts go, int (P, 2), measured in steps of `factor` pixels."""
    if not len(shifts):
        return 0
    largest = np.abs(shifts).max(axis=1)
    return int(np.quantile(largest, NEARLY_ALL, method="higher")) + factor - 1
