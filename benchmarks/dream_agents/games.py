"""The real games: what counts in each, and the game as a task to learn in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.latent_actions.games import CRAFTER, PROCGEN
from corpus.games.base import Games
from corpus.games.crafter import CrafterGames
from corpus.games.procgen import ProcgenGames
from train.dream.task import Outcome


class WaterGames(CrafterGames):
    """Crafter as a search for water: who faces some has found it."""

    def __init__(self, env: str, num_games: int, levels: tuple[int, int], seed: int) -> None:
        """Open every copy; see `CrafterGames`."""
        self._earned = np.zeros(num_games, np.float32)
        super().__init__(env, num_games, levels, seed)

    def act(self, actions: np.ndarray) -> None:
        """Step every copy."""
        super().act(actions)
        found = np.array([material == "water" for material in self.faced()]) & ~self._first
        self._earned = found.astype(np.float32)

    def rewards(self) -> np.ndarray:
        """Return 1 where the last step found water, float32 (G,)."""
        return self._earned


@dataclass(frozen=True, kw_only=True)
class Game:
    """A game and its score.

    Attributes:
        world: the world that is dreamt.
        kind: makes copies of it.
        env: its name.
        levels: by part, A to B − 1.
        random: (A, B), the buttons that a random player presses.
        hold: the longest time that it holds one, in frames.
        steps: how long each copy is played.
        once: whether the first reward ends the episode, and only the first episode counts: 1 if
            there was one, else 0.
        length: steps of an episode in the dream.
        score: its name.
    """

    world: str
    kind: Callable[..., Games]
    env: str
    levels: dict[str, tuple[int, int]]
    random: tuple[int, int]
    hold: int
    steps: int
    once: bool
    length: int
    score: str


GAMES = {
    game.world: game
    for game in (
        Game(
            world="miner", kind=ProcgenGames, env="procgen:miner:memory", levels=PROCGEN,
            random=(1, 8), hold=4, steps=200, once=False, length=32,
            score="diamonds in 200 steps",
        ),
        Game(
            world="crafter", kind=WaterGames, env="crafter:day", levels=CRAFTER,
            random=(0, 5), hold=16, steps=64, once=True, length=16,
            score="water found within 64 steps",
        ),
        Game(
            world="coinrun", kind=ProcgenGames, env="procgen:coinrun", levels=PROCGEN,
            random=(0, 9), hold=30, steps=250, once=True, length=16,
            score="levels solved within 250 steps",
        ),
    )
}  # fmt: skip


class GameTask:
    """Copies of a real game, stepped by latent actions; episodes go on from update to update."""

    def __init__(
        self,
        game: Game,
        buttons: Sequence[int],
        count: int,
        part: str,
        seed: int,
        again: bool = True,
    ) -> None:
        """Open the copies.

        Args:
            game: which one.
            buttons: what is pressed for each latent action.
            count: B.
            part: of the levels: train, dev or test.
            seed: of their order.
            again: whether an island of Crafter ends with its reward: to make another takes long.
        """
        self._again = again and game.once
        self.num_actions = len(buttons)
        self._buttons = np.asarray(buttons)
        self._games = game.kind(game.env, count, game.levels[part], seed)
        self._frames = self._before = self._games.observe().frames

    def begin(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Go on where the update before ended."""
        return self._frames, self._before

    def step(self, actions: np.ndarray) -> Outcome:
        """Press the buttons of latent actions (B,)."""
        self._games.act(self._buttons[actions])
        earned = (self._games.rewards() > 0).astype(np.float32)
        if self._again and isinstance(self._games, WaterGames):
            self._games.restart(np.flatnonzero(earned))
        shown = self._games.observe()
        over = shown.first[:, None, None, None]
        self._before = np.where(over, shown.frames, self._frames)
        self._frames = shown.frames
        return Outcome(frames=shown.frames, rewards=earned, ended=shown.first)
