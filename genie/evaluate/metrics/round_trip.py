"""Action round trip: is the key that was pressed read back from the sampled frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpus.progress import Tick, no_tick
from genie.evaluate.clips import batches
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.workers import at_once
from genie.rollouts.batched_rollouts import encode_prompts, infer_actions, play_keys, rollout_seeds

HELD_PROMPTS = 16  # these two are for 32 clips or more
HELD_FRAMES = 30
RANDOM_PROMPTS = 32
RANDOM_FRAMES = 60
BATCH_PROMPTS = 8  # divides both numbers of prompts, so that all batches are equal


@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """Fractions of steps whose inferred code is the commanded one.

    Attributes:
        random: per code, under random keys; None for a code that was never commanded.
        held: per code, while its key is held for 30 frames.
    """

    random: tuple[float | None, ...]
    held: tuple[float | None, ...]


def round_trip_frames(config: EvalConfig, num_actions: int) -> int:
    """Count the frames that score_round_trip samples."""
    held, random = config.shorten(HELD_PROMPTS), config.shorten(RANDOM_PROMPTS)
    return held * num_actions * HELD_FRAMES + random * RANDOM_FRAMES


def fraction_read_back(commanded: np.ndarray, inferred: np.ndarray, num_actions: int) -> list:
    """Measure how often each code is read back; None for one that was never commanded.

    Source: metrics.md, "Action round trip".
    """
    right = commanded == inferred
    return [
        float(right[commanded == code].mean()) if (commanded == code).any() else None
        for code in range(num_actions)
    ]


def score_round_trip(context: EvalContext, tick: Tick = no_tick) -> RoundTrip:
    """Hold every key from 16 true frames, and press random keys from 32; ticks count frames."""
    config, codes, firsts = context.config, context.bundle.num_actions, context.choice.starts
    held_prompts, random_prompts = config.shorten(HELD_PROMPTS), config.shorten(RANDOM_PROMPTS)
    held_keys = np.tile(np.arange(codes), held_prompts)  # prompt by prompt, each with all codes
    held = np.repeat(held_keys[:, None], HELD_FRAMES, axis=1)
    rng = np.random.default_rng([config.seed, 2])
    random = rng.integers(0, codes, (random_prompts, RANDOM_FRAMES))
    starts = np.resize(firsts, held_prompts).repeat(codes)
    read_held = _read_back(context, starts, held, tick)
    read_random = _read_back(context, np.resize(firsts, random_prompts), random, tick)
    return RoundTrip(
        random=tuple(fraction_read_back(random, read_random, codes)),
        held=tuple(fraction_read_back(held, read_held, codes)),
    )


def _read_back(
    context: EvalContext, starts: np.ndarray, actions: np.ndarray, tick: Tick
) -> np.ndarray:
    """Play `actions` int64 (B, t) from single true frames and infer them again, int64 (B, t)."""
    bundle = context.bundle

    def read(part: slice, tick: Tick) -> np.ndarray:
        ids = encode_prompts(bundle, context.corpus, starts[part])
        seeds = rollout_seeds(context.config.seed, np.arange(part.start, part.stop))
        played = play_keys(bundle, context.make_rollout, ids, actions[part], seeds, tick)
        return infer_actions(bundle, played)

    parts = batches(len(starts), BATCH_PROMPTS)
    return np.concatenate(at_once(read, parts, bundle.device, tick))
