"""Steps of a thing as motions, and how well one tells the next."""

import numpy as np

from train.moving_player.method import MovingPlayerMethod

_OCTANTS = 8
MOTIONS = 1 + _OCTANTS
"""Standing still, and eight directions."""
_STRETCH = 50
_PRIOR = 3.0
"""Transitions that the motions overall count for, behind each motion."""


def motion_of(steps: np.ndarray, still: float) -> np.ndarray:
    """Return 0 for standing still or 1 + the eighth of the circle for each step, int64 (S,).

    Args:
        steps: float64 (S, 2), rows and columns in pixels.
        still: shorter steps are standing still.
    """
    turn = np.arctan2(steps[:, 0], steps[:, 1]) / (2 * np.pi / _OCTANTS)
    octant = np.round(turn).astype(np.int64) % _OCTANTS
    return np.where(np.linalg.norm(steps, axis=1) > still, 1 + octant, 0)


def find_motions(steps: np.ndarray, method: MovingPlayerMethod) -> tuple[np.ndarray, np.ndarray]:
    """Return standing still, and the median step in each direction that is taken often enough.

    Args:
        steps: float64 (S, 2), rows and columns in pixels.
        method: what often enough is.

    Returns:
        float64 (M, 2), M from 1 to 9, and how often each is taken, int64 (M,).
    """
    motion = motion_of(steps, method.still)
    moved = int((motion > 0).sum())
    motions, taken = [np.zeros(2)], [len(motion) - moved]
    for number in range(1, MOTIONS):
        there = steps[motion == number]
        if len(there) >= max(1, method.least_direction * moved):
            motions.append(np.median(there, axis=0))
            taken.append(len(there))
    return np.stack(motions), np.array(taken)


def surprise_of(last: np.ndarray, following: np.ndarray) -> float:
    """Return the cross entropy of motions given the motions before them, in nats.

    Stretches of 50 are judged in turn by the counts of the others, so that chance counts for
    nothing.

    Args:
        last: int64 (S,), as `motion_of` numbers them.
        following: int64 (S,), the motions right after them.
    """
    half, lost = np.arange(len(last)) // _STRETCH % 2 == 0, 0.0
    for judged in (half, ~half):
        counts = np.zeros((MOTIONS, MOTIONS))
        np.add.at(counts, (last[~judged], following[~judged]), 1)
        overall = counts.sum(axis=0) + 0.5
        share = counts + _PRIOR * overall / overall.sum()
        share /= share.sum(axis=1, keepdims=True)
        lost -= np.log(share[last[judged], following[judged]]).sum()
    return float(lost / len(last))
