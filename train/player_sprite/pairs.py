"""Pairs of transitions a few frames apart in one episode: they share what persists."""

import numpy as np
import torch
from torch import Tensor


def long_episodes(ends: np.ndarray, episodes: np.ndarray, shortest: int) -> np.ndarray:
    """Return first and one past the last transition of each long enough episode.

    Args:
        ends: int64 (episodes,), one past the last frame of each.
        episodes: int64 (n,), which of them.
        shortest: least number of transitions.

    Returns:
        int64 (E, 2).
    """
    begins = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
    spans = np.stack((begins, ends - 1), axis=1)[episodes]
    return spans[spans[:, 1] - spans[:, 0] >= shortest]


def draw_pairs(
    spans: np.ndarray,
    rng: np.random.Generator,
    size: tuple[int, int],
    apart: tuple[int, int],
    any_other: bool = False,
) -> Tensor:
    """Draw transitions (anchors), and for each one that follows a few frames later (positive).

    Args:
        spans: int64 (E, 2), from `long_episodes`.
        rng: of the draws.
        size: how many episodes E, and how many anchors M in each.
        apart: least and most frames between anchor and positive.
        any_other: whether to draw a third transition of the same episode.

    Returns:
        int64 (E, M, 2 or 3): anchor, positive, and any other.
    """
    chosen = spans[rng.integers(len(spans), size=size[0])]
    first, last = chosen[:, :1], chosen[:, 1:]
    anchors = rng.integers(first, last - apart[1], size=size)
    columns = [anchors, anchors + rng.integers(apart[0], apart[1] + 1, size=size)]
    if any_other:
        columns.append(rng.integers(first, last, size=size))
    return torch.from_numpy(np.stack(columns, axis=-1))
