"""A player in the real game, on levels that nobody trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.policy_from_video.games import TEST, Game
from corpus.games.policy import HeldActions
from corpus.games.procgen import ProcgenGames
from genie.agents.policy import Policy, choose

COPIES = 256
DRAWS = 2000

Player = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Frames and those before, uint8 (G, H, W, 3), to buttons (G,)."""


def play(
    game: Game, player: Player, seed: int, levels: tuple[int, int] = TEST, copies: int = COPIES
) -> np.ndarray:
    """Let a player play copies of a game, each from a level of its own.

    Args:
        game: what is played, and what counts.
        player: who plays.
        seed: of the levels; the same one gives every player the same.
        levels: (A, B).
        copies: G.

    Returns:
        float64 (G,), the score of each copy.
    """
    games = ProcgenGames(game.env, copies, levels, seed)
    scores, over, before = np.zeros(copies), np.zeros(copies, bool), None
    for _ in range(game.steps):
        shown = games.observe()
        previous = shown.frames if before is None else before
        # The frame before that of an episode's first frame is of another level.
        previous = np.where(shown.first[:, None, None, None], shown.frames, previous)
        games.act(player(shown.frames, previous))
        earned, before = games.rewards(), shown.frames
        if game.first_level:
            scores[(earned > 0) & ~over] = 1
            over |= games.observe().first
        else:
            scores += earned
    return scores


def random_player(buttons: tuple[int, int], hold: int, copies: int, seed: int) -> Player:
    """Return who presses buttons A to B − 1 at random, and holds each for `hold` frames at most."""
    first, stop = buttons
    held = HeldActions(copies, stop - first, hold, np.random.default_rng(seed), first)
    return lambda frames, previous: held.next()


def expert_player(game: Game, copies: int, seed: int) -> Player:
    """Return the expert."""
    expert = game.expert(copies, seed)
    return lambda frames, previous: expert.act(frames)


def policy_player(
    policy: Policy, buttons: Sequence[int], seed: int, greedy: bool = False
) -> Player:
    """Return a policy that presses the button of each action that it chooses.

    Args:
        policy: who chooses.
        buttons: one for each action.
        seed: of the draws.
        greedy: whether it takes the most probable action, in place of drawing one.
    """
    generator = None if greedy else torch.Generator().manual_seed(seed)
    table = np.asarray(buttons, np.int64)
    return lambda frames, previous: table[
        choose(policy.probabilities(frames, previous), generator).numpy()
    ]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A value and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return the value, and the interval in brackets."""
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def mean_of(scores: np.ndarray) -> Figure:
    """Return the mean of scores (G,), with an interval by drawing copies anew."""
    index = _drawn(len(scores))
    low, high = np.percentile(scores[index].mean(axis=1), (2.5, 97.5))
    return Figure(value=float(scores.mean()), low=float(low), high=float(high))


def share_of_oracle(player: np.ndarray, oracle: np.ndarray, random: np.ndarray) -> Figure:
    """Return (player − random) / (oracle − random) of mean scores, each (G,) on the same copies.

    Source: metrics.md, "A policy from video".
    """
    index = _drawn(len(player))
    drawn = [scores[index].mean(axis=1) for scores in (player, oracle, random)]
    shares = (drawn[0] - drawn[2]) / (drawn[1] - drawn[2])
    low, high = np.percentile(shares, (2.5, 97.5))
    value = (player.mean() - random.mean()) / (oracle.mean() - random.mean())
    return Figure(value=float(value), low=float(low), high=float(high))


def _drawn(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, count, (DRAWS, count))
