"""Stretches that stand still: one colour, frozen pictures, menus and loading screens."""

from __future__ import annotations

import numpy as np

from corpus.curation.measure import LAG, Measurements, count_cells

CELLS = 64  # of the grid that ``Measurements.cells`` has bits for
BUSY = 0.2  # share of the frames that change, above which whatever changes is more than a cursor


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """List (start, stop) of consecutive true entries."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def long_runs(flags: np.ndarray, shortest: float) -> np.ndarray:
    """Keep the true entries of runs that are long enough, bool (N,)."""
    kept = np.zeros(len(flags), bool)
    for start, stop in runs(flags):
        if stop - start >= shortest:
            kept[start:stop] = True
    return kept


def flat_frames(m: Measurements, contrast: float) -> np.ndarray:
    """Find pictures of one colour, bool (N,).

    A wall that a player looks at from close by is nearly of one colour, but it moves.
    """
    flat = m.contrast <= contrast
    follows = np.concatenate([[False], flat[:-1]])
    return flat & (~follows | (m.peak <= contrast))


def frozen_frames(m: Measurements, noise: float, shortest: float) -> np.ndarray:
    """Find frames that repeat the one before, but for noise, in stretches of at least so many.

    Slow changes are none from frame to frame, so a frame must also equal the one 8 before.
    """
    still = m.peak <= noise
    still[:1] = False  # the first frame has nothing that it could repeat
    since = np.arange(len(m)) - np.maximum.accumulate(np.where(still, -1, np.arange(len(m))))
    return long_runs(still & ((since < LAG) | (m.slow_peak <= noise + 1)), shortest)


def menu_frames(m: Measurements, share: float, length: int, frozen: np.ndarray) -> np.ndarray:
    """Find windows of so many frames in which few cells change, all in all, bool (N,).

    Whatever moves about touches more of them with time: a ball, or a player. What blinks or turns
    in its place does not. Something small and slow does not get far, but on its way it is at most
    of its places in one half of the window alone, and what turns in both. The cursor that is led
    through a menu moves on, too, but at few frames.

    Args:
        m: the measurements of N frames.
        share: of the cells that may change.
        length: of the window, in frames.
        frozen: bool (N,), frames known to be frozen: a game that is paused moves little for a
            while before and after, and is no menu.
    """
    n = len(m)
    if n < length:
        return np.zeros(n, bool)
    touched = np.where(frozen, np.uint64(2**64 - 1), m.cells)
    touched[:1] = 0
    half = (length + 1) // 2
    halves = _unions(touched, half)
    first, second = halves[: n - length + 1], halves[length - half :]
    places = count_cells(first | second)
    changes = np.cumsum(np.concatenate([[0], touched != 0]))
    busy = changes[length:] - changes[: n - length + 1] >= BUSY * length
    moves_on = busy & (2 * count_cells(first & second) <= places)
    found = np.zeros(n, bool)
    for start, stop in runs(places <= share * CELLS):
        if moves_on[start:stop].mean() < 0.5:  # a menu may do so for a moment
            found[start : stop - 1 + length] = True
    return found | _between(m, found | frozen, share, length)


def _unions(touched: np.ndarray, length: int) -> np.ndarray:
    """Cells touched from each frame t to t + length - 1, uint64 (N - length + 1,)."""
    width = 1
    while width < length:
        step = min(width, length - width)
        touched = touched[: len(touched) - step] | touched[step:]
        width += step
    return touched


def _between(m: Measurements, still: np.ndarray, share: float, length: int) -> np.ndarray:
    """Find what is too short to be judged between two still stretches, and quiet itself."""
    found = np.zeros(len(m), bool)
    for start, stop in runs(~still):
        inside = start > 0 and stop < len(m) and stop - start < length
        touched = np.bitwise_or.reduce(m.cells[start : min(stop + 1, len(m))])
        found[start:stop] = inside and bool(count_cells(touched[None])[0] <= share * CELLS)
    return found
