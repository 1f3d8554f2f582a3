"""The games: who is cloned, on which levels, and what counts."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.latent_actions.games import PROCGEN
from benchmarks.policy_from_video.experts import Expert, MinerExpert, RunnerExpert

TRAIN, TEST = PROCGEN["train"], PROCGEN["test"]


@dataclass(frozen=True, kw_only=True)
class Game:
    """A game, its expert and its score.

    Attributes:
        world: whose action model reads what the expert plays.
        env: of `corpus.games.procgen`.
        expert: made of the number of copies and a seed.
        random: (A, B), the buttons that a random player presses.
        hold: the longest time that it holds one, in frames.
        steps: how long each copy is played.
        first_level: whether only the first level of a copy counts: 1 if it is solved, else 0.
            Otherwise all that is earned within the steps counts.
        score: its name.
    """

    world: str
    env: str
    expert: Callable[[int, int], Expert]
    random: tuple[int, int]
    hold: int
    steps: int
    first_level: bool
    score: str


GAMES = {
    game.world: game
    for game in (
        Game(
            world="miner", env="procgen:miner:memory", expert=MinerExpert, random=(1, 8), hold=4,
            steps=200, first_level=False, score="diamonds in 200 steps",
        ),
        Game(
            world="coinrun", env="procgen:coinrun", expert=RunnerExpert, random=(0, 9), hold=30,
            steps=250, first_level=True, score="levels solved within 250 steps",
        ),
    )
}  # fmt: skip
