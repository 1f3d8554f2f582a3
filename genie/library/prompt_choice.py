"""Which frames a world begins with: those from which its keys do most."""

from __future__ import annotations

import numpy as np
import torch

from genie.evaluate.batched_rollouts import MakeRollout, infer_actions, rollout_seeds
from genie.evaluate.clips import CorpusLike, bundle_device, to_models
from genie.evaluate.metrics.long_play import moving_share
from genie.evaluate.metrics.round_trip import play_keys

HELD_FRAMES = 10
TOGETHER = 4  # candidates whose keys are held side by side
MOVES = 0.25
"""A step leads somewhere if it changes this share of the pixels that a step changes on average."""


def candidate_frames(corpus: CorpusLike, episodes: np.ndarray, seed: int = 0) -> np.ndarray:
    """Take one frame from the middle four fifths of each episode; their beginnings are alike.

    Args:
        corpus: the frames.
        episodes: int64 (C,).
        seed: of the places.

    Returns:
        uint8 (C, H, W, 3).
    """
    stops = np.asarray(corpus.episode_ends)
    starts = np.append(0, stops[:-1])
    shares = np.random.default_rng([seed, 8]).uniform(0.1, 0.9, len(episodes))
    places = starts[episodes] + (shares * (stops - starts)[episodes]).astype(int)
    return np.concatenate([corpus.read(int(place), int(place) + 1) for place in places])


def obedience(
    bundle: object, make_rollout: MakeRollout, frames: np.ndarray, seed: int = 0
) -> np.ndarray:
    """Hold every key but the idle one from each frame, and count the steps that lead somewhere.

    A player at a wall or in a corner finds most keys dead; such a frame is a poor beginning. Some
    run on the spot there, which reads back as the key: so the picture must move, too.

    Args:
        bundle: the world's parts.
        make_rollout: builds the batched engine.
        frames: uint8 (C, H, W, 3).
        seed: of sampling.

    Returns:
        float64 (C,), 0 to 1: `evenly` of the shares of steps that read back as the key and move
        the picture.
    """
    device = bundle_device(bundle)
    keys = np.array([code for code in range(bundle.num_actions) if code != bundle.keymap.idle])
    obeyed, moved = [], []
    for first in range(0, len(frames), TOGETHER):
        part = to_models(frames[first : first + TOGETHER, None], device)
        with torch.inference_mode():
            ids = bundle.tokenizer.encode(part).long().repeat_interleave(len(keys), dim=0)
        actions = np.tile(keys, len(part))[:, None].repeat(HELD_FRAMES, axis=1)  # (C·(A-1), t)
        seeds = rollout_seeds(seed, np.arange(len(actions)))
        played = play_keys(bundle, make_rollout, ids, actions, seeds)
        obeyed.append(infer_actions(bundle, played) == actions)
        moved.append(moving_share(played))
    obeyed, moved = np.concatenate(obeyed), np.concatenate(moved)
    counts = obeyed & (moved >= MOVES * moved.mean())
    return evenly(counts.reshape(len(frames), len(keys), -1).mean(axis=2))


def evenly(shares: np.ndarray) -> np.ndarray:
    """Score a place by what each key does there; a key that does nothing is not made up for.

    A pit, where one can only jump, must not win by its jumps.

    Args:
        shares: float (C, keys), 0 to 1.

    Returns:
        float64 (C,), the mean of the square roots.
    """
    return np.sqrt(shares).mean(axis=1)


def choose_prompts(
    bundle: object, make_rollout: MakeRollout, frames: np.ndarray, count: int, seed: int = 0
) -> list[np.ndarray]:
    """Choose the frames a world begins with.

    Args:
        bundle: the world's parts.
        make_rollout: builds the batched engine.
        frames: uint8 (C, H, W, 3), candidates, each of an episode of its own.
        count: how many to choose.
        seed: of sampling.

    Returns:
        At most `count` frames uint8 (H, W, 3), the most obedient first.

    Source: our choice.
    """
    if len(frames) <= 1:
        return list(frames)
    order = np.argsort(-obedience(bundle, make_rollout, frames, seed), kind="stable")
    return [frames[place] for place in order[:count]]
