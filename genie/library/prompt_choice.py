"""Which frames a world begins with: those from which its keys do most, each unlike the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from genie.frames import CorpusLike, moving_pixels, moving_share, to_models
from genie.library.bundle import Bundle
from genie.rollouts.batched_rollouts import MakeRollout, infer_actions, play_keys, rollout_seeds

HELD_FRAMES = 30
FIRST_FRAMES = 8
"""They count as much as all that are held: a paddle is at the wall by then, wherever it began."""
CANDIDATES_A_BATCH = 4
MOVES = 0.25
"""A step moves the frame if it changes this fraction of what a step changes on average, and a key
tells in it if so much changes otherwise than without a key."""
GOOD = 0.75
"""Frames with this fraction of the best score are good enough to be chosen for their looks."""
ACTING = 0.25
"""A key acts anywhere if in a quarter of the candidates so many of its first steps obey."""
LEAST_PROMPTS = 4
"""So many are chosen, however good they are; more only of good ones."""
LOOKS = 3
"""A frame has the lowest score of so many looks, each with other draws. From Breakout's paddle at
the right wall *right* seemed to act in three of nine (lab notes, 2026-12-01)."""
MOST_ROUNDS = 3
"""How often candidates are drawn, if the first ones have too few good frames."""
STILL = 1 / 4096
"""Below this fraction of changing pixels (one in a frame of 64x64) an action moves nothing."""
STILL_FRAMES = 4


def candidate_frames(corpus: CorpusLike, episodes: np.ndarray, seed: int = 0) -> np.ndarray:
    """Take a frame, uint8 (C, H, W, 3), from each of the episodes, int64 (C,).

    An episode that is named more than once gives other frames.
    """
    stops = np.asarray(corpus.episode_ends)
    starts = np.append(0, stops[:-1])
    # The first and the last frames of episodes are all alike.
    fractions = np.random.default_rng([seed, 8]).uniform(0.1, 0.9, len(episodes))
    chosen = starts[episodes] + (fractions * (stops - starts)[episodes]).astype(int)
    return np.concatenate([corpus.read(int(frame), int(frame) + 1) for frame in chosen])


def candidate_rounds(
    corpus: CorpusLike, episodes: np.ndarray, size: int, seed: int = 0
) -> Iterator[np.ndarray]:
    """Draw candidates again and again, each time other frames, uint8 (size, H, W, 3).

    Args:
        corpus: where they come from.
        episodes: int64 (E,), which may be shown; each round takes them from the first to the last.
        size: frames of a round.
        seed: of the choice.
    """
    shown = np.linspace(0, len(episodes) - 1, size).round().astype(int)
    for number in range(MOST_ROUNDS):
        yield candidate_frames(corpus, episodes[shown], seed + number)


def obedience(
    bundle: Bundle, make_rollout: MakeRollout, frames: np.ndarray, seed: int = 0
) -> np.ndarray:
    """Hold every key but the idle one from each frame, and score how many steps obey.

    They read back as the key, move something, and move otherwise than the idle key does: a ball
    flies also while the player's own paddle lies at the edge.

    Args:
        bundle: the world.
        make_rollout: builds the batched engine.
        frames: uint8 (C, H, W, 3).
        seed: of sampling.

    Returns:
        float64 (C,), 0 to 1, of the fractions of steps that obey each key: half by `evenly`, of the
        first ones and of all, and half by the square root of the first ones' least, among the keys
        that act anywhere.
    """
    keys = np.array([code for code in range(bundle.num_actions) if code != bundle.keymap.idle])
    obeyed, moved, told = [], [], []
    for first in range(0, len(frames), CANDIDATES_A_BATCH):
        part = to_models(frames[first : first + CANDIDATES_A_BATCH, None], bundle.device)
        with torch.inference_mode():
            ids = bundle.tokenizer.encode(part).long().repeat_interleave(len(keys), dim=0)
        actions = np.tile(keys, len(part))[:, None].repeat(HELD_FRAMES, axis=1)  # (C·(A-1), t)
        # Of one frame all with one seed, so that they differ by the key alone.
        seeds = rollout_seeds(seed, np.arange(first, first + len(part)))
        played = play_keys(bundle, make_rollout, ids, actions, np.repeat(seeds, len(keys)).tolist())
        idle = np.full((len(part), HELD_FRAMES), bundle.keymap.idle)
        unmoved = play_keys(bundle, make_rollout, ids[:: len(keys)], idle, seeds)
        obeyed.append(infer_actions(bundle, played) == actions)
        moving = moving_pixels(played)
        moved.append(moving.mean(axis=(-2, -1)))
        otherwise = moving != moving_pixels(unmoved).repeat(len(keys), axis=0)
        told.append(otherwise.mean(axis=(-2, -1)))
    obeyed, moved, told = (np.concatenate(parts) for parts in (obeyed, moved, told))
    # A player who runs on the spot at a wall reads back as the key, too: the frame must move.
    counts = obeyed & (moved >= MOVES * moved.mean())
    counts &= (told > 0) & (told >= MOVES * told.mean())
    counts = counts.reshape(len(frames), len(keys), -1)
    first, held = counts[..., :FIRST_FRAMES].mean(axis=2), counts.mean(axis=2)
    return (evenly(first) + evenly(held)) / 4 + np.sqrt(_least(first)) / 2


def _least(fractions: np.ndarray) -> np.ndarray:
    """Return the least of float (C, keys): beside a wall one key moves nothing."""
    # A key that hardly acts from any frame would else let chance choose.
    acting = np.quantile(fractions, 0.75, axis=0) >= ACTING
    return fractions[:, acting].min(axis=1) if acting.any() else fractions.min(axis=1)


def evenly(fractions: np.ndarray) -> np.ndarray:
    """Score float (C, keys) in [0, 1] by the mean of the square roots, float64 (C,)."""
    # A plain mean would let a pit, where one can only jump, win by its jumps.
    return np.sqrt(fractions).mean(axis=1)


def choose_prompts(
    bundle: Bundle,
    make_rollout: MakeRollout,
    rounds: Iterable[np.ndarray],
    count: int,
    seed: int = 0,
) -> list[np.ndarray]:
    """Choose at most `count` of the candidates.

    The most obedient comes first; then, of those that are nearly as good, each time the one that is
    least like those chosen; and others in their order while there are fewer than four.

    Args:
        bundle: the world.
        make_rollout: builds the batched engine.
        rounds: candidates, uint8 (C, H, W, 3) each; more are asked for while fewer than `count`
            are good, such as where a player lies at the wall most of the time.
        count: of prompts.
        seed: of sampling.
    """
    candidates, scores = [], np.zeros(0)
    for frames in rounds:
        for frame in frames:
            # Little footage gives the same frames again, and a game that waits, too.
            if not any((frame == old).all() for old in candidates):
                candidates.append(frame)
        if new := candidates[len(scores) :]:
            looks = [
                obedience(bundle, make_rollout, np.stack(new), seed + look) for look in range(LOOKS)
            ]
            scores = np.append(scores, np.min(looks, axis=0))
        good_enough = (scores >= GOOD * scores.max()) & (scores > 0)
        if good_enough.sum() >= count:
            break
    frames = np.stack(candidates)
    codes = _code_counts(bundle, frames)
    order = np.argsort(-scores, kind="stable").tolist()
    chosen = [order.pop(0)]
    while order and len(chosen) < count:
        good = [index for index in order if good_enough[index]]
        if not good and len(chosen) >= LEAST_PROMPTS:
            break
        unlike = [_least_distance(codes[index], codes[chosen]) for index in good]
        best = good[int(np.argmax(unlike))] if good else order[0]
        order.remove(best)
        chosen.append(best)
    return [frames[index] for index in chosen]


def _code_counts(bundle: Bundle, frames: np.ndarray) -> np.ndarray:
    """Count the codes of each frame, int64 (C, K)."""
    with torch.inference_mode():
        ids = bundle.tokenizer.encode(to_models(frames[:, None], bundle.device))[:, 0].cpu()
    return np.stack([np.bincount(row, minlength=bundle.tokenizer.num_codes) for row in ids.numpy()])


def _least_distance(counts: np.ndarray, others: np.ndarray) -> int:
    """Return how many tokens have other codes than in the most similar of the others."""
    return int((counts.sum() - np.minimum(counts, others).sum(axis=1)).min())


def still_actions(
    bundle: Bundle, make_rollout: MakeRollout, prompts: list[np.ndarray], seed: int = 0
) -> list[int]:
    """List the actions under which nothing moves in the world.

    Args:
        bundle: the world.
        make_rollout: builds the batched engine.
        prompts: uint8 (H, W, 3) each; every action is held for a few frames from each.
        seed: of sampling.
    """
    frames = to_models(np.stack(prompts)[:, None], bundle.device)
    with torch.inference_mode():
        ids = bundle.tokenizer.encode(frames).long()
    seeds, still = rollout_seeds(seed, np.arange(len(prompts))), []
    for action in range(bundle.num_actions):
        actions = np.full((len(prompts), STILL_FRAMES), action)
        played = play_keys(bundle, make_rollout, ids, actions, seeds)
        if moving_share(played).mean() < STILL:
            still.append(action)
    return still
