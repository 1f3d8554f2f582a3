"""What a recording needs of a game: several copies, stepped together."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observation:
    """What all copies show now.

    Attributes:
        frames: uint8 (G, H, W, 3), RGB 0-255.
        first: bool (G,), whether the frame begins an episode.
        levels: the level of each copy, or None where the game has none.
    """

    frames: np.ndarray
    first: np.ndarray
    levels: list[int | None]


class Games(Protocol):
    """Several copies of one game, stepped together.

    Attributes:
        num_games: G, how many copies.
        num_actions: actions are 0 to ``num_actions`` - 1.
        fps: frames per second.
        licence: what is known of the licence.

    A class with `draws_larger` also takes the `size` of the corpus, and draws for it if it can.
    """

    num_games: int
    num_actions: int
    fps: float
    licence: str

    def observe(self) -> Observation:
        """Return the current frames; calling it twice returns the same."""
        ...

    def act(self, actions: np.ndarray) -> None:
        """Take one step with integers (G,); a game that is over begins anew instead."""
        ...

    def close(self) -> None:
        """Free what the games hold."""
        ...
