"""Statistics of a corpus' tokens and actions, and the distance of play from them."""

from __future__ import annotations

import lzma
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genie.values import number, whole

FORMAT = 2
WINDOW = 64
STRIDE = 16
HELD_OUT_FRACTION = 0.2
PERCENTILE = 99.0
LEAST_STRANGE = 0.01  # never drift, however few pairs a corpus lacks
WINDOWS_TO_LEAVE = 3
MOVES = 0.25  # an action moves the picture if it does in this fraction of transitions
TRIED_FRAMES = 4  # of a window, from which an action counts as tried
TRIED_ACTIONS = 3  # a wall blocks one or two; a world is stuck if so many are blocked
UNANSWERED = 0.9  # the largest fraction of the usual motion that may fail to come
SIDES = ("right", "below")
MOST_PAIRS = 1 << 26
DIGITS = 6


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


class DriftMeter:
    """Distance of sliding windows of play to real episodes.

    It is the larger of two figures. How strange the pictures are, whether they move or not, shows
    in neighbouring tokens that are no neighbours in the corpus: noise and blur are made of them.
    Whether keys still act shows in how often the picture moves under them, in play and in the
    corpus.

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
            rows, columns = (whole(side, 1, 4096) for side in statistics["grid"])
            self._motion = np.array([number(share, 0, 1) for share in statistics["motion"]])
            self._layout = TokenLayout(
                num_codes=whole(statistics["num_codes"], 1, 1 << 20),
                num_actions=len(self._motion),
                grid=(rows, columns),
            )
            codes = [number(share, 0, 1) for share in statistics["codes"]]
            if len(codes) != self._layout.num_codes:
                raise ValueError("codes, a share of each")
            threshold = statistics["threshold"]
            self.threshold = None if threshold is None else number(threshold, 0, 1e9)
            self.moving_tokens = number(statistics["moving_tokens"], 1, 1e6)
            self._scale = number(statistics["scale"], 1e-9, 1)
            pairs, most = statistics["pairs"], self._layout.num_codes**2
            self._pairs = {side: _unpack(pairs[side], most) for side in SIDES}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"statistics lack or misspell {error}: export the world again") from (
                None
            )

    @classmethod
    def of(cls, statistics: Mapping[str, Any]) -> DriftMeter | None:
        """Return the meter of a world, or None if it carries no statistics."""
        return cls(dict(statistics)) if "window" in statistics else None

    def check(self, num_codes: int, num_tokens: int, num_actions: int) -> None:
        """Raise ValueError if the statistics are those of a world of other sizes."""
        layout = self._layout
        found = (layout.num_codes, layout.grid[0] * layout.grid[1], layout.num_actions)
        if found != (num_codes, num_tokens, num_actions):
            raise ValueError(
                f"statistics are of a world of other sizes: of {found[0]} codes, {found[1]} tokens "
                f"and {found[2]} actions"
            )

    def distances(self, ids: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Measure every window of one sequence.

        Args:
            ids: int (T, N), tokens of consecutive frames.
            actions: int (T−1,), those that lead from each frame to the next; A: none given.

        Returns:
            float64 (windows,): entry i covers frames [i * stride, i * stride + window); empty
            where T is shorter than a window. 1 is the worst hundredth of real windows.
        """
        strange, moved = _strange(ids, self._pairs, self._layout), self.moved(ids)
        found = []
        for start in range(0, len(ids) - self.window + 1, self.stride):
            stop = start + self.window
            unanswered = self._unanswered(moved[start : stop - 1], actions[start : stop - 1])
            look = float(strange[start:stop].mean()) / self._scale
            found.append(max(look, unanswered / UNANSWERED))
        return np.array(found, dtype=np.float64)

    def moved(self, ids: np.ndarray) -> np.ndarray:
        """Tell of ids (T, N) which frames after the first one differ as moving pictures do."""
        return _changed(ids) >= self.moving_tokens

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

    def _unanswered(self, moved: np.ndarray, actions: np.ndarray) -> float:
        """Return the fraction of usual motion that the most effective action failed to bring.

        It is 0 where too few actions were tried: a player may hold a key at a wall.
        """
        movers = np.flatnonzero(self._motion >= MOVES)
        frames = {action: moved[actions == action] for action in movers}
        shares = [
            min(1.0, float(each.mean()) / float(self._motion[action]))
            for action, each in frames.items()
            if len(each) >= TRIED_FRAMES
        ]
        if len(movers) < 2 or len(shares) < min(TRIED_ACTIONS, len(movers)):
            return 0.0
        return 1 - max(shares)


