"""Statistics of a corpus, for the drift meter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from genie.drift.looks import (
    LEAST_SHARE,
    LOOKS,
    SIDES,
    TokenLayout,
    count_changed,
    measure_looks,
    number_neighbours,
)
from genie.drift.meter import FORMAT
from genie.drift.pairs import pack_pairs

WINDOW = 64
STRIDE = 16
HELD_OUT_FRACTION = 0.2
PERCENTILE = 99.0
LEAST_STRANGE = 0.01  # never drift
LEAST_SURPRISE = 1.0  # bits above the mean of the corpus that are never drift
DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What was counted in the fitted episodes.

    Attributes:
        codes: float64 (K,), how often each code occurs.
        pairs: int64, the numbers of the pairs that occur, rising, for each side.
        changed: int64 (transitions,), tokens that change.
    """

    codes: np.ndarray
    pairs: dict[str, np.ndarray]
    changed: np.ndarray


def build_statistics(
    ids: np.ndarray,
    actions: np.ndarray,
    episode_ends: np.ndarray,
    layout: TokenLayout,
    seed: int = 0,
) -> dict:
    """Summarize an encoded corpus for `statistics.json`.

    Codes, pairs and motion come from four fifths of the episodes; scales and threshold from the
    others.

    Args:
        ids: integer array or zarr array (frames, N), tokens of all frames, each below K.
        actions: int (frames,), the inferred ones that lead to the next frame; −1: none.
        episode_ends: int64 (episodes,), one past the last frame of each episode.
        layout: of tokens and actions.
        seed: of the choice of held-out episodes.

    Returns:
        json values; `threshold` is None, with the reason in `note`, where no held-out episode is as
        long as a window.

    Raises:
        ValueError: there is no frame.

    Source: metrics.md, "Long play".
    """
    ends = np.asarray(episode_ends, dtype=np.int64)
    firsts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
    if not len(ends) or ends[-1] == 0:
        raise ValueError("no frames to take statistics of; encode a corpus with episodes first")
    order = np.random.default_rng(seed).permutation(len(ends))
    held = order[: max(1, round(HELD_OUT_FRACTION * len(ends)))] if len(ends) > 1 else order[:0]
    fitted = np.setdiff1d(np.arange(len(ends)), held)

    def episodes(chosen: np.ndarray) -> Iterable[np.ndarray]:
        return (np.asarray(ids[firsts[e] : ends[e]]).astype(np.int64) for e in chosen)

    counted = _count(episodes(fitted), layout)
    led_by = [np.asarray(actions[firsts[e] : ends[e] - 1]) for e in fitted]
    shares = (counted.codes / counted.codes.sum()).round(DIGITS)
    looks = (measure_looks(ids, shares, counted.pairs, layout) for ids in episodes(held))
    windows = np.concatenate([np.zeros((0, len(LOOKS))), *map(_windows, looks)])
    scales = _scales(windows, shares)
    moving, motion = _motion(counted.changed, np.concatenate(led_by), layout.num_actions)
    return {
        "format": FORMAT,
        "window": WINDOW,
        "stride": STRIDE,
        "num_codes": int(layout.num_codes),
        "grid": [int(side) for side in layout.grid],
        "codes": shares.tolist(),
        "pairs": {side: pack_pairs(found) for side, found in counted.pairs.items()},
        "motion": motion,
        "moving_tokens": moving,
        "scales": dict(zip(LOOKS, scales.tolist(), strict=True)),
        "threshold": _threshold(windows / scales),
        "held_out_episodes": len(held),
        "held_out_windows": len(windows),
        "note": None if len(windows) else f"no held-out episode has {WINDOW} frames",
    }


def _count(episodes: Iterable[np.ndarray], layout: TokenLayout) -> Counted:
    codes, changed = np.zeros(layout.num_codes), []
    pairs = {side: np.zeros(0, np.int64) for side in SIDES}
    for ids in episodes:
        codes += np.bincount(ids.reshape(-1), minlength=layout.num_codes)
        for side, found in number_neighbours(ids, layout).items():
            pairs[side] = np.union1d(pairs[side], found)
        changed.append(count_changed(ids))
    return Counted(codes=codes, pairs=pairs, changed=np.concatenate(changed))


def _motion(
    changed: np.ndarray, actions: np.ndarray, num_actions: int
) -> tuple[float, list[float]]:
    """Return from how many changed tokens a picture moves, and how often it does by action."""
    moving = round(max(1.0, float(changed.mean()) / 2), DIGITS) if len(changed) else 1.0
    moved = [changed[actions == action] >= moving for action in range(num_actions)]
    return moving, [round(float(each.mean()), DIGITS) if len(each) else 0.0 for each in moved]


def _scales(windows: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return what each figure of a window is divided by."""
    # Pictures may be all alike, so that the smallest difference would be drift.
    usual = -float((shares * np.log2(np.maximum(shares, LEAST_SHARE))).sum())
    scales = np.array([LEAST_STRANGE, usual + LEAST_SURPRISE])
    if len(windows):
        scales = np.maximum(scales, np.percentile(windows, PERCENTILE, axis=0))
    return scales.round(DIGITS)


def _windows(values: np.ndarray) -> np.ndarray:
    """Average (T, n) over sliding windows: (windows, n)."""
    starts = range(0, len(values) - WINDOW + 1, STRIDE)
    means = [values[start : start + WINDOW].mean(axis=0) for start in starts]
    return np.array(means).reshape(-1, values.shape[1])


def _threshold(windows: np.ndarray) -> float | None:
    """Return what the largest figure of a window exceeds in one real window of a hundred."""
    if not len(windows):
        return None
    return round(max(1.0, float(np.percentile(windows.max(axis=1), PERCENTILE))), DIGITS)
