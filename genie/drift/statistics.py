"""Statistics of a corpus, for the drift meter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from genie.drift.looks import (
    LOOKS,
    SIDES,
    TokenLayout,
    Usual,
    average_windows,
    count_changed,
    count_codes,
    measure_looks,
    number_neighbours,
    weigh_looks,
)
from genie.drift.meter import FORMAT
from genie.drift.pairs import pack_pairs

WINDOW = 64
STRIDE = 16
HELD_OUT_FRACTION = 0.2
OF_WINDOWS, OF_FRAMES = 99.7, 99.9  # percentiles: a picture may stand still for many windows
OF_DISTANCES = 99.0
RARE = 1e-3  # of the pictures may have more of a code than the others
LEAST = 0.02  # of a window's tokens is never drift: a single frame may show anything
DIGITS = 6


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What was counted in the fitted episodes.

    Attributes:
        codes: float64 (K,), the share of each code.
        usual: what pictures hold.
        changed: int64 (transitions,), tokens that change.
    """

    codes: np.ndarray
    usual: Usual
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
    moving, motion = _motion(counted.changed, np.concatenate(led_by), layout.num_actions)
    usual = counted.usual
    scales, threshold, windows = _scales(episodes(held), usual, moving, layout)
    return {
        "format": FORMAT,
        "window": WINDOW,
        "stride": STRIDE,
        "num_codes": int(layout.num_codes),
        "grid": [int(side) for side in layout.grid],
        "codes": counted.codes.tolist(),
        "most": usual.most.tolist(),
        "pairs": {side: pack_pairs(found) for side, found in usual.pairs.items()},
        "motion": motion,
        "moving_tokens": moving,
        "scales": dict(zip(LOOKS, scales.T.tolist(), strict=True)),
        "threshold": threshold,
        "held_out_episodes": len(held),
        "held_out_windows": windows,
        "note": None if windows else f"no held-out episode has {WINDOW} frames",
    }


def _count(episodes: Iterable[np.ndarray], layout: TokenLayout) -> Counted:
    codes, changed, frames = np.zeros(layout.num_codes), [], 0
    pairs = {side: np.zeros(0, np.int64) for side in SIDES}
    crowds = _Crowds(layout)
    for ids in episodes:
        codes += np.bincount(ids.reshape(-1), minlength=layout.num_codes)
        for side, found in number_neighbours(ids, layout).items():
            pairs[side] = np.union1d(pairs[side], found)
        crowds.add(ids)
        changed.append(count_changed(ids))
        frames += len(ids)
    return Counted(
        codes=(codes / codes.sum()).round(DIGITS),
        usual=Usual(most=crowds.most(RARE * frames), pairs=pairs),
        changed=np.concatenate(changed),
    )


class _Crowds:
    """In how many frames each code occurs how often."""

    def __init__(self, layout: TokenLayout) -> None:
        self._layout, self._base = layout, layout.grid[0] * layout.grid[1] + 1
        self._crowds, self._frames = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(self, ids: np.ndarray) -> None:
        """Count frames of ids (T, N)."""
        _, codes, times = count_codes(ids, self._layout.num_codes)
        new, frames = np.unique(codes * self._base + times, return_counts=True)
        self._crowds, at = np.unique(np.concatenate([self._crowds, new]), return_inverse=True)
        self._frames = np.bincount(at, np.concatenate([self._frames, frames])).astype(np.int64)

    def most(self, rare: float) -> np.ndarray:
        """Return how often each code occurs in a frame but in `rare` of them, int64 (K,)."""
        most = np.zeros(self._layout.num_codes, np.int64)
        codes, times = np.divmod(self._crowds, self._base)
        # How many frames have a code so often or more: those up to the code's last entry.
        below = np.concatenate([[0], self._frames.cumsum()])
        last = np.searchsorted(codes, codes, side="right")
        usual = below[last] - below[:-1] > rare
        np.maximum.at(most, codes[usual], times[usual])
        return most


def _motion(
    changed: np.ndarray, actions: np.ndarray, num_actions: int
) -> tuple[float, list[float]]:
    """Return from how many changed tokens a picture moves, and how often it does by action."""
    moving = round(max(1.0, float(changed.mean()) / 2), DIGITS) if len(changed) else 1.0
    moved = [changed[actions == action] >= moving for action in range(num_actions)]
    return moving, [round(float(each.mean()), DIGITS) if len(each) else 0.0 for each in moved]


def _scales(
    held: Iterable[np.ndarray], usual: Usual, moving: float, layout: TokenLayout
) -> tuple[np.ndarray, float | None, int]:
    """Return what figures of held-out episodes are divided by, their threshold, and the windows."""
    frames, windows, still = [np.zeros((0, len(LOOKS)))], [np.zeros((0, len(LOOKS)))], []
    for ids in held:
        looks = measure_looks(ids, usual, layout)
        means, stands = average_windows(looks, count_changed(ids) >= moving, WINDOW, STRIDE)
        frames.append(looks)
        windows.append(means)
        still.extend(stands)
    frames, windows = np.concatenate(frames), np.concatenate(windows)
    # Pictures may be all alike, so that the smallest difference would be drift.
    scales = np.full((2, len(LOOKS)), LEAST)
    if len(windows):
        scales[0] = np.maximum(LEAST, np.percentile(windows, OF_WINDOWS, axis=0))
        scales[1] = np.maximum(scales[0], np.percentile(frames, OF_FRAMES, axis=0))
    # Rounded up: many pictures share a figure, and a scale is one of them.
    scales = np.ceil(scales * 10**DIGITS) / 10**DIGITS
    return scales, _threshold(weigh_looks(windows, np.array(still), scales)), len(windows)


def _threshold(distances: np.ndarray) -> float | None:
    """Return what one real window of a hundred exceeds."""
    if not len(distances):
        return None
    return round(max(1.0, float(np.percentile(distances, OF_DISTANCES))), DIGITS)
