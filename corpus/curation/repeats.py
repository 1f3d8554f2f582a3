"""Games that were recorded at a multiple of their own rate: every second frame is a copy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

STILL = 0.01  # mean squared difference, levels squared: below it nothing moves at all
COPY = 0.1  # of the difference of frames that move; codecs do not copy exactly
LONGEST_RUN = 5  # more copies in a row are a picture that stands still
NEAR = 0.07  # by which the share of copies may miss the one of a slower game
MULTIPLES = (2, 3, 4)


def repeated_share(frames: np.ndarray) -> float:
    """Return the share of frames that copy the one before, where the picture moves.

    A game of 30 fps that was recorded at 60 has 0.5; moving footage near 0.

    Args:
        frames: uint8 (n, H, W, 3), neighbours in time, none left out; 100 are enough if they move.
    """
    if len(frames) < 3:
        return 0.0
    # Squared, as a small thing that moves differs much and the noise of a codec little.
    pairs = zip(frames[:-1], frames[1:], strict=True)
    moved = np.array([np.square(b.astype(np.float32) - a).mean() for a, b in pairs])
    lively = np.quantile(moved, 0.9)
    if lively < STILL:
        return 0.0
    copies = moved <= COPY * lively
    edges = np.flatnonzero(np.diff(np.concatenate(([False], copies, [False])).astype(int)))
    runs = edges[1::2] - edges[::2]
    still = runs[runs > LONGEST_RUN].sum()
    return float(runs[runs <= LONGEST_RUN].sum() / max(len(moved) - still, 1))


def true_rate(fps: Fraction, share: float) -> Fraction | None:
    """Return the rate of the game itself if ``repeated_share`` says that it is slower than fps."""
    for multiple in MULTIPLES:
        if abs(share - (1 - 1 / multiple)) < NEAR:
            return fps / multiple
    return None
