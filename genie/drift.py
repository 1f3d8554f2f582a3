"""Token statistics of a corpus, and the distance of play from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genie.values import number, whole

FORMAT = 1
WINDOW = 64
STRIDE = 16
HELD_OUT_FRACTION = 0.2
PERCENTILE = 99.0
WINDOWS_TO_LEAVE = 3
DIGITS = 9


@dataclass(frozen=True, kw_only=True)
class Histograms:
    """Token histograms of consecutive frames.

    Attributes:
        codes: float64 (K,), how often each code occurs.
        changes: float64 (bins,), how many frames change 0, 1, 2-3, 4-7, … tokens.
    """

    codes: np.ndarray
    changes: np.ndarray


class DriftMeter:
    """Distance of sliding windows of play to the tokens of real episodes.

    The distance is the larger of two Jensen-Shannon divergences (of codes, and of how many
    tokens change a frame), each divided by its 99th percentile on held-out real episodes: noise
    shows in the first, a world that freezes or boils in the second.

    Source: metrics.md, "Long play".
    """

    def __init__(self, statistics: dict) -> None:
        """Read what build_statistics returned.

        Raises:
            ValueError: it is empty or of another format.
        """
        if statistics.get("format") != FORMAT:
            raise ValueError(
                f"statistics have format {statistics.get('format')!r}, allowed is {FORMAT}; "
                "export the world again with this version"
            )
        try:
            self.window = whole(statistics["window"], 2, 10_000)
            self.stride = whole(statistics["stride"], 1, 10_000)
            threshold = statistics["threshold"]
            self.threshold = None if threshold is None else number(threshold, 0, 1e9)
            self._codes_scale = number(statistics["scales"]["codes"], 1e-9, 1e9)
            self._changes_scale = number(statistics["scales"]["changes"], 1e-9, 1e9)
            self._reference = Histograms(
                codes=_fractions(statistics["codes"]), changes=_fractions(statistics["changes"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"statistics lack or misspell {error}: export the world again") from (
                None
            )

    def check(self, num_codes: int, num_tokens: int) -> None:
        """Raise ValueError if the statistics are those of a world of other sizes."""
        found = (len(self._reference.codes), len(self._reference.changes))
        if found != (num_codes, _bins(num_tokens)):
            raise ValueError(f"statistics are of a world of other sizes: they count {found} values")

    @property
    def moving_tokens(self) -> float:
        """Tokens that change at least when the picture moves: half of the mean of real frames."""
        counts = 2.0 ** np.arange(-1, len(self._reference.changes) - 1)
        counts[0] = 0
        return max(1.0, float(counts @ self._reference.changes) / 2)

    def distances(self, ids: np.ndarray) -> np.ndarray:
        """Measure every window of one sequence.

        Args:
            ids: int (T, N), tokens of consecutive frames.

        Returns:
            float64 (windows,): entry i covers frames [i * stride, i * stride + window); empty
            where T is shorter than a window. 1 is about the worst hundredth of real windows.
        """
        parts = _window_divergences(ids, self._reference, self.window, self.stride)
        return np.maximum(parts[:, 0] / self._codes_scale, parts[:, 1] / self._changes_scale)

    def left_at(self, distances: np.ndarray) -> int | None:
        """Return the first frame of the first three windows in a row above the threshold."""
        if self.threshold is None:
            return None
        run = 0
        for i, above in enumerate(distances > self.threshold):
            run = run + 1 if above else 0
            if run == WINDOWS_TO_LEAVE:
                return (i - WINDOWS_TO_LEAVE + 1) * self.stride
        return None


def build_statistics(
    ids: np.ndarray, episode_ends: np.ndarray, num_codes: int, seed: int = 0
) -> dict:
    """Summarize the tokens of a corpus for `statistics.json`.

    Histograms come from four fifths of the episodes; scales and threshold from the others.

    Args:
        ids: integer array or zarr array (frames, N), tokens of all frames, each below K.
        episode_ends: int64 (episodes,), one past the last frame of each episode.
        num_codes: K.
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
    reference = _pooled((ids[firsts[e] : ends[e]] for e in fitted), num_codes)
    parts = [
        _window_divergences(np.asarray(ids[firsts[e] : ends[e]]), reference, WINDOW, STRIDE)
        for e in held
    ]
    windows = np.concatenate(parts) if parts else np.empty((0, 2))
    scales = np.percentile(windows, PERCENTILE, axis=0) if len(windows) else np.ones(2)
    scales = np.maximum(scales, 1e-6)
    combined = (windows / scales).max(axis=1)
    return {
        "format": FORMAT,
        "window": WINDOW,
        "stride": STRIDE,
        "num_codes": int(num_codes),
        "codes": [round(float(x), DIGITS) for x in reference.codes],
        "changes": [round(float(x), DIGITS) for x in reference.changes],
        "scales": {"codes": float(scales[0]), "changes": float(scales[1])},
        "threshold": float(np.percentile(combined, PERCENTILE)) if len(windows) else None,
        "held_out_episodes": len(held),
        "held_out_windows": len(windows),
        "note": None if len(windows) else f"no held-out episode has {WINDOW} frames",
    }


def _fractions(counts: list) -> np.ndarray:
    found = np.array([number(count, 0, 1e12) for count in counts], dtype=np.float64)
    if not found.sum() > 0:
        raise ValueError("counts, some above 0")
    return found / found.sum()


def _bins(num_tokens: int) -> int:
    return 2 + int(np.log2(num_tokens))


def _pooled(episodes: object, num_codes: int) -> Histograms:
    codes, changes = np.zeros(num_codes), None
    for episode in episodes:
        counted = count_tokens(np.asarray(episode), num_codes)
        codes += counted.codes
        changes = counted.changes if changes is None else changes + counted.changes
    if changes.sum() == 0:
        changes = np.ones_like(changes)
    return Histograms(codes=codes / codes.sum(), changes=changes / changes.sum())


def count_tokens(ids: np.ndarray, num_codes: int) -> Histograms:
    """Count the codes of ids (T, N), and frames by how many of their tokens change."""
    changed = (ids[1:] != ids[:-1]).sum(axis=1)
    octave = np.where(changed == 0, 0, 1 + np.floor(np.log2(np.maximum(changed, 1)))).astype(int)
    codes = np.bincount(ids.reshape(-1).astype(np.int64), minlength=num_codes)
    return Histograms(
        codes=codes.astype(np.float64),
        changes=np.bincount(octave, minlength=_bins(ids.shape[1])).astype(np.float64),
    )


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """Measure the Jensen-Shannon divergence of two distributions in bits, 0 to 1."""
    middle = (p + q) / 2
    total = 0.0
    for side in (p, q):
        occurs = side > 0
        total += float((side[occurs] * np.log2(side[occurs] / middle[occurs])).sum()) / 2
    return max(0.0, total)


def _window_divergences(
    ids: np.ndarray, reference: Histograms, window: int, stride: int
) -> np.ndarray:
    """Compare every window: float64 (windows, 2), of codes and of changes."""
    rows = []
    for start in range(0, len(ids) - window + 1, stride):
        counted = count_tokens(ids[start : start + window], len(reference.codes))
        rows.append(
            [
                jensen_shannon(counted.codes / counted.codes.sum(), reference.codes),
                jensen_shannon(counted.changes / counted.changes.sum(), reference.changes),
            ]
        )
    return np.array(rows, dtype=np.float64).reshape(-1, 2)
