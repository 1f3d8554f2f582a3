"""By which steps a camera moves, and which part of the picture goes along."""

from dataclasses import dataclass

import torch
from torch import Tensor

from train.auto.motion import Motion, measure_motion
from train.camera_steps.method import CameraStepsMethod
from train.data.frames import Frames

LEAST_STEPS = 0.9
"""The camera moves by whole cells if its commonest shifts are this fraction of all its shifts."""


LEAST_CELL = 4
"""Pixels of a step; less is a camera that scrolls at one speed, and not from cell to cell."""


class NoStepsError(ValueError):
    """The camera does not move by whole steps."""


@dataclass(frozen=True, kw_only=True)
class CameraSteps:
    """How a camera moves.

    Attributes:
        steps: as (dy, dx) in pixels, the commonest first.
        view: top, left, height and width in pixels of what goes along.
    """

    steps: tuple[tuple[int, int], ...]
    view: tuple[int, int, int, int]


def find_camera_steps(
    frames: Frames, seed: int, method: CameraStepsMethod, motion: Motion | None = None
) -> CameraSteps:
    """Find the steps of the camera and what it shows.

    Args:
        frames: of the corpus.
        seed: of the pairs of frames that are looked at.
        method: the numbers.
        motion: what was measured already.

    Raises:
        NoStepsError: its shifts are not a few whole steps.
    """
    motion = measure_motion(frames, seed) if motion is None else motion
    if not moves_by_cells(motion):
        raise NoStepsError(
            "the camera does not move by whole steps. Take a recipe whose lam is of kind "
            "whole_frame or player_sprite"
        )
    cells = [max(abs(step[axis]) for step in motion.steps) for axis in (0, 1)]
    rows, columns = (
        _extent(motion.carried.mean(dim=1 - axis), method.carried, max(cells[axis], 1))
        for axis in (0, 1)
    )
    view = (rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0])
    # What stands still around the view outweighs steps over plain ground: one may be missing.
    inside = measure_motion(frames, seed, view)
    return CameraSteps(steps=inside.steps if moves_by_cells(inside) else motion.steps, view=view)


def moves_by_cells(motion: Motion) -> bool:
    """Return whether a camera moves by a few whole steps, each a cell or more."""
    shortest = min((max(map(abs, step)) for step in motion.steps), default=0)
    return motion.in_steps >= LEAST_STEPS and shortest >= LEAST_CELL


def _extent(rates: Tensor, least: float, cell: int) -> tuple[int, int]:
    """Return where the first and behind the last pixel of an axis lie that go along often enough.

    Edges that lie within a quarter of a cell of a whole number of cells are moved there.
    """
    there = torch.nonzero(rates >= least * rates.max())[:, 0]
    first, stop = int(there[0]), int(there[-1]) + 1
    near_first, near_stop = (cell * round(edge / cell) for edge in (first, stop))
    if 4 * abs(near_first - first) <= cell:
        first = near_first
    if 4 * abs(near_stop - stop) <= cell and near_stop <= len(rates):
        stop = near_stop
    return first, stop
