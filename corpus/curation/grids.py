"""Frames averaged to small grids by matrix products, whatever size they have."""

from __future__ import annotations

import numpy as np

FINE, COARSE = 32, 16  # cells on a side
BINS = 16  # of each colour's histogram
BATCH = 64  # frames at once; the cost of a numpy call is shared among them
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def pooling(pixels: int, cells: int) -> np.ndarray:
    """Weights that average a line of pixels to cells of equal width, float32 (pixels, cells)."""
    edges = np.linspace(0, pixels, cells + 1)
    left, right = np.arange(pixels)[:, None], np.arange(1, pixels + 1)[:, None]
    covered = np.minimum(right, edges[1:]) - np.maximum(left, edges[:-1])
    weights = np.maximum(covered, 0)
    return (weights / weights.sum(0)).astype(np.float32)


class Grids:
    """Averages frames of one size.

    Attributes:
        size: (height, width) of the frames.
    """

    def __init__(self, height: int, width: int) -> None:
        """Prepare for frames of one size."""
        self.size = (height, width)
        self._halvings = max(0, int(np.log2(height / FINE)))
        rows = height >> self._halvings
        share = np.float32(0.5) ** self._halvings  # of the sum of so many rows
        fine = (pooling(width, FINE)[:, None] * LUMA[:, None]).reshape(width * 3, FINE)
        self._fine = fine * share, pooling(rows, FINE)
        self._coarse = (
            np.repeat(pooling(width, COARSE) / 3, 3, axis=0) * share,
            pooling(rows, COARSE),
        )
        self._step = (max(1, height // COARSE), max(1, width // COARSE))
        # Large arrays are taken from the system anew each time, which costs more than the sums.
        self._bytes = np.empty((2, BATCH, height, width, 3), np.uint8)
        self._floats = np.empty((BATCH * rows, width * 3), np.float32)

    def change(self, frames: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Mean absolute difference of each cell from the frame before, float32 (16, 16, n).

        Args:
            frames: uint8 (n, H, W, 3), n at most BATCH.
            last: uint8 (H, W, 3), the frame before them.
        """
        n = len(frames)
        larger, smaller = self._bytes[:, :n]
        np.maximum(frames[1:], frames[:-1], out=larger[1:])
        np.minimum(frames[1:], frames[:-1], out=smaller[1:])
        np.maximum(frames[0], last, out=larger[0])
        np.minimum(frames[0], last, out=smaller[0])
        np.subtract(larger, smaller, out=larger)
        return self._average(larger, *self._coarse)

    def luma(self, frames: np.ndarray) -> np.ndarray:
        """Brightness of each cell, int16 (32, 32, n)."""
        cells = self._average(frames, *self._fine)
        cells += np.float32(0.5)
        return cells.astype(np.int16)

    def histograms(self, frames: np.ndarray) -> np.ndarray:
        """Count red, green and blue of about 16x16 pixels, float32 (n, 48)."""
        picked = frames[:, :: self._step[0], :: self._step[1]] >> 4
        n = len(picked)
        index = np.add(picked, np.arange(0, 3 * BINS, BINS), dtype=np.intp)
        index += (np.arange(n) * 3 * BINS)[:, None, None, None]
        counts = np.bincount(index.reshape(-1), minlength=n * 3 * BINS)
        return counts.reshape(n, 3 * BINS).astype(np.float32)

    def _average(self, frames: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        n, height, width, _ = frames.shape
        rows = frames
        for _ in range(self._halvings):  # integers are halved faster than floats are multiplied
            even = rows.shape[1] // 2 * 2
            rows = np.add(rows[:, 0:even:2], rows[:, 1:even:2], dtype=np.uint16)
        # Frames come last, as BLAS transposes a matrix for nothing, and numpy copies it.
        floats = self._floats[: n * rows.shape[1]].reshape(rows.shape[1], n, width * 3)
        floats[...] = rows.reshape(n, rows.shape[1], width * 3).transpose(1, 0, 2)
        cells = np.matmul(across.T, floats.transpose(0, 2, 1))  # rows, cells, n
        if len(down) == down.shape[1]:  # a row of cells for each row
            return cells
        return np.tensordot(down, cells, (0, 0))
