"""Statistics of a corpus, for the drift meter."""

from __future__ import annotations

from collections.abc import Iterable

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

    codes, pairs = np.zeros(layout.num_codes), {side: np.zeros(0, np.int64) for side in SIDES}
    changed, led_by = [], []
    for episode, e in zip(episodes(fitted), fitted, strict=True):
        codes += np.bincount(episode.reshape(-1), minlength=layout.num_codes)
        for side, found in number_neighbours(episode, layout).items():
            pairs[side] = np.union1d(pairs[side], found)
        changed.append(count_changed(episode))
        led_by.append(np.asarray(actions[firsts[e] : ends[e]])[: len(episode) - 1])
    changed, led_by = np.concatenate(changed), np.concatenate(led_by)
    moving = max(1.0, float(changed.mean()) / 2) if len(changed) else 1.0
    shares = (codes / codes.sum()).round(DIGITS)
    windows = [
        _windows(measure_looks(episode, shares, pairs, layout)) for episode in episodes(held)
    ]
    windows = np.concatenate([np.zeros((0, len(LOOKS))), *windows])
    # Pictures may be all alike, so that the smallest difference would be drift.
    usual = -float((shares * np.log2(np.maximum(shares, LEAST_SHARE))).sum())
    scales = np.array([LEAST_STRANGE, usual + LEAST_SURPRISE])
    if len(windows):
        scales = np.maximum(scales, np.percentile(windows, PERCENTILE, axis=0))
    scales = scales.round(DIGITS)
    motion = [_share(changed[led_by == action] >= moving) for action in range(layout.num_actions)]
    return {
        "format": FORMAT,
        "window": WINDOW,
        "stride": STRIDE,
        "num_codes": int(layout.num_codes),
        "grid": [int(side) for side in layout.grid],
        "codes": shares.tolist(),
        "pairs": {side: pack_pairs(found) for side, found in pairs.items()},
        "motion": motion,
        "moving_tokens": round(moving, DIGITS),
        "scales": dict(zip(LOOKS, scales.tolist(), strict=True)),
        "threshold": _threshold(windows / scales),
        "held_out_episodes": len(held),
        "held_out_windows": len(windows),
        "note": None if len(windows) else f"no held-out episode has {WINDOW} frames",
    }


def _share(values: np.ndarray) -> float:
    return round(float(values.mean()), DIGITS) if len(values) else 0.0


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
