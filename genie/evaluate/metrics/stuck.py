"""Rollouts that end where no key leads out, such as an endless wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpus.progress import Tick, no_tick
from genie.evaluate.clips import batches, choose_clips
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.metrics.long_play import HOLD
from genie.evaluate.workers import at_once
from genie.rollouts.batched_rollouts import (
    BATCH_ROLLOUTS,
    encode_prompts,
    play_segment,
    rollout_seeds,
    start_rollout,
)

ROLLOUTS = 64  # for 32 clips or more
FRAMES = 100  # played, and then tried
LEVELS = 32  # of 255 by which a channel of a pixel must differ to count as changed
MOST_SHARE = 0.05  # of the pixels; less where the game itself changes little
REAL_PERCENTILE = 5.0


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """How many rollouts end where no key leads out.

    Attributes:
        share: fraction of the rollouts.
        rollouts: how many there were.
        threshold: fraction of the pixels that a key must change to lead out.
        change: fraction that the keys changed at most, for each rollout.
    """

    share: float
    rollouts: int
    threshold: float
    change: tuple[float, ...]


def stuck_rollouts(config: EvalConfig) -> int:
    """Count the rollouts: an even number, half with held keys and half with random ones."""
    return config.shorten(ROLLOUTS, 2)


def stuck_frames(config: EvalConfig) -> int:
    """Count the frames that score_stuck samples."""
    return stuck_rollouts(config) * 2 * FRAMES


def score_stuck(context: EvalContext, tick: Tick = no_tick) -> Stuck:
    """Play on with held and with random keys, then try every key; ticks count frames.

    Source: metrics.md, "Stuck".
    """
    bundle, config = context.bundle, context.config
    count = stuck_rollouts(config)
    starts = np.resize(context.choice.starts, count)
    keys = _keys(count, bundle.num_actions, np.random.default_rng([config.seed, 4]))
    tried = np.arange(FRAMES) * bundle.num_actions // FRAMES

    def play(part: slice, tick: Tick) -> np.ndarray:
        ids = encode_prompts(bundle, context.corpus, starts[part])
        seeds = rollout_seeds(config.seed, np.arange(part.start, part.stop))
        rollout, before = start_rollout(context.make_rollout, seeds, ids, bundle.device)
        before = play_segment(rollout, before, keys[part], bundle.device, tick).frames[:, -1]
        each = np.tile(tried, (len(before), 1))
        frames = play_segment(rollout, before, each, bundle.device, tick).frames
        return np.array([_most_change(sequence) for sequence in frames])

    change = np.concatenate(at_once(play, batches(count, BATCH_ROLLOUTS), bundle.device, tick))
    threshold = min(MOST_SHARE, _real_change(context) / 2)
    return Stuck(
        share=float((change <= threshold).mean()),
        rollouts=count,
        threshold=threshold,
        change=tuple(change.tolist()),
    )


def _keys(count: int, num_actions: int, rng: np.random.Generator) -> np.ndarray:
    """Return keys of the rollouts, int64 (count, FRAMES): one held, or random ones held a while."""
    keys = np.repeat(np.arange(count)[:, None] % num_actions, FRAMES, axis=1)
    for row in keys[count // 2 :]:
        holds = rng.integers(1, HOLD + 1, FRAMES)
        row[:] = np.repeat(rng.integers(0, num_actions, FRAMES), holds)[:FRAMES]
    return keys


def _most_change(frames: np.ndarray) -> float:
    """Return the largest fraction of pixels by which a frame differs from the first one."""
    first = frames[0].astype(np.int16)
    return max(float((np.abs(frame - first).max(-1) > LEVELS).mean()) for frame in frames[1:])


def _real_change(context: EvalContext) -> float:
    """Return the same of true frames, in a stretch of them in which little changes."""
    corpus, ends = context.corpus, np.asarray(context.corpus.episode_ends)
    # In shorter stretches less changes; where no episode is that long, the longest ones tell most.
    length = min(FRAMES + 1, int(np.diff(ends, prepend=0).max()))
    starts = choose_clips(ends, ROLLOUTS, context.config.seed, length).starts
    found = [_most_change(np.asarray(corpus.read(s, s + length))) for s in starts.tolist()]
    return float(np.percentile(found, REAL_PERCENTILE))
