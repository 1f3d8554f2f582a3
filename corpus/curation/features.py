"""What of the measurements tells a transition from motion: each frame against those around it.

Nearly all are logarithms of ratios, so that a quiet game and a wild one look alike to the networks
that judge them, and so do bright and dark ones.
"""

from __future__ import annotations

from functools import reduce

import numpy as np

from corpus.curation.measure import Measurements, count_cells

WINDOW = 40  # frames to each side that say how lively a scene is
CLOSE = (-3, -2, -1, 1, 2, 3)
REACH = 64  # frames to each side beyond which nothing counts, features of features included


def shifted(values: np.ndarray, by: int) -> np.ndarray:
    """Return what stands ``by`` entries later; the ends are repeated."""
    return values[np.clip(np.arange(len(values)) + by, 0, len(values) - 1)]


def largest(values: np.ndarray, shifts: tuple[int, ...]) -> np.ndarray:
    """Largest of the entries at these distances."""
    return reduce(np.maximum, [shifted(values, by) for by in shifts])


def usual(values: np.ndarray, share: float) -> np.ndarray:
    """Quantile over WINDOW entries to both sides, without the two next to it."""
    around = np.array([by for by in range(-WINDOW, WINDOW + 1) if abs(by) > 1])
    index = np.clip(np.arange(len(values))[:, None] + around, 0, len(values) - 1)
    rank = round(share * (len(around) - 1))
    return np.partition(values[index], rank, axis=1)[:, rank]


def logarithm(values: np.ndarray, floor: float) -> np.ndarray:
    """Natural logarithm of what lies above a floor."""
    return np.log(np.maximum(values, floor))


def cut_features(m: Measurements) -> np.ndarray:
    """Describe the step into each frame, float (N, 15)."""
    left, change = m.unexplained.astype(float), m.change.astype(float)
    colours, back = m.colours.astype(float), m.back.astype(float)
    new = colours[:, 0]
    log_left, log_change, log_new = (
        logarithm(left, 0.2),
        logarithm(change, 0.2),
        logarithm(new, 0.01),
    )
    near = reduce(np.bitwise_or, [shifted(m.cells, by) for by in (-4, -3, -2, -1, 1, 2, 3, 4)])
    fresh = np.log1p(count_cells(m.cells & ~near))
    changed = np.log1p(count_cells(m.cells))
    steady_new = np.maximum(usual(new, 0.9), -largest(-new, (-2, -1, 1, 2)))
    columns = [
        np.clip(log_left, -2, 3.2),
        np.clip(log_left - logarithm(largest(left, CLOSE), 0.1), -1, 2),
        np.clip(log_left - logarithm(usual(left, 0.9), 0.1), -1, 2),
        np.clip(log_change - logarithm(largest(change, CLOSE), 0.1), -1, 2),
        np.clip(log_change - logarithm(usual(change, 0.9), 0.1), -1, 2),
        np.clip(log_new, -5, -1),
        np.clip(log_new - logarithm(largest(new, CLOSE), 0.01), -1, 2),
        np.clip(log_new, -5, -1) - np.clip(logarithm(steady_new, 0.01), -5, -1),
        np.clip(_stays(back) / np.maximum(back[:, 0], 0.2), 0, 1),
        np.clip(_stays(colours) / np.maximum(new, 0.01), 0, 1),
        fresh,
        fresh - usual(fresh, 0.95),
        changed,
        changed - usual(changed, 0.95),
        logarithm(usual(change, 0.75), 0.1),
    ]
    return np.stack(columns, 1)


def _stays(back: np.ndarray) -> np.ndarray:
    """Least difference between a frame up to 3 before a step and one up to 2 after it.

    After a flash, and after a shake, the picture is back at what it was; after a cut it is not.
    """
    pairs = [(1, 1), (0, 1), (2, 2), (1, 2), (0, 2)]  # frames later, column of ``back``
    return -reduce(np.maximum, [-shifted(back[:, column], by) for by, column in pairs])


def gradual_features(m: Measurements) -> np.ndarray:
    """Describe how each frame lies between those before and after it, float (N, 16)."""
    span, blend = m.span.astype(float), m.blend.astype(float)
    contrast, brightness = m.contrast.astype(float), m.brightness.astype(float)
    change = m.change.astype(float)
    ratio = blend / np.maximum(span, 1)
    columns = []
    for column in (0, 1):
        smooth = -largest(-ratio[:, column], (-1, 0, 1))
        columns += [np.clip(ratio[:, column], 0, 1), np.clip(smooth, 0, 1)]
        columns += [logarithm(span[:, column], 1)]
        columns += [
            np.clip(
                logarithm(span[:, column], 1)
                - logarithm(np.maximum(usual(span[:, column], 0.75), 1), 1),
                -2,
                3,
            )
        ]
    for ahead in (-8, -4, 4, 8):
        columns.append(np.clip((contrast - shifted(contrast, ahead)) / 64, -2, 2))
    steady = np.minimum(change, np.minimum(shifted(change, 1), shifted(change, -1)))
    columns += [
        np.clip(logarithm(steady, 0.2) - logarithm(usual(change, 0.75), 0.2), -2, 3),
        np.clip((shifted(brightness, 4) - shifted(brightness, -4)) / 64, -2, 2),
        logarithm(contrast, 1),
        logarithm(largest(change, CLOSE), 0.2) - logarithm(steady, 0.2),
    ]
    return np.stack(columns, 1)
