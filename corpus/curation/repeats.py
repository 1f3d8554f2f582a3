"""Footage that was recorded at a higher rate than the game drew."""

from __future__ import annotations

import numpy as np

from corpus.curation.measure import Measurements

MOST = 4  # times that a frame is shown
SHARE = 0.85  # of the moving footage that must follow the pattern
FEW = 60  # distinct frames below which nothing is said


def repeat_pattern(m: Measurements, noise: float = 4.0) -> float | None:
    """By what the frame rate can be multiplied without loss of a picture: 1/2, 1/3, 1/4 or None.

    Args:
        m: the measurements of a recording.
        noise: grey levels by which a cell may change in a repeated frame.
    """
    new = m.peak > noise
    new[:1] = True
    lengths = np.diff(np.flatnonzero(new))
    lengths = lengths[lengths <= 2 * MOST]  # longer ones are pauses
    if len(lengths) < FEW:
        return None
    times = int(np.median(lengths))
    if not 2 <= times <= MOST or (lengths == times).mean() < SHARE:
        return None
    return 1 / times
