"""One game and one seed: clone the expert twice, by true labels and by codes, and let all play."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.policy_from_video.games import Game
from benchmarks.policy_from_video.judge import (
    Player,
    expert_player,
    play,
    policy_player,
    random_player,
)
from corpus.store import Corpus
from genie.agents.buttons import map_codes
from genie.agents.policy import Policy
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world
from train.data.encode import read_actions
from train.data.frames import Frames
from train.loop.clock import Clock
from train.loop.trainer import fit
from train.policy.run import new_module, without_idle

LABELS = (16, 64, 200)
DRAWS = 3


def run_seed(game: Game, corpus: Corpus, seed: int, steps: int, copies: int) -> dict[str, Any]:
    """Return the scores (copies,) of each player of one seed, by name, and the maps by labels.

    Args:
        game: what is played.
        corpus: expert play, with true actions.
        seed: of the fits, of the labels and of the levels played.
        steps: of each fit.
        copies: how many are played at once.
    """
    frames, world = Frames(corpus), load_bundle(find_world(game.world))
    codes, true = read_actions(frames, world.lam), corpus.true_actions()
    buttons = int(true.max()) + 1

    def score(player: Player) -> list[float]:
        return play(game, player, seed, copies=copies).tolist()

    scores = {
        "random": score(random_player(game.random, game.hold, copies, seed)),
        "expert": score(expert_player(game, copies, seed)),
    }
    oracle = _clone(frames, true, buttons, steps, seed)
    scores["oracle"] = score(policy_player(oracle, range(buttons), seed))
    fitted = without_idle(codes, world.keymap.idle)
    latent = _clone(frames, fitted, world.num_actions, steps, seed)
    maps, known = {}, {}
    for count in LABELS:
        for draw in range(DRAWS):
            chosen = draw_transitions(true, count, seed * DRAWS + draw)
            found = map_codes(codes[chosen], true[chosen], world.num_actions, buttons).tolist()
            if tuple(found) not in known:  # equal maps play the same
                known[tuple(found)] = score(policy_player(latent, found, seed))
            scores[f"latent {count} {draw}"] = known[tuple(found)]
            maps[f"{count} {draw}"] = found
    return {"game": game.world, "seed": seed, "steps": steps, "scores": scores, "maps": maps}


def draw_transitions(true: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Choose `count` transitions to label, int64 (count,), among those with a true action."""
    known = np.flatnonzero(true >= 0)
    return np.random.default_rng(seed).choice(known, count, replace=False)


def _clone(frames: Frames, actions: np.ndarray, num_actions: int, steps: int, seed: int) -> Policy:
    module = new_module(frames, actions, num_actions, Clock(total_steps=steps), seed)
    with tempfile.TemporaryDirectory() as folder:
        fit(module, Path(folder) / "policy")
    return Policy(network=module.chosen.eval().requires_grad_(False))
