"""What frames look like as tokens, and how much of them changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOOKS = ("strange", "surprise")
SIDES = ("right", "below")
LEAST_SHARE = 1e-5  # of a code that the corpus does not have


@dataclass(frozen=True, kw_only=True)
class TokenLayout:
    """What tokens and actions a world has.

    Attributes:
        num_codes: K.
        num_actions: A.
        grid: rows and columns of tokens; one row where a tokenizer has none.
    """

    num_codes: int
    num_actions: int
    grid: tuple[int, int]


def count_changed(ids: np.ndarray) -> np.ndarray:
    """Count the tokens of each frame of ids (T, N) that differ from the frame before: (T−1,)."""
    return (ids[1:] != ids[:-1]).sum(axis=1)


def number_neighbours(ids: np.ndarray, layout: TokenLayout) -> dict[str, np.ndarray]:
    """Number the pairs of neighbouring tokens of ids (T, N): int64 (T, pairs) of each side."""
    cells = ids.reshape(len(ids), *layout.grid).astype(np.int64)
    right = cells[:, :, :-1] * layout.num_codes + cells[:, :, 1:]
    below = cells[:, :-1] * layout.num_codes + cells[:, 1:]
    return {"right": right.reshape(len(ids), -1), "below": below.reshape(len(ids), -1)}


def measure_looks(
    ids: np.ndarray, shares: np.ndarray, pairs: dict[str, np.ndarray], layout: TokenLayout
) -> np.ndarray:
    """Measure what frames look like, float64 (T, 2).

    Returns:
        The fraction of neighbouring tokens that are not in `pairs`, and the mean surprise of a
        token's code in bits.
    """
    unknown = []
    for side, found in number_neighbours(ids, layout).items():
        known = pairs[side]
        at = np.searchsorted(known, found).clip(max=max(len(known) - 1, 0))
        unknown.append(known[at] != found if len(known) else np.ones(found.shape, bool))
    unknown = np.concatenate(unknown, axis=1)
    strange = unknown.mean(axis=1) if unknown.shape[1] else np.zeros(len(ids))
    return np.stack([strange, mean_surprise(ids, shares)], axis=1)


def mean_surprise(ids: np.ndarray, shares: np.ndarray, least: float = LEAST_SHARE) -> np.ndarray:
    """Return the mean of −log2 of the shares (K,) of codes: ids (..., N) to float64 (...) bits."""
    return -np.log2(np.maximum(shares, least))[ids.astype(np.int64)].mean(axis=-1)
