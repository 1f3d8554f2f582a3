"""How much of a frame is new, after each block of the frame before moved where it fits best.

Arrays have the frames as last axis: sums over cells then run over whole rows of memory, which makes
the search three times as fast.
"""

from __future__ import annotations

import numpy as np

REACH = 3  # cells of the 16x16 grid: a fifth of the picture, in each direction
_SUMS = ((2, 16), (16,), (4, 2))
MARGIN = 2 * REACH + 1  # of the 32x32 grid
OFFSETS = np.array(
    sorted(
        ((dy, dx) for dy in range(-REACH, REACH + 1) for dx in range(-REACH, REACH + 1)),
        key=lambda offset: offset[0] ** 2 + offset[1] ** 2,
    )
)


def match_blocks(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Mean absolute difference in grey levels that motion of 16 blocks does not explain.

    Args:
        now: int16 (32, 32, n), 0 to 255.
        before: int16 (32, 32, n), 0 to 255.

    Returns:
        float32 (n,).
    """
    if not now.shape[2]:
        return np.zeros(0, np.float32)
    return _refine(now, before, _coarse_shifts(halve(now), halve(before)))


def halve(grid: np.ndarray) -> np.ndarray:
    """Average 2x2 cells, integers rounded down."""
    rows = grid[::2] + grid[1::2]
    return (rows[:, ::2] + rows[:, 1::2]) >> 2


def _pad(grid: np.ndarray, margin: int) -> np.ndarray:
    """Repeat the edges; np.pad does the same slowly."""
    place = np.clip(np.arange(-margin, len(grid) + margin), 0, len(grid) - 1)
    return grid.take(place, 0).take(place, 1)


def _coarse_shifts(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Best (dy, dx) of each 4x4 block of 16x16 grids, int (4, 4, n, 2); the nearest if several."""
    n = now.shape[2]
    padded = _pad(before, REACH)
    costs = np.empty((len(OFFSETS), 4, 4, n), np.int16)
    difference = np.empty_like(now)
    # Sums of 4 rows, then of 4 columns, by halves; new arrays would take longer than the sums.
    two_rows, rows, two_columns = (np.empty((4, *shape, n), np.int16) for shape in _SUMS)
    for cost, (dy, dx) in zip(costs, OFFSETS, strict=True):
        there = padded[REACH + dy : REACH + dy + 16, REACH + dx : REACH + dx + 16]
        np.abs(np.subtract(now, there, out=difference), out=difference)
        blocks = difference.reshape(4, 4, 16, n)
        np.add(blocks[:, :2], blocks[:, 2:], out=two_rows)
        np.add(two_rows[:, 0], two_rows[:, 1], out=rows)
        blocks = rows.reshape(4, 4, 4, n)
        np.add(blocks[:, :, :2], blocks[:, :, 2:], out=two_columns)
        np.add(two_columns[:, :, 0], two_columns[:, :, 1], out=cost)
    return OFFSETS[costs.argmin(0)]


def _refine(now: np.ndarray, before: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Try the half cells around each block's shift on the 32x32 grid, and take the best."""
    n = now.shape[2]
    padded = _pad(before, MARGIN)
    side, window, corner = len(padded), np.arange(-1, 9), 8 * np.arange(4) + MARGIN
    y = corner[:, None, None] + 2 * shift[..., 0]
    x = corner[None, :, None] + 2 * shift[..., 1]
    base = (y * side + x) * n + np.arange(n)
    around = (window[:, None] * side + window) * n
    windows = padded.reshape(-1).take(around[:, :, None, None, None] + base)
    blocks = np.ascontiguousarray(now.reshape(4, 8, 4, 8, n).transpose(1, 3, 0, 2, 4))
    best = np.full((4, 4, n), np.iinfo(np.int16).max, np.int16)
    difference = np.empty_like(blocks)
    for dy in range(3):
        for dx in range(3):
            np.subtract(blocks, windows[dy : dy + 8, dx : dx + 8], out=difference)
            np.abs(difference, out=difference)
            cost = np.add.reduce(difference.reshape(64, 4, 4, n), axis=0, dtype=np.int16)
            np.minimum(best, cost, out=best)
    return best.mean((0, 1), dtype=np.float32) / 64
