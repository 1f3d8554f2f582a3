"""Rectangles laid over the picture: bars of a game's display, and a player's webcam."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from corpus.readers.base import Box

LIVELY = 2.0  # times by which the rest must change more than a display that stands still
MOVES = 3.0  # mean change in grey levels from which a picture or a webcam moves
STEP = 14.0  # grey levels of a step that may be an edge
ALWAYS = 0.5  # share of the pictures that must show a step there
PERSON = 0.25  # share of a webcam that moves; of a display, digits do
COVER = 0.85  # share of an edge that must be one
LEAST, MOST = 0.08, 0.45  # of a side that an overlay covers


@dataclasses.dataclass(frozen=True)
class Overlay:
    """A rectangle that stays where it is while the game moves.

    Attributes:
        box: (top, left, height, width) in pixels.
        kind: "hud" stands still inside, "webcam" moves.
    """

    box: Box
    kind: str


def find_overlays(pictures: Sequence[np.ndarray]) -> list[Overlay]:
    """Find display bars along a side and webcams in a corner.

    Args:
        pictures: uint8 (h, w, 3), at least 8 of one recording, spread evenly, without borders.

    Returns:
        The larger first; none where the whole picture stands still.
    """
    if len(pictures) < 8 or min(pictures[0].shape[:2]) < 2:
        return []
    stack = np.stack(pictures)
    moving = _mean_change(stack)
    total = stack[..., 0].astype(np.int16) + stack[..., 1] + stack[..., 2]
    across, along = _steps(total), _steps(total.swapaxes(1, 2)).T
    boxes = _bars(across, along) + [
        box
        for down in (False, True)
        for right in (False, True)
        for box in _corner(across, along, down, right)
    ]
    overlays = [Overlay(box, kind) for box in boxes if (kind := _kind(box, moving))]
    overlays.sort(key=lambda overlay: -overlay.box[2] * overlay.box[3])
    kept: list[Overlay] = []
    for overlay in overlays:
        if not any(_overlap(overlay.box, other.box) for other in kept):
            kept.append(overlay)
    return kept


def _mean_change(stack: np.ndarray) -> np.ndarray:
    """Mean change of each pixel from one picture to the next, float64 (h, w)."""
    change = np.maximum(stack[1:], stack[:-1])
    change -= np.minimum(stack[1:], stack[:-1])
    return change.sum(0, dtype=np.uint16).mean(2) / len(change)


def _steps(total: np.ndarray) -> np.ndarray:
    """Whether a row differs from the one before it in most pictures, for each place, bool (h, w).

    Args:
        total: red, green and blue together, int16 (n, h, w).
    """
    counts = np.zeros(total.shape[1:], int)
    counts[1:] = (np.abs(total[:, 1:] - total[:, :-1]) >= 3 * STEP).sum(0)
    return counts >= ALWAYS * len(total)


def _bars(across: np.ndarray, along: np.ndarray) -> list[Box]:
    """Bars from side to side: at the top, the bottom, the left and the right."""
    height, width = across.shape
    boxes = []
    for row in _lines(across.mean(1)):
        boxes.append((0, 0, row, width) if row < height / 2 else (row, 0, height - row, width))
    for column in _lines(along.mean(0)):
        left = column < width / 2
        boxes.append((0, 0, height, column) if left else (0, column, height, width - column))
    return boxes


def _lines(covered: np.ndarray) -> list[int]:
    """The innermost straight edge near each end."""
    n = len(covered)
    near = np.arange(n)
    near = np.minimum(near, n - near)
    edges = np.flatnonzero((covered >= COVER) & (near >= LEAST * n) & (near <= MOST * n))
    ends = (edges[edges < n / 2], edges[edges >= n / 2])
    return [int(end[near[end].argmax()]) for end in ends if len(end)]


def _corner(across: np.ndarray, along: np.ndarray, down: bool, right: bool) -> list[Box]:
    """The rectangle in one corner whose two inner edges are the best covered, if any."""
    height, width = across.shape
    # An edge lies before a row: mirrored, the row behind it is the one before.
    if down:
        across, along = np.roll(across, -1, 0)[::-1], along[::-1]
    if right:
        across, along = across[:, ::-1], np.roll(along, -1, 1)[:, ::-1]
    lengths, heights = np.arange(1, width + 1), np.arange(1, height + 1)[:, None]
    below = np.cumsum(across, axis=1) / lengths  # [r, c]: of the edge before row r, columns to c
    beside = np.cumsum(along, axis=0) / heights
    score = np.minimum(below[1:, :-1], beside[:-1, 1:])  # [r - 1, c - 1] for r rows, c columns
    rows, columns = (np.arange(1, side) for side in (height, width))
    score[(rows < LEAST * height) | (rows > MOST * height)] = 0
    score[:, (columns < LEAST * width) | (columns > MOST * width)] = 0
    row, column = np.unravel_index(score.argmax(), score.shape)
    if score[row, column] < COVER:
        return []
    r, c = int(row) + 1, int(column) + 1
    return [(height - r if down else 0, width - c if right else 0, r, c)]


def _kind(box: Box, moving: np.ndarray) -> str | None:
    """Tell a display from a webcam by what moves inside; None if it is neither."""
    top, left, height, width = box
    inside = np.zeros(moving.shape, bool)
    inside[top : top + height, left : left + width] = True
    within, around = float(moving[inside].mean()), float(moving[~inside].mean())
    if around < MOVES:
        return None
    is_corner = height < moving.shape[0] and width < moving.shape[1]
    if is_corner and (moving[inside] >= MOVES).mean() >= PERSON:
        return "webcam"
    return "hud" if within * LIVELY <= around else None


def _overlap(first: Box, second: Box) -> bool:
    """Whether two boxes share a pixel."""
    return all(
        first[axis] < second[axis] + second[axis + 2]
        and second[axis] < first[axis] + first[axis + 2]
        for axis in (0, 1)
    )
