"""Random play with held keys.

A policy that keeps an action for a while sees far more of a game than one that draws anew at every
frame, and it holds the long presses that a player makes.
"""

from __future__ import annotations

import math

import numpy as np


def hold_lengths(rng: np.random.Generator, hold: int, count: int) -> np.ndarray:
    """Draw for how many frames actions are held: log-uniform, so short and long presses occur.

    Returns:
        int64 (count,), each 1 to ``hold``; P(n) is proportional to log((n + 1) / n).
    """
    return np.exp(rng.uniform(0.0, math.log(hold + 1), count)).astype(np.int64).clip(1, hold)


class HeldActions:
    """A random policy for several games: uniform actions, each held for a while.

    Args:
        num_games: G.
        num_actions: how many actions are played.
        hold: the longest hold in frames, at least 1.
        rng: where the randomness comes from.
        first: the first action that is played; the others follow it.
    """

    def __init__(
        self,
        num_games: int,
        num_actions: int,
        hold: int,
        rng: np.random.Generator,
        first: int = 0,
    ) -> None:
        """Begin with nothing held; see the class."""
        self._range, self._hold, self._rng = (first, first + num_actions), hold, rng
        self._actions = np.zeros(num_games, np.int64)
        self._left = np.zeros(num_games, np.int64)

    def next(self) -> np.ndarray:
        """The actions of the next step: int64 (G,)."""
        new = np.flatnonzero(self._left == 0)
        self._actions[new] = self._rng.integers(*self._range, size=len(new))
        self._left[new] = hold_lengths(self._rng, self._hold, len(new))
        self._left -= 1
        return self._actions.copy()


def parse_range(text: str, name: str) -> tuple[int, int]:
    """Read levels or actions as the command line gives them.

    Args:
        text: ``A:B``, such as ``0:10000``; B is exclusive.
        name: ``levels`` or ``actions``.

    Raises:
        ValueError: the text is no such range, or the range is empty.
    """
    parts = text.split(":")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"{text!r} are no {name}: give A:B, such as 0:9")
    first, stop = int(parts[0]), int(parts[1])
    check_range((first, stop), name)
    return first, stop


def check_range(given: tuple[int, int], name: str) -> None:
    """Refuse an empty or negative range, and numbers that games do not take."""
    if not 0 <= given[0] < given[1] < 2**31:
        raise ValueError(
            f"--{name} {given[0]}:{given[1]} holds no {name[:-1]}: give A:B with 0 <= A < B < 2^31"
        )
