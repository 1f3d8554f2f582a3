"""What the latent action model makes of true transitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange

from corpus.clips import read_clips
from corpus.progress import Tick, no_tick
from genie.evaluate.clips import CLIP_FRAMES, batches
from genie.evaluate.context import EvalContext
from genie.evaluate.metrics.errors import FROZEN, INFERRED, ErrorTable, random_arm, squared_error
from genie.evaluate.workers import at_once
from genie.frames import to_models, to_uint8
from genie.rollouts.batched_rollouts import infer_actions
from lam.health.measures import decided

CLIPS_A_BATCH = 8
STRETCH = 200


@dataclass(frozen=True, kw_only=True)
class Transitions:
    """Predictions of the latent action model on every transition of the clips.

    Attributes:
        codes: int64 (clips, T - 1), inferred.
        errors: squared errors [clip, arm, transition] of the arms inferred, random0, frozen
            against the next frame.
        to_current: float64 (clips, T - 1), squared error of the prediction against the frame
            that it started from.
        decided: float32 (clips, T - 1), from `lam.health.measures.decided`.
    """

    codes: np.ndarray
    errors: ErrorTable
    to_current: np.ndarray
    decided: np.ndarray


def predict_transitions(context: EvalContext, tick: Tick = no_tick) -> Transitions:
    """Predict every next frame from the inferred and from a random code; ticks count clips.

    Source: metrics.md, "LAM one-step delta PSNR", "nearer_next".
    """
    bundle, choice, encoded = context.bundle, context.choice, context.encoded
    seed, device, steps = context.config.seed, bundle.device, CLIP_FRAMES - 1

    def predict(part: slice, tick: Tick) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        true = read_clips(context.corpus, choice.starts[part], CLIP_FRAMES)
        before = rearrange(to_models(true[:, :-1], device), "b t c h w -> (b t) c h w")
        codes = encoded.codes[part].flatten().to(device)
        random = torch.from_numpy(_random_codes(part, steps, bundle.num_actions, seed)).to(device)
        predicted, guessed = (
            to_uint8(bundle.lam.predict(before, action)).reshape(true[:, 1:].shape)
            for action in (codes, random.flatten())
        )
        arms = [squared_error(frames, true[:, 1:]) for frames in (predicted, guessed)]
        arms.append(squared_error(true[:, :-1], true[:, 1:]))
        three = (
            frames.reshape(-1, *frames.shape[2:]) for frames in (true[:, 1:], predicted, guessed)
        )
        judged = decided(*(torch.from_numpy(frames).movedim(-1, 1) for frames in three))
        tick(part.stop - part.start)
        to_current = squared_error(predicted, true[:, :-1])
        return np.stack(arms, axis=1), to_current, judged.reshape(-1, steps).numpy()

    parts = batches(len(choice), CLIPS_A_BATCH)
    rows, current, judged = zip(*at_once(predict, parts, device, tick), strict=True)
    arms = (INFERRED, random_arm(0), FROZEN)
    return Transitions(
        codes=encoded.codes.numpy(),
        errors=ErrorTable(squared=np.concatenate(rows), arms=arms),
        to_current=np.concatenate(current),
        decided=np.concatenate(judged),
    )


def _random_codes(part: slice, steps: int, num_actions: int, seed: int) -> np.ndarray:
    codes = [
        np.random.default_rng([seed, clip, 3]).integers(0, num_actions, steps)
        for clip in range(part.start, part.stop)
    ]
    return np.stack(codes).astype(np.int64)


def infer_episodes(
    context: EvalContext, episodes: np.ndarray, tick: Tick = no_tick
) -> list[np.ndarray]:
    """Infer the codes, int64 (frames - 1,), of each of whole episodes; ticks count episodes."""
    bundle, corpus = context.bundle, context.corpus
    ends = [int(end) for end in corpus.episode_ends]

    def infer(episode: int, tick: Tick) -> np.ndarray:
        start, stop = (ends[episode - 1] if episode else 0), ends[episode]
        read = [
            infer_actions(bundle, np.asarray(corpus.read(a, min(a + STRETCH + 1, stop)))[None])[0]
            for a in range(start, stop - 1, STRETCH)
        ]
        tick(1)
        return np.concatenate(read) if read else np.empty(0, dtype=np.int64)

    return at_once(infer, [int(episode) for episode in episodes], bundle.device, tick)
