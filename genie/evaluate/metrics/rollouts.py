"""Rollouts from true prompts: the world's frames beside the true ones, as squared errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from corpus.clips import read_clips
from corpus.progress import Tick, no_tick
from genie.evaluate.clips import BATCH_FRAMES, HORIZON, LONGEST_PROMPT, batches
from genie.evaluate.context import EvalContext
from genie.evaluate.metrics.errors import (
    CEILING,
    FROZEN,
    INFERRED,
    ErrorTable,
    random_arm,
    squared_error,
)
from genie.evaluate.metrics.similarity import ssim
from genie.evaluate.workers import at_once
from genie.frames import to_uint8
from genie.library.bundle import Bundle
from genie.rollouts.batched_rollouts import (
    BATCH_ROLLOUTS,
    play_segment,
    rollout_seeds,
    start_rollout,
)

RANDOM_DRAWS = 4


@dataclass(frozen=True, kw_only=True)
class RolloutScores:
    """What was sampled from all clips, and how far it is from the truth.

    Attributes:
        errors: squared errors [clip, arm, t]; t counts from the first frame after the prompt.
        ids: int32 [clip, arm, t, token], sampled under inferred actions, then random ones.
        ssim: float64 (clips, t) under inferred actions; None for frames below 11 pixels.
    """

    errors: ErrorTable
    ids: np.ndarray
    ssim: np.ndarray | None


def random_actions(clips: np.ndarray, draws: int, num_actions: int, seed: int) -> np.ndarray:
    """Draw uniform actions, int64 (B, draws, t), for clips of indices int (B,)."""
    # A generator a clip: its actions do not depend on which other clips there are.
    actions = [
        np.random.default_rng([seed, int(clip), 1]).integers(0, num_actions, (draws, HORIZON))
        for clip in clips
    ]
    return np.stack(actions).astype(np.int64)


def score_rollouts(
    context: EvalContext,
    *,
    prompt_frames: int = 1,
    random_draws: int = RANDOM_DRAWS,
    horizon: int = HORIZON,
    tick: Tick = no_tick,
) -> RolloutScores:
    """Roll every clip out under inferred and under random actions.

    The prompt ends at the same frame whatever its length, so all lengths are scored on the same
    true frames. All arms of a clip share one sampling seed.

    Args:
        context: what is evaluated.
        prompt_frames: true frames in the prompt, 1 to 4.
        random_draws: arms with random actions.
        horizon: frames to sample, at most 16.
        tick: called with the number of sampled frames.

    Returns:
        Squared errors of the arms inferred, random0…, frozen, ceiling.

    Source: metrics.md, "Rollout PSNR" and "Delta_t PSNR".
    """
    bundle, choice, encoded = context.bundle, context.choice, context.encoded
    seed, device, generated = context.config.seed, bundle.device, 1 + random_draws
    prompt = slice(LONGEST_PROMPT - prompt_frames, LONGEST_PROMPT)

    def score(part: slice, tick: Tick) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        clips = np.arange(part.start, part.stop)
        arms = _arm_actions(encoded.codes[part], clips, random_draws, bundle.num_actions, seed)
        rollout, before = start_rollout(
            context.make_rollout,
            rollout_seeds(seed, clips.repeat(generated)),
            encoded.ids[part, prompt].repeat_interleave(generated, dim=0),
            device,
            encoded.codes[part, prompt.start : prompt.stop - 1].repeat_interleave(generated, 0),
        )
        keys = arms[..., :horizon].reshape(-1, horizon)
        played = play_segment(rollout, before, keys, device, tick)
        frames = played.frames[:, 1:]  # (B * arms, t, H, W, 3)
        frames = frames.reshape(len(clips), generated, *frames.shape[1:])
        true = read_clips(context.corpus, choice.starts[part], LONGEST_PROMPT + horizon)
        known = encoded.ids[part, prompt.start : LONGEST_PROMPT + horizon]
        ceiling = _through_tokenizer(bundle, known)[:, prompt_frames:]
        ids = played.ids.astype(np.int32).reshape(*frames.shape[:3], -1)
        similar = ssim(frames[:, 0], true[:, LONGEST_PROMPT:])
        return _arm_errors(frames, ceiling, true), ids, similar

    parts = batches(len(choice), max(1, BATCH_ROLLOUTS // generated))
    tables, sampled, similar = zip(*at_once(score, parts, device, tick), strict=True)
    names = (INFERRED, *[random_arm(i) for i in range(random_draws)], FROZEN, CEILING)
    return RolloutScores(
        errors=ErrorTable(squared=np.concatenate(tables), arms=names),
        ids=np.concatenate(sampled),
        ssim=None if similar[0] is None else np.concatenate(similar),
    )


def _arm_errors(frames: np.ndarray, ceiling: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Compare sampled frames, the frozen frame and the ceiling with true clips: (B, arms, t)."""
    target = true[:, LONGEST_PROMPT:]
    frozen = true[:, LONGEST_PROMPT - 1 : LONGEST_PROMPT]
    rows = [squared_error(frames[:, arm], target) for arm in range(frames.shape[1])]
    rows += [squared_error(frozen, target), squared_error(ceiling, target)]
    return np.stack(rows, axis=1)


@torch.inference_mode()
def decode_clips(bundle: Bundle, ids: np.ndarray | Tensor) -> np.ndarray:
    """Decode whole clips, integers (B, T, N), a few at a time: uint8 (B, T, H, W, 3)."""
    ids = torch.as_tensor(ids).long()
    size = max(1, BATCH_FRAMES // ids.shape[1])
    parts = [_through_tokenizer(bundle, ids[part]) for part in batches(len(ids), size)]
    return np.concatenate(parts)


def sampled_clips(context: EvalContext, scores: RolloutScores, arm: int = 0) -> np.ndarray:
    """Join the prompt's token to those sampled from one-frame prompts.

    Args:
        context: what is evaluated.
        scores: of rollouts from one frame.
        arm: 0 for inferred actions, 1… for random ones.

    Returns:
        int64 (clips, 1 + t, N).
    """
    prompt = context.encoded.ids[:, LONGEST_PROMPT - 1 : LONGEST_PROMPT].numpy()
    return np.concatenate([prompt, scores.ids[:, arm]], axis=1)


def _arm_actions(
    codes: Tensor, clips: np.ndarray, draws: int, num_actions: int, seed: int
) -> np.ndarray:
    """Stack the actions of the generated arms: int64 (B, 1 + draws, t)."""
    inferred = codes[:, LONGEST_PROMPT - 1 :].numpy()[:, None]
    return np.concatenate([inferred, random_actions(clips, draws, num_actions, seed)], axis=1)


def _through_tokenizer(bundle: Bundle, ids: Tensor) -> np.ndarray:
    """Decode tokens int64 (B, T, N): uint8 (B, T, H, W, 3)."""
    return to_uint8(bundle.tokenizer.decode(ids.to(bundle.device)))
