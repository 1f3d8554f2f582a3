"""The distance of play from real episodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genie.drift.looks import (
    LOOKS,
    SIDES,
    TokenLayout,
    Usual,
    average_windows,
    count_changed,
    measure_looks,
    weigh_looks,
)
from genie.drift.pairs import unpack_pairs
from genie.values import number, whole

FORMAT = 3
WINDOWS_TO_LEAVE = 3
MOVES = 0.25  # an action moves the picture if it does in this fraction of transitions
TRIED_FRAMES = 4  # of a window, from which an action counts as tried
TRIED_ACTIONS = 3  # a wall blocks one or two; a world is stuck if so many are blocked
UNANSWERED = 0.9  # the largest fraction of the usual motion that may fail to come


class DriftMeter:
    """Distance of sliding windows of play to real episodes.

    It is the largest of three figures. How strange the pictures are shows in neighbouring tokens
    that are no neighbours in the corpus, and in more of one code than a picture there has: noise,
    blur and darkness are made of them. Whether keys still act shows in how often the picture moves
    under them, in play and in the corpus.

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
            self._usual = _read_usual(statistics, self._layout)
            threshold = statistics["threshold"]
            self.threshold = None if threshold is None else number(threshold, 0, 1e9)
            self.moving_tokens = number(statistics["moving_tokens"], 1, 1e6)
            scales = statistics["scales"]
            self._scales = np.array([_read_scales(scales[name]) for name in LOOKS]).T
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
            where T is shorter than a window. 1 is about the worst hundredth of real windows.
        """
        starts = range(0, len(ids) - self.window + 1, self.stride)
        if not starts:
            return np.zeros(0)
        moved = self.moved(ids)
        windows = [slice(start, start + self.window - 1) for start in starts]  # of transitions
        unanswered = np.array([self._unanswered(moved[each], actions[each]) for each in windows])
        looks = measure_looks(ids, self._usual, self._layout)
        looks = weigh_looks(*average_windows(looks, moved, self.window, self.stride), self._scales)
        # On the scale of the threshold, which only the looks of real play have set.
        return np.maximum(looks, unanswered / UNANSWERED * (self.threshold or 1.0))

    def moved(self, ids: np.ndarray) -> np.ndarray:
        """Tell of ids (T, N) which frames after the first one differ as moving pictures do."""
        return count_changed(ids) >= self.moving_tokens

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


def _read_usual(statistics: dict, layout: TokenLayout) -> Usual:
    rows, columns = layout.grid
    if len([number(share, 0, 1) for share in statistics["codes"]]) != layout.num_codes:
        raise ValueError("codes, a share of each")
    most = [whole(times, 0, rows * columns) for times in statistics["most"]]
    if len(most) != layout.num_codes:
        raise ValueError("most, a number of each code")
    pairs = {side: unpack_pairs(statistics["pairs"][side], layout.num_codes**2) for side in SIDES}
    return Usual(most=np.array(most), pairs=pairs)


def _read_scales(values: object) -> tuple[float, float]:
    moving, single = (number(value, 1e-9, 1e9) for value in values)
    return moving, single
