"""Who acts: at random, or by a policy."""

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.dream_agents.games import Game
from corpus.games.policy import HeldActions
from genie.agents.policy import Policy, choose

Actor = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Frames and those before, uint8 (B, H, W, 3), to latent actions or buttons (B,)."""


def random_actor(game: Game, copies: int, seed: int) -> Actor:
    """Return who presses buttons at random and holds each for a while."""
    first, stop = game.random
    held = HeldActions(copies, stop - first, game.hold, np.random.default_rng(seed), first)
    return lambda frames, before: held.next()


def any_actor(num_actions: int, seed: int) -> Actor:
    """Return who chooses a latent action at random, anew at each step."""
    rng = np.random.default_rng(seed)
    return lambda frames, before: rng.integers(0, num_actions, len(frames))


def policy_actor(policy: Policy, seed: int) -> Actor:
    """Return a policy, whose actions are drawn."""
    generator = torch.Generator().manual_seed(seed)
    return lambda frames, before: choose(policy.probabilities(frames, before), generator).numpy()
