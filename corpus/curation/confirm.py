"""Whether two stretches of footage show the same, by their pixels.

Games look alike for hours, and what stands still agrees whenever one level is played twice. So what
moves must agree, everywhere and all the time, and better than with the same a moment before or
after.
"""

from __future__ import annotations

import numpy as np

SPAN = 64  # frames that are compared at once
MOVED = 16  # grey levels by which a moving pixel differs from what the place mostly shows
OFF = 2  # frames by which the alignment may be off
APART = (3, 6, 12)  # frames before and after that are compared with
CELLS, TICK = 8, 8  # places on a side of the picture, and frames, that are judged as one
BETTER = 0.5  # of the difference a moment apart may remain in what agrees
DISAGREE = 0.1  # share of the motion that may not agree: an encoder's noise, the edges of a copy
THING, UNLIKE = 3, 32  # pixels on a side, and grey levels, of something that only one shows
FOREIGN = 0.5  # share of the frames that may show something like that
LEAST = 16  # grey levels in all that must change in a frame, on average


def confirm(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether one is a copy of the other, perhaps encoded again or scaled.

    Args:
        a: uint8 (n, H, W, 3), consecutive frames; about ``SPAN`` of them.
        b: the same of the suspected original, aligned up to ``OFF`` frames.

    Returns:
        True if what moves agrees; False if nothing moves.
    """
    pair = [_grey_and_moving(frames) for frames in (a, b)]
    near = {shift: _differences(*pair, [shift]) for shift in range(-OFF, OFF + 1)}
    best = min(near, key=lambda shift: near[shift].sum())
    apart = _differences(*pair, [best + sign * by for by in APART for sign in (-1, 1)])
    if apart.sum() < LEAST * len(a):
        return False
    if _foreign_share(pair[0][0], pair[1][0], best) > FOREIGN:
        return False
    weight = np.maximum(near[best], apart)
    return bool(weight[near[best] > BETTER * apart].sum() <= DISAGREE * weight.sum())


def _grey_and_moving(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Brightness, int16 (n, H, W), and where something moves, bool (n, H, W)."""
    total = frames[..., 0] + frames[..., 1].astype(np.int16) + frames[..., 2]  # sum(3) is slow
    grey = total // 3
    mostly = np.median(grey[::4], axis=0).astype(np.int16)
    return grey, np.abs(grey - mostly) > MOVED


def _foreign_share(a: np.ndarray, b: np.ndarray, shift: int) -> float:
    """Share of the frames in which a thing is seen that the other does not show.

    Where the camera moves, all of the picture does, and a small sprite is a small part of that.
    """
    start, stop = max(0, -shift), min(len(a), len(a) - shift)
    unlike = np.abs(a[start:stop] - b[start + shift : stop + shift]) > UNLIKE
    for axis in (1, 2):  # all of THING x THING pixels
        rows = unlike.shape[axis] - THING + 1
        parts = [unlike.take(range(by, by + rows), axis) for by in range(THING)]
        unlike = np.logical_and.reduce(parts)
    return float(unlike.any((1, 2)).mean()) if len(unlike) else 1.0


def _differences(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray], shifts: list[int]
) -> np.ndarray:
    """Sum what differs where something moves, float32 (ticks, CELLS, CELLS); mean over shifts."""
    n, height, width = first[0].shape
    down, across = _cells(height).T, _cells(width)
    total, counted = np.zeros((n, CELLS, CELLS), np.float32), np.zeros((n, 1, 1), np.float32)
    for shift in shifts:
        start, stop = max(0, -shift), min(n, n - shift)
        if start < stop:
            at, to = slice(start, stop), slice(start + shift, stop + shift)
            difference = np.abs(first[0][at] - second[0][to]) * (first[1][at] | second[1][to])
            total[at] += down @ (difference.astype(np.float32) @ across)  # integers: exact
            counted[at] += 1
    return np.add.reduceat(total / np.maximum(counted, 1), np.arange(0, n, TICK), axis=0)


def _cells(size: int) -> np.ndarray:
    """Which of ``CELLS`` equal parts of a side each pixel is in, float32 (size, CELLS)."""
    parts = np.repeat(np.arange(CELLS), np.diff(np.arange(CELLS + 1) * size // CELLS))
    return np.eye(CELLS, dtype=np.float32)[parts]
