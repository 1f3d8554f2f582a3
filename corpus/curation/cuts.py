"""Where a scene ends: hard cuts, fades and dissolves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from corpus.curation.features import REACH, cut_features, gradual_features, shifted
from corpus.curation.measure import Measurements
from corpus.curation.network import judge
from corpus.curation.still import runs

SMALL = 0.2  # unexplained change in grey levels below which a step is no cut
JOIN = 3  # frames by which two parts of one transition may lie apart
PIECE = 4096  # frames judged at once: features of hours would take gigabytes
SHORT = 3  # frames; a shorter transition is left to the cuts


def find_cuts(m: Measurements, probability: float) -> np.ndarray:
    """List the frames with which another scene begins, int (C,)."""
    if len(m) < 2:
        return np.zeros(0, np.int64)
    left = m.unexplained
    top = (left > SMALL) & (left >= shifted(left, 1)) & (left >= shifted(left, -1))
    top[:1] = False
    return np.flatnonzero(top & (_judged("cut", cut_features, m) >= probability))


def gradual_frames(m: Measurements, probability: float) -> np.ndarray:
    """Find the frames of fades and dissolves, bool (N,)."""
    if len(m) < 2:
        return np.zeros(len(m), bool)
    likely = _judged("gradual", gradual_features, m) >= probability
    joined, last = likely.copy(), None
    for start, stop in runs(likely):
        if last is not None and start - last <= JOIN:
            joined[last:start] = True
        last = stop
    for start, stop in runs(joined):
        if stop - start < SHORT:
            joined[start:stop] = False
    return joined


def _judged(
    name: str, features: Callable[[Measurements], np.ndarray], m: Measurements
) -> np.ndarray:
    """Probability that each frame is what a network looks for, float (N,)."""
    result = np.empty(len(m))
    for start in range(0, len(m), PIECE):
        stop = min(start + PIECE, len(m))
        first = max(0, start - REACH)
        judged = judge(name, features(m.part(first, min(stop + REACH, len(m)))))
        result[start:stop] = judged[start - first : stop - first]
    return result