def build_statistics(
    ids: np.ndarray,
    actions: np.ndarray,
    episode_ends: np.ndarray,
    layout: TokenLayout,
    seed: int = 0,
) -> dict:
    """Summarize an encoded corpus for `statistics.json`.

    Pairs and motion come from four fifths of the episodes; the scale from the others.

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
        for side, found in _neighbours(episode, layout).items():
            pairs[side] = np.union1d(pairs[side], found)
        changed.append(_changed(episode))
        led_by.append(np.asarray(actions[firsts[e] : ends[e]])[: len(episode) - 1])
    changed, led_by = np.concatenate(changed), np.concatenate(led_by)
    moving = max(1.0, float(changed.mean()) / 2) if len(changed) else 1.0
    windows = [_windows(_strange(episode, pairs, layout)) for episode in episodes(held)]
    windows = np.concatenate(windows) if windows else np.zeros(0)
    scale = float(np.percentile(windows, PERCENTILE)) if len(windows) else 0.0
    motion = [_share(changed[led_by == action] >= moving) for action in range(layout.num_actions)]
    return {
        "format": FORMAT,
        "window": WINDOW,
        "stride": STRIDE,
        "num_codes": int(layout.num_codes),
        "grid": [int(side) for side in layout.grid],
        "codes": [round(float(x), DIGITS) for x in codes / codes.sum()],
        "pairs": {side: _pack(found) for side, found in pairs.items()},
        "motion": motion,
        "moving_tokens": round(moving, DIGITS),
        "scale": round(max(scale, LEAST_STRANGE), DIGITS),
        "threshold": 1.0 if len(windows) else None,
        "held_out_episodes": len(held),
        "held_out_windows": len(windows),
        "note": None if len(windows) else f"no held-out episode has {WINDOW} frames",
    }


def _changed(ids: np.ndarray) -> np.ndarray:
    """Count the tokens of each frame of ids (T, N) that differ from the frame before: (T−1,)."""
    return (ids[1:] != ids[:-1]).sum(axis=1)


def _share(values: np.ndarray) -> float:
    return round(float(values.mean()), DIGITS) if len(values) else 0.0


def _neighbours(ids: np.ndarray, layout: TokenLayout) -> dict[str, np.ndarray]:
    """Number the pairs of neighbouring tokens of ids (T, N): int64 (T, pairs) of each side."""
    cells = ids.reshape(len(ids), *layout.grid).astype(np.int64)
    right = cells[:, :, :-1] * layout.num_codes + cells[:, :, 1:]
    below = cells[:, :-1] * layout.num_codes + cells[:, 1:]
    return {"right": right.reshape(len(ids), -1), "below": below.reshape(len(ids), -1)}


def _strange(ids: np.ndarray, pairs: dict[str, np.ndarray], layout: TokenLayout) -> np.ndarray:
    """Return the fraction of each frame's neighbouring tokens that are not in `pairs`: (T,)."""
    unknown = []
    for side, found in _neighbours(ids, layout).items():
        known = pairs[side]
        at = np.searchsorted(known, found).clip(max=max(len(known) - 1, 0))
        unknown.append(known[at] != found if len(known) else np.ones(found.shape, bool))
    unknown = np.concatenate(unknown, axis=1)
    return unknown.mean(axis=1) if unknown.shape[1] else np.zeros(len(ids))


def _windows(values: np.ndarray) -> np.ndarray:
    """Average (T,) over sliding windows."""
    starts = range(0, len(values) - WINDOW + 1, STRIDE)
    return np.array([values[start : start + WINDOW].mean() for start in starts])


def _pack(numbers: np.ndarray) -> str:
    """Write rising numbers as the gaps between them, packed: as plain json they take six times."""
    gaps = np.diff(numbers, prepend=0).astype("<u8")
    return b64encode(lzma.compress(gaps.tobytes())).decode("ascii")


def _unpack(packed: str, most: int) -> np.ndarray:
    """Read what _pack wrote.

    Raises:
        ValueError: they are no rising numbers below `most`.
    """
    # Bounded on the way: a few bytes can unpack to any size, and a sum of any gaps can overflow.
    size = 8 * min(most, MOST_PAIRS)
    try:
        reader = lzma.LZMADecompressor(memlimit=1 << 28)
        found = reader.decompress(b64decode(packed, validate=True), max_length=size)
        gaps = np.frombuffer(found, "<u8")
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(f"pairs ({error})") from None
    if not reader.eof or (gaps >= most).any() or not gaps[1:].all():
        raise ValueError("pairs as rising numbers")
    numbers = gaps.astype(np.int64).cumsum()
    if len(numbers) and numbers[-1] >= most:
        raise ValueError("pairs below the square of the number of codes")
    return numbers
