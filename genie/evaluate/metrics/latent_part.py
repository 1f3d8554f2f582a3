"""The report's figures of the latent action model: health, agreement, round trip."""

from __future__ import annotations

import numpy as np
import torch

from corpus.clips import read_clips
from genie.evaluate.clips import (
    ClipChoice,
    CorpusLike,
    EncodedClips,
    bundle_device,
    to_models,
)
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.metrics.errors import FROZEN, INFERRED, random_arm
from genie.evaluate.metrics.latent_actions import Transitions, predict_transitions
from genie.evaluate.metrics.true_actions import agreement_part
from genie.evaluate.progress import NoProgress
from lam.health.measures import (
    OneStep,
    code_consistency,
    code_use,
    one_step_from_errors,
)
from lam.health.verdict import assess_health
from lam.keymap.displacement import measure_displacement

CONSISTENCY_PROMPTS = 64


def latent_part(
    context: EvalContext,
    config: EvalConfig,
    choice: ClipChoice,
    encoded: EncodedClips,
    notes: dict[str, str],
    progress: NoProgress,
) -> dict:
    """Measure the latent action model on true frames.

    Args:
        context: what is evaluated.
        config: how.
        choice: the clips.
        encoded: what the models read in them.
        notes: gains a reason for each absent value.
        progress: who is told.

    Returns:
        The "lam" part of the report, all but its round trip.

    Source: metrics.md; consistency and verdict as in lam.health.measures.
    """
    bundle, codes = context.bundle, context.bundle.num_actions
    with progress.part("latent actions", len(choice)) as tick:
        seen = predict_transitions(bundle, context.corpus, choice, encoded, config.seed, tick)
    use = code_use(encoded.codes.flatten(), codes)
    step = one_step_scores(seen)
    each = consistency_of_codes(bundle, context.corpus, choice)
    verdict = assess_health(use, step, each)
    return {
        "code_share": list(use.shares),
        "perplexity": use.perplexity,
        "psnr_1": step.inferred_psnr,
        "random_psnr_1": step.random_psnr,
        "frozen_psnr_1": step.frozen_psnr,
        "delta_psnr_1": step.delta_psnr,
        "delta_psnr_1_ci": _delta_interval(seen, config.seed),
        "nearer_next": step.nearer_next,
        "consistency": float(np.mean([share for share in each if share is not None])),
        "consistency_by_code": list(each),
        "verdict": verdict.state,
        "reasons": list(verdict.reasons),
        "remedies": list(verdict.remedies),
        "agreement": agreement_part(context, config, notes, progress),
    }


def one_step_scores(seen: Transitions) -> OneStep:
    """Pool the squared errors of all transitions into one-step scores."""
    column = {
        arm: torch.from_numpy(seen.errors.of(arm)).flatten()
        for arm in (INFERRED, random_arm(0), FROZEN)
    }
    return one_step_from_errors(
        inferred=column[INFERRED],
        random=column[random_arm(0)],
        frozen=column[FROZEN],
        inferred_to_current=torch.from_numpy(seen.to_current).flatten(),
    )


def _delta_interval(seen: Transitions, seed: int) -> list[float]:
    errors = seen.errors
    pooled = type(errors)(squared=errors.squared.mean(axis=2, keepdims=True), arms=errors.arms)
    return pooled.delta_interval(seed)[0].tolist()


@torch.inference_mode()
def consistency_of_codes(
    bundle: object, corpus: CorpusLike, choice: ClipChoice
) -> tuple[float | None, ...]:
    """Predict every code from the same 64 true frames and see whether each means one thing.

    Args:
        bundle: the world's parts.
        corpus: the corpus.
        choice: clips whose first frames are the prompts.

    Returns:
        Per code a share in [0, 1].
    """
    device = bundle_device(bundle)
    starts = choice.starts[:CONSISTENCY_PROMPTS]
    before = to_models(read_clips(corpus, starts, 1), device)[:, 0]  # (P, 3, H, W)
    shifts, codes = [], []
    for code in range(bundle.num_actions):
        action = torch.full((len(before),), code, device=device)
        after = bundle.lam.predict(before, action)
        shifts.append(measure_displacement(before.cpu(), after.cpu()).shift)
        codes.append(action.cpu())
    return code_consistency(torch.cat(shifts), torch.cat(codes), bundle.num_actions)
