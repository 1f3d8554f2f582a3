"""Long play: does a world still look, move and obey like its corpus after a thousand frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpus.progress import Tick, no_tick
from genie.drift import DriftMeter
from genie.evaluate.clips import batches
from genie.evaluate.context import STRETCH, EvalConfig, EvalContext
from genie.evaluate.workers import at_once
from genie.frames import moving_share
from genie.library.bundle import Bundle
from genie.rollouts.batched_rollouts import (
    RolloutLike,
    encode_prompts,
    infer_actions,
    play_segment,
    rollout_seeds,
    start_rollout,
)

ROLLOUTS = 8  # for 32 clips or more
HOLD = 30


@dataclass(frozen=True, kw_only=True)
class LongPlay:
    """Half of the long rollouts: those with inferred keys, or those with held keys.

    Attributes:
        distance: float64 (windows,), mean over rollouts; None without statistics.
        threshold: of the distance, or None.
        left_at: frame by which half of the rollouts have left the corpus, or None.
        left_at_each: per rollout.
        moving_share: fraction of pixels that change a frame, per stretch of 100 frames.
        round_trip: fraction of steps whose key is read back, per stretch of 100 frames.
        stretch: frames in a stretch.
    """

    distance: tuple[float, ...] | None
    threshold: float | None
    left_at: int | None
    left_at_each: tuple[int | None, ...] | None
    moving_share: tuple[float, ...]
    round_trip: tuple[float, ...]
    stretch: int


def long_rollouts(config: EvalConfig) -> int:
    """Count the long rollouts: an even number, half with inferred keys and half with held ones."""
    return config.shorten(ROLLOUTS, 2)


def real_moving_share(context: EvalContext, length: int) -> float:
    """Measure how many pixels the first `length` frames of the true clips change a frame."""
    corpus, starts = context.corpus, (int(start) for start in context.choice.starts)
    shares = [moving_share(np.asarray(corpus.read(s, s + length))) for s in starts]
    return float(np.concatenate(shares).mean())


def inferred_keys(context: EvalContext, start: int, episode: int, length: int) -> np.ndarray:
    """Infer keys from true episodes.

    Args:
        context: what is evaluated.
        start: first frame.
        episode: the one that it lies in; those after it follow.
        length: keys wanted; a corpus that is too short is read again.

    Returns:
        int64 (length,).
    """
    ends = [int(end) for end in context.corpus.episode_ends]
    keys, count, episodes_read = [], 0, 0
    while count < length and episodes_read <= len(ends):
        stop = min(ends[episode], start + length - count + 1)
        for a in range(start, stop - 1, STRETCH):
            frames = np.asarray(context.corpus.read(a, min(a + STRETCH + 1, stop)))
            keys.append(infer_actions(context.bundle, frames[None])[0])
            count += len(keys[-1])
        episode = (episode + 1) % len(ends)
        start = ends[episode - 1] if episode else 0
        episodes_read += 1
    return np.resize(np.concatenate(keys), length)


def held_keys(rollout: int, num_actions: int, length: int) -> np.ndarray:
    """Hold each code for 30 frames in turn, starting from another one in each rollout."""
    return (rollout + np.arange(length) // HOLD) % num_actions


def score_long_play(
    context: EvalContext, meter: DriftMeter | None, tick: Tick = no_tick
) -> dict[str, LongPlay]:
    """Play long rollouts side by side, half with inferred keys and half with held ones.

    Args:
        context: what is evaluated.
        meter: of the distance to the corpus, or None.
        tick: called with the number of sampled frames.

    Returns:
        "random" (keys inferred from true episodes) and "held".

    Source: metrics.md, "Long play".
    """
    bundle, choice, config = context.bundle, context.choice, context.config
    count, frames = long_rollouts(config), config.played_frames
    half, picks = count // 2, np.arange(count) % len(choice)

    def play(name: str, tick: Tick) -> LongPlay:
        if name == "random":
            begins = ((int(choice.starts[i]), int(choice.episodes[i])) for i in picks[:half])
            keys = [inferred_keys(context, *begin, frames) for begin in begins]
            rollouts = np.arange(half)
        else:
            rollouts = np.arange(half, count)
            keys = [held_keys(i, bundle.num_actions, frames) for i in range(half)]
        ids = encode_prompts(bundle, context.corpus, choice.starts[picks[rollouts]])
        seeds = rollout_seeds(config.seed, rollouts)
        rollout, before = start_rollout(context.make_rollout, seeds, ids, bundle.device)
        keys = np.stack(keys)
        return _summarise(*_play_on(bundle, rollout, before, keys, tick), keys, meter)

    halves = ("random", "held")
    return dict(zip(halves, at_once(play, halves, bundle.device, tick), strict=True))


def _play_on(
    bundle: Bundle, rollout: RolloutLike, before: np.ndarray, actions: np.ndarray, tick: Tick
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Play int64 (B, T); return tokens (B, T, N), and by stretch what moves and is obeyed."""
    tokens, moving, obeyed = [], [], []
    for part in batches(actions.shape[1], STRETCH):
        played = play_segment(rollout, before, actions[:, part], bundle.device, tick)
        before = played.frames[:, -1]
        tokens.append(played.ids.astype(np.int32))
        moving.append(moving_share(played.frames).mean(axis=1))
        read = infer_actions(bundle, played.frames)
        obeyed.append((read == actions[:, part]).mean(axis=1))
    return np.concatenate(tokens, axis=1), np.stack(moving, 1), np.stack(obeyed, 1)


def _summarise(
    ids: np.ndarray,
    moving: np.ndarray,
    obeyed: np.ndarray,
    keys: np.ndarray,
    meter: DriftMeter | None,
) -> LongPlay:
    distances = left = None
    if meter is not None:
        # The first frame was led to by the first key, from the prompt.
        distances = [meter.distances(*row) for row in zip(ids, keys[:, 1:], strict=True)]
        left = tuple(meter.left_at(each) for each in distances)
    return LongPlay(
        distance=None if distances is None else tuple(np.mean(distances, axis=0).tolist()),
        threshold=None if meter is None else meter.threshold,
        left_at=None if left is None else _half_left(left),
        left_at_each=left,
        moving_share=tuple(moving.mean(axis=0).tolist()),
        round_trip=tuple(obeyed.mean(axis=0).tolist()),
        stretch=STRETCH,
    )


def _half_left(left: tuple[int | None, ...]) -> int | None:
    """Return the frame by which half of the rollouts have left, None if fewer have."""
    ordered = sorted(float("inf") if at is None else at for at in left)
    middle = ordered[(len(ordered) - 1) // 2]
    return None if middle == float("inf") else int(middle)
