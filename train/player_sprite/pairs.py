"""Moments of an episode that belong together: what persists is told by them."""

import numpy as np
import torch
from torch import Tensor

LATER = (3, 8)
"""Codes agree this many frames apart: longer than a jump's single phase."""
SHORTEST = 10 * LATER[1]
"""Frames of an episode from which its moments can be told from each other."""


def long_episodes(ends: np.ndarray, episodes: np.ndarray) -> np.ndarray:
    """Return first and one past the last transition of each long enough episode, int64 (E, 2)."""
    begins = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    spans = np.stack((begins, ends - 1), axis=1)[episodes]
    return spans[spans[:, 1] - spans[:, 0] >= SHORTEST]


def draw_moments(
    spans: np.ndarray,
    rng: np.random.Generator,
    episodes: int,
    moments: int,
    apart: tuple[int, int],
    any_other: bool = False,
) -> Tensor:
    """Draw transitions and ones that follow them.

    Args:
        spans: int64 (E, 2), from `long_episodes`.
        rng: what to draw with.
        episodes: E, to draw from.
        moments: M, in each.
        apart: least and most frames between now and soon.
        any_other: whether a third transition of the same episode is drawn too.

    Returns:
        int64 (E, M, 2 or 3): now, soon, and any other.
    """
    chosen = spans[rng.integers(len(spans), size=episodes)]
    first, last = chosen[:, :1], chosen[:, 1:]
    now = rng.integers(first, last - apart[1], size=(episodes, moments))
    drawn = [now, now + rng.integers(apart[0], apart[1] + 1, size=now.shape)]
    if any_other:
        drawn.append(rng.integers(first, last, size=now.shape))
    return torch.from_numpy(np.stack(drawn, axis=-1))
