"""Action round trip: does the latent action model read in drawn frames the key that was pressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from genie.evaluate.batched_rollouts import (
    MakeRollout,
    encode_prompts,
    infer_actions,
    play_stretch,
    rollout_seeds,
    start_rollout,
)
from genie.evaluate.clips import ClipChoice, CorpusLike, batches, bundle_device
from genie.evaluate.progress import Tick, no_tick
from genie.evaluate.workers import at_once

HELD_PROMPTS = 16
HELD_FRAMES = 30
RANDOM_PROMPTS = 32
RANDOM_FRAMES = 60
BATCH_PROMPTS = 8  # divides both numbers of prompts, so that all batches are equal


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """Shares of steps whose inferred code is the commanded one.

    Attributes:
        random: per code, under random keys; None for a code that was never commanded.
        held: per code, while its key is held for 30 frames.
    """

    random: tuple[float | None, ...]
    held: tuple[float | None, ...]


def round_trip_frames(num_actions: int) -> int:
    """Count the frames that score_round_trip draws."""
    return HELD_PROMPTS * num_actions * HELD_FRAMES + RANDOM_PROMPTS * RANDOM_FRAMES


def share_read_back(commanded: np.ndarray, inferred: np.ndarray, num_actions: int) -> list:
    """Count per code how often it is read back.

    Args:
        commanded: int (...), actions given to the world.
        inferred: int of the same shape, codes read in the frames that it drew.
        num_actions: A.

    Returns:
        A shares in [0, 1]; None for a code that was never commanded.

    Source: metrics.md, "Action round trip".
    """
    right = commanded == inferred
    return [
        float(right[commanded == code].mean()) if (commanded == code).any() else None
        for code in range(num_actions)
    ]


def score_round_trip(
    bundle: object,
    make_rollout: MakeRollout,
    corpus: CorpusLike,
    choice: ClipChoice,
    seed: int = 0,
    tick: Tick = no_tick,
) -> RoundTrip:
    """Hold every key from 16 true frames, and press random keys from 32.

    Args:
        bundle: the world's parts.
        make_rollout: builds the batched engine.
        corpus: the corpus.
        choice: clips whose first frames are the prompts, taken in turn.
        seed: of sampling and of the random keys.
        tick: called with the number of generated frames.

    Returns:
        Shares per code.
    """
    codes = bundle.num_actions
    held_keys = np.tile(np.arange(codes), HELD_PROMPTS)  # prompt by prompt, each with all codes
    held = np.repeat(held_keys[:, None], HELD_FRAMES, axis=1)
    starts = np.resize(choice.starts, HELD_PROMPTS).repeat(codes)
    rng = np.random.default_rng([seed, 2])
    random = rng.integers(0, codes, (RANDOM_PROMPTS, RANDOM_FRAMES))
    random_starts = np.resize(choice.starts, RANDOM_PROMPTS)
    read_held = _read_back(bundle, make_rollout, corpus, starts, held, seed, tick)
    read_random = _read_back(bundle, make_rollout, corpus, random_starts, random, seed, tick)
    return RoundTrip(
        random=tuple(share_read_back(random, read_random, codes)),
        held=tuple(share_read_back(held, read_held, codes)),
    )


def play_keys(
    bundle: object,
    make_rollout: MakeRollout,
    ids: Tensor,
    actions: np.ndarray,
    seeds: Sequence[int],
    tick: Tick = no_tick,
) -> np.ndarray:
    """Play keys from single frames side by side.

    Args:
        bundle: the world's parts.
        make_rollout: builds the batched engine.
        ids: int64 (B, 1, N), tokens of the frames.
        actions: int64 (B, t), the keys.
        seeds: of sampling, one a sample.
        tick: called with the number of generated frames.

    Returns:
        uint8 (B, 1 + t, H, W, 3): the single frames as the world draws them, then what it drew.
    """
    device = bundle_device(bundle)
    rollout, before = start_rollout(make_rollout, seeds, ids, ids.new_zeros(len(ids), 0), device)
    return play_stretch(rollout, before, actions, device, tick).frames


def _read_back(
    bundle: object,
    make_rollout: MakeRollout,
    corpus: CorpusLike,
    starts: np.ndarray,
    actions: np.ndarray,
    seed: int,
    tick: Tick,
) -> np.ndarray:
    """Play `actions` int64 (B, t) from single true frames and read them back, int64 (B, t)."""

    def read(part: slice, tick: Tick) -> np.ndarray:
        ids = encode_prompts(bundle, corpus, starts[part])
        seeds = rollout_seeds(seed, np.arange(part.start, part.stop))
        played = play_keys(bundle, make_rollout, ids, actions[part], seeds, tick)
        return infer_actions(bundle, played)

    parts = batches(len(starts), BATCH_PROMPTS)
    return np.concatenate(at_once(read, parts, bundle_device(bundle), tick))
