"""What frames look like as tokens, and how much of them changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOOKS = ("strange", "crowded")
SIDES = ("right", "below")
LIKE_ONE = 4  # power of the fraction that stands still: a window is one picture if it hardly moves


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


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What pictures of the corpus hold.

    Attributes:
        most: int64 (K,), how often a code occurs in a picture at most.
        pairs: int64, the numbers of the pairs that occur, rising, for each side.
    """

    most: np.ndarray
    pairs: dict[str, np.ndarray]


def count_changed(ids: np.ndarray) -> np.ndarray:
    """Count the tokens of each frame of ids (T, N) that differ from the frame before: (T−1,)."""
    return (ids[1:] != ids[:-1]).sum(axis=1)


def number_neighbours(ids: np.ndarray, layout: TokenLayout) -> dict[str, np.ndarray]:
    """Number the pairs of neighbouring tokens of ids (T, N): int64 (T, pairs) of each side."""
    cells = ids.reshape(len(ids), *layout.grid).astype(np.int64)
    right = cells[:, :, :-1] * layout.num_codes + cells[:, :, 1:]
    below = cells[:, :-1] * layout.num_codes + cells[:, 1:]
    return {"right": right.reshape(len(ids), -1), "below": below.reshape(len(ids), -1)}


def count_codes(ids: np.ndarray, num_codes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count the codes of each frame of ids (T, N).

    Returns:
        int64, one entry for each code that a frame has: the frame, the code, and how often.
    """
    frames = np.arange(len(ids))[:, None]
    found, times = np.unique(frames * num_codes + ids, return_counts=True)
    return found // num_codes, found % num_codes, times


def measure_looks(ids: np.ndarray, usual: Usual, layout: TokenLayout) -> np.ndarray:
    """Measure what frames of ids (T, N) look like, float64 (T, 2).

    Returns:
        The fraction of neighbouring tokens that are no pair of the corpus, and the fraction of
        tokens that are more of their code than a picture of the corpus has.
    """
    strange = _measure_strange(ids, usual.pairs, layout)
    return np.stack([strange, _measure_crowded(ids, usual.most, layout)], axis=1)


def average_windows(
    looks: np.ndarray, moved: np.ndarray, window: int, stride: int
) -> tuple[np.ndarray, np.ndarray]:
    """Average over sliding windows.

    Args:
        looks: float64 (T, 2).
        moved: bool (T−1,), which frames after the first one differ as moving pictures do.
        window: frames.
        stride: frames from one window to the next.

    Returns:
        float64 (windows, 2), and the fraction of transitions that stand still: (windows,).
    """
    starts = range(0, len(looks) - window + 1, stride)
    means = [looks[start : start + window].mean(axis=0) for start in starts]
    still = [1 - moved[start : start + window - 1].mean() for start in starts]
    return np.array(means).reshape(-1, looks.shape[1]), np.array(still)


def weigh_looks(looks: np.ndarray, still: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return how unusual windows look, float64 (windows,): the largest figure over its scale.

    Single pictures differ more than means of many, and a window that stands still is a single one.

    Args:
        looks: float64 (windows, 2), means over the frames.
        still: float64 (windows,), the fraction of transitions that do not move the picture.
        scales: float64 (2, 2), of windows that move all the time, and of single pictures.
    """
    moving, single = scales
    return (looks / (moving + still[:, None] ** LIKE_ONE * (single - moving))).max(axis=1)


def _measure_strange(
    ids: np.ndarray, pairs: dict[str, np.ndarray], layout: TokenLayout
) -> np.ndarray:
    unknown = []
    for side, found in number_neighbours(ids, layout).items():
        known = pairs[side]
        at = np.searchsorted(known, found).clip(max=max(len(known) - 1, 0))
        unknown.append(known[at] != found if len(known) else np.ones(found.shape, bool))
    unknown = np.concatenate(unknown, axis=1)
    return unknown.mean(axis=1) if unknown.shape[1] else np.zeros(len(ids))


def _measure_crowded(ids: np.ndarray, most: np.ndarray, layout: TokenLayout) -> np.ndarray:
    frames, codes, times = count_codes(ids, layout.num_codes)
    beyond = (times - most[codes]).clip(min=0)
    return np.bincount(frames, weights=beyond, minlength=len(ids)) / ids.shape[1]
