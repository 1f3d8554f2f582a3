"""Bars of one colour around the picture: letterbox, pillarbox, a window on a plain desktop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.readers.base import Box

PLAIN = 12  # grey levels by which a bar may differ from its colour, encoder's noise included
STEADY = 6  # grey levels by which its colour may change between pictures
EDGE = 24  # grey levels by which the picture behind its edge differs from it...
STRAIGHT = 0.6  # ...along this share of the edge, in one picture or another
LEAST = 0.02  # share of a side below which a bar is not worth a cut
MOST = 0.45  # of a side: what is left in the middle would be no picture


def find_borders(pictures: Sequence[np.ndarray]) -> Box | None:
    """Find what constant bars enclose.

    A dark game has dark sides, too. A bar has one colour in all pictures, and a straight inner
    edge: behind it, most places show something else at one time or another.

    Args:
        pictures: uint8 (h, w, 3), some of one recording, spread evenly.

    Returns:
        (top, left, height, width) in pixels of the pictures; None without a bar.
    """
    if len(pictures) < 2:
        return None
    stack = np.stack(pictures).astype(np.int16)
    height, width = stack.shape[1:3]
    top, bottom = _bars(stack)
    inside = stack[:, top : height - bottom]
    left, right = _bars(inside.transpose(0, 2, 1, 3))
    if not (top or bottom or left or right):
        return None
    return top, left, height - top - bottom, width - left - right


def _bars(stack: np.ndarray) -> tuple[int, int]:
    """Rows of the bars at the top and at the bottom."""
    return _bar(stack), _bar(stack[:, ::-1])


def _bar(stack: np.ndarray) -> int:
    """Rows of the bar at the top, or 0."""
    height = stack.shape[1]
    colour = np.median(stack[:, 0], axis=(0, 1))
    most = int(MOST * height)
    rows = 0
    while rows <= most and _is_plain(stack[:, rows], colour):
        rows += 1
    if rows > most or rows < LEAST * height:
        return 0
    means = stack[:, :rows].mean((1, 2))
    if np.abs(means - np.median(means, axis=0)).max() > STEADY:
        return 0
    # The encoder blurs the edge itself: what is two rows further inside counts as well.
    beyond = np.abs(stack[:, rows : min(rows + 3, most + 1)] - colour).max((0, 1, 3))
    return rows if (beyond >= EDGE).mean() >= STRAIGHT else 0


def _is_plain(row: np.ndarray, colour: np.ndarray) -> bool:
    """Whether a row has one colour in all pictures, int16 (n, w, 3).

    A single pixel may be off: compression rings at the edge of a bar.
    """
    apart = np.abs(row - colour).max(2)
    return bool(np.quantile(apart, 0.98, axis=1).max() <= PLAIN)
