"""Long play: does a world still look, move and obey like its corpus after a thousand frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genie.drift import DriftMeter
from genie.evaluate.batched_rollouts import (
    MakeRollout,
    RolloutLike,
    encode_prompts,
    infer_actions,
    play_stretch,
    rollout_seeds,
    start_rollout,
)
from genie.evaluate.clips import ClipChoice, CorpusLike, batches, bundle_device
from genie.evaluate.progress import Tick, no_tick
from genie.evaluate.workers import at_once

ROLLOUTS = 8
FRAMES = 1000
LONG_FRAMES = 10_000
STRETCH = 100
HOLD = 30
MOVING_LEVELS = 8


@dataclass(frozen=True, kw_only=True)
class LongPlay:
    """Half of the long rollouts: those with inferred keys, or those with held keys.

    Attributes:
        distance: float64 (windows,), mean over rollouts; None without statistics.
        threshold: of the distance, or None.
        left_at: frame by which half of the rollouts have left the corpus, or None.
        left_at_each: per rollout.
        moving_share: share of pixels that change a frame, per stretch of 100 frames.
        round_trip: share of steps whose key is read back, per stretch of 100 frames.
        stretch: frames in a stretch.
    """

    distance: tuple[float, ...] | None
    threshold: float | None
    left_at: int | None
    left_at_each: tuple[int | None, ...] | None
    moving_share: tuple[float, ...]
    round_trip: tuple[float, ...]
    stretch: int


def moving_share(frames: np.ndarray) -> np.ndarray:
    """Measure which share of the pixels changes from frame to frame.

    A pixel changes where a channel differs by more than 8 of 255 levels: the decoder's ripple
    around a changed token stays below it.

    Args:
        frames: uint8 (..., T, H, W, 3).

    Returns:
        float64 (..., T - 1).

    Source: metrics.md, "Long play"; the 8 levels are our choice.
    """
    now, before = frames[..., 1:, :, :, :], frames[..., :-1, :, :, :]
    apart = np.maximum(now, before) - np.minimum(now, before)
    return (apart.max(axis=-1) > MOVING_LEVELS).mean(axis=(-2, -1))


def real_moving_share(corpus: CorpusLike, choice: ClipChoice, length: int) -> float:
    """Measure the same on the true clips: the mean share over all their steps."""
    shares = []
    for start in choice.starts:
        shares.append(moving_share(np.asarray(corpus.read(int(start), int(start) + length))))
    return float(np.concatenate(shares).mean())


def inferred_keys(
    bundle: object, corpus: CorpusLike, start: int, episode: int, length: int
) -> np.ndarray:
    """Read keys off true episodes, from a frame on, then from the episodes after it.

    Args:
        bundle: the world's parts.
        corpus: the corpus.
        start: first frame.
        episode: the episode that it lies in.
        length: keys wanted; a corpus that is too short is read again.

    Returns:
        int64 (length,).
    """
    ends = [int(end) for end in corpus.episode_ends]
    keys, count, turn = [], 0, 0
    while count < length and turn <= len(ends):
        stop = min(ends[episode], start + length - count + 1)
        for a in range(start, stop - 1, STRETCH):
            frames = np.asarray(corpus.read(a, min(a + STRETCH + 1, stop)))
            keys.append(infer_actions(bundle, frames[None])[0])
            count += len(keys[-1])
        episode = (episode + 1) % len(ends)
        start = ends[episode - 1] if episode else 0
        turn += 1
    return np.resize(np.concatenate(keys), length)


def held_keys(rollout: int, num_actions: int, length: int) -> np.ndarray:
    """Hold each code for 30 frames in turn, beginning with another one in each rollout.

    Args:
        rollout: index of the rollout.
        num_actions: A.
        length: keys wanted.

    Returns:
        int64 (length,).
    """
    return (rollout + np.arange(length) // HOLD) % num_actions


def score_long_play(
    bundle: object,
    make_rollout: MakeRollout,
    corpus: CorpusLike,
    choice: ClipChoice,
    meter: DriftMeter | None,
    *,
    frames: int = FRAMES,
    seed: int = 0,
    tick: Tick = no_tick,
) -> dict[str, LongPlay]:
    """Play eight long rollouts, half with inferred keys and half with held ones, side by side.

    Args:
        bundle: the world's parts.
        make_rollout: builds the batched engine.
        corpus: the corpus.
        choice: clips whose first frames are the prompts.
        meter: of the distance to the corpus, or None.
        frames: length of a rollout, a multiple of 100.
        seed: of sampling.
        tick: called with the number of generated frames.

    Returns:
        "random" (keys inferred from true episodes) and "held".

    Source: metrics.md, "Long play".
    """
    half = ROLLOUTS // 2
    picks = np.arange(ROLLOUTS) % len(choice)

    def play(name: str, tick: Tick) -> LongPlay:
        if name == "random":
            places = ((int(choice.starts[i]), int(choice.episodes[i])) for i in picks[:half])
            keys = [inferred_keys(bundle, corpus, *place, frames) for place in places]
            rollouts = np.arange(half)
        else:
            rollouts = np.arange(half, ROLLOUTS)
            keys = [held_keys(i, bundle.num_actions, frames) for i in range(ROLLOUTS - half)]
        ids = encode_prompts(bundle, corpus, choice.starts[picks[rollouts]])
        rollout, before = start_rollout(
            make_rollout,
            rollout_seeds(seed, rollouts),
            ids,
            ids.new_zeros(len(ids), 0),
            bundle_device(bundle),
        )
        return _summarise(*_play_on(bundle, rollout, before, np.stack(keys), tick), meter)

    halves = ("random", "held")
    return dict(zip(halves, at_once(play, halves, bundle_device(bundle), tick), strict=True))


def _play_on(
    bundle: object, rollout: RolloutLike, before: np.ndarray, actions: np.ndarray, tick: Tick
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Play int64 (B, T); return tokens (B, T, N), and by stretch what moves and what is obeyed."""
    tokens, moving, obeyed = [], [], []
    for part in batches(actions.shape[1], STRETCH):
        played = play_stretch(rollout, before, actions[:, part], bundle_device(bundle), tick)
        before = played.frames[:, -1]
        tokens.append(played.ids.astype(np.int32))
        moving.append(moving_share(played.frames).mean(axis=1))
        read = infer_actions(bundle, played.frames)
        obeyed.append((read == actions[:, part]).mean(axis=1))
    return np.concatenate(tokens, axis=1), np.stack(moving, 1), np.stack(obeyed, 1)


def _summarise(
    ids: np.ndarray, moving: np.ndarray, obeyed: np.ndarray, meter: DriftMeter | None
) -> LongPlay:
    distances = left = None
    if meter is not None:
        distances = [meter.distances(sequence) for sequence in ids]
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
