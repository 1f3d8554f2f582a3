"""Crafter: an island seen from above, a cell of the game to a patch of our tokenizers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from corpus.games.base import Observation

PREFIX = "crafter:"
NAMES = ("day", "full")
FPS = 8.0
SIZE = (72, 72)  # 9 x 9 cells of 8 x 8 pixels
CELLS = 9
LICENCE = "Crafter: MIT (Danijar Hafner), its art included"
INSTALL = "python -m pip install crafter"


class CrafterGames:
    """Copies of Crafter, each episode on an island of its own.

    ``crafter:full`` is the game as it is. ``crafter:day`` stays at noon: at night the game adds
    noise to every pixel, drawn anew at each frame, which no model can learn.

    Args:
        env: ``crafter:day`` or ``crafter:full``.
        num_games: G, how many copies.
        levels: (A, B): islands A to B - 1; without it, any island.
        seed: of the order of the islands.
        size: (H, W) of the frames, if both are multiples of 9; else they are 72x72.

    Raises:
        ValueError: Crafter is not installed (the message holds the command), or has no such game.

    Source: Hafner 2022, Benchmarking the Spectrum of Agent Capabilities (danijar/crafter).
    """

    fps = FPS
    licence = LICENCE
    draws_larger = True

    def __init__(
        self, env: str, num_games: int, levels: tuple[int, int] | None, seed: int,
        size: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """Open every copy; see the class."""
        name = env.removeprefix(PREFIX)
        if name not in NAMES:
            raise ValueError(f"Crafter has no game {name!r}; it has {', '.join(NAMES)}")
        try:
            import crafter
        except ImportError as error:
            raise ValueError(
                f"{env} needs {error.name}, which is not installed: {INSTALL}"
            ) from error
        self._make = _repeatable(crafter.Env, at_noon=name == "day")
        self.num_games, self.num_actions = num_games, len(crafter.constants.actions)
        self._range = levels or (0, 2**31)
        self._rngs = np.random.default_rng(seed).spawn(num_games)
        self._games, self._levels = [None] * num_games, [0] * num_games
        whole_cells = size is not None and not any(side % CELLS for side in size)
        self._size = size if whole_cells else SIZE
        self._frames = np.zeros((num_games, *self._size, 3), np.uint8)
        self._over = np.ones(num_games, bool)
        self.act(np.zeros(num_games, np.int64))

    def observe(self) -> Observation:
        """Show the frames; the last one of an episode shows the death, or the game's time limit."""
        return Observation(
            frames=self._frames.copy(), first=self._first.copy(), levels=list(self._levels)
        )

    def act(self, actions: np.ndarray) -> None:
        """Step every copy, or begin anew where an episode is over."""
        self._first = self._over.copy()
        for index in range(self.num_games):
            if self._over[index]:
                self._begin(index)
            else:
                step = self._games[index].step(int(actions[index]))
                self._frames[index], _, self._over[index], _ = step

    def positions(self) -> list[tuple[int, int]]:
        """Return the cell, row and column, in which each player stands; no picture shows it."""
        return [(int(game._player.pos[1]), int(game._player.pos[0])) for game in self._games]

    def faced(self) -> list[str]:
        """Return the material of the cell that each player faces, such as "water" or "tree"."""
        players = [(game._world, game._player) for game in self._games]
        return [str(world[player.pos + np.array(player.facing)][0]) for world, player in players]

    def restart(self, copies: Iterable[int]) -> None:
        """Begin some copies anew, at once; their frames are first ones then."""
        for index in copies:
            self._begin(index)
            self._first[index] = True

    def close(self) -> None:
        """Nothing to do: the game is plain Python."""

    def _begin(self, index: int) -> None:
        island = self._levels[index] = int(self._rngs[index].integers(*self._range))
        self._games[index] = self._make(size=self._size, seed=island)
        self._frames[index] = self._games[index].reset()
        self._over[index] = False


def _repeatable(kind: type, at_noon: bool) -> type:
    """Make of Crafter's environment one whose frames follow from its seed; the sun may stand."""

    class Repeatable(kind):
        def _balance_chunk(self, chunk: tuple, objs: set) -> None:
            # The creatures lie in a set, whose order changes from run to run.
            super()._balance_chunk(chunk, sorted(objs, key=lambda each: tuple(each.pos)))

        def _update_time(self) -> None:
            super()._update_time()
            if at_noon:
                self._world.daylight = 1.0

    return Repeatable
