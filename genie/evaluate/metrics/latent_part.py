"""The report's figures of the latent action model: health, agreement, round trip."""

from __future__ import annotations

import numpy as np
import torch

from corpus.clips import read_clips
from corpus.progress import Tick, no_tick
from genie.evaluate.context import EvalContext
from genie.evaluate.metrics.errors import FROZEN, INFERRED, random_arm
from genie.evaluate.metrics.latent_actions import Transitions, predict_transitions
from genie.evaluate.metrics.true_actions import agreement_part
from genie.frames import to_models
from lam.health.assessment import assess_health
from lam.health.measures import OneStep, code_consistency, code_use, one_step_from_errors
from lam.keymap.displacement import measure_displacement

CONSISTENCY_PROMPTS = 64


def latent_part(context: EvalContext, missing: dict[str, str]) -> dict:
    """Measure the latent action model on true frames.

    Args:
        context: what is evaluated.
        missing: gains a reason for each absent value.

    Returns:
        The "lam" part of the report without its round trip.

    Source: metrics.md; consistency and health as in lam.health.
    """
    with context.progress.part("latent actions", len(context.choice), "clips") as tick:
        seen = predict_transitions(context, tick)
    use = code_use(context.encoded.codes.flatten(), context.bundle.num_actions)
    step = one_step_scores(seen)
    if step.decided.nearer is None:
        missing["lam.decided_nearer"] = "no two codes draw apart"
    with context.progress.part("consistency", context.bundle.num_actions, "codes") as tick:
        each = consistency_of_codes(context, tick)
    health = assess_health(use, step, each)
    return {
        "code_share": list(use.shares),
        "perplexity": use.perplexity,
        "psnr_1": step.inferred_psnr,
        "random_psnr_1": step.random_psnr,
        "frozen_psnr_1": step.frozen_psnr,
        "delta_psnr_1": step.delta_psnr,
        "delta_psnr_1_ci": _delta_interval(seen, context.config.seed),
        "nearer_next": step.nearer_next,
        "decided": step.decided.share,
        "decided_nearer": step.decided.nearer,
        "consistency": float(np.mean([share for share in each if share is not None])),
        "consistency_by_code": list(each),
        "verdict": health.state,
        "reasons": list(health.reasons),
        "remedies": list(health.remedies),
        "agreement": agreement_part(context, missing),
    }


def one_step_scores(seen: Transitions) -> OneStep:
    """Pool the figures of all transitions into one-step scores."""
    column = {
        arm: torch.from_numpy(seen.errors.of(arm)).flatten()
        for arm in (INFERRED, random_arm(0), FROZEN)
    }
    return one_step_from_errors(
        inferred=column[INFERRED],
        random=column[random_arm(0)],
        frozen=column[FROZEN],
        inferred_to_current=torch.from_numpy(seen.to_current).flatten(),
        decided=torch.from_numpy(seen.decided).flatten(),
    )


def _delta_interval(seen: Transitions, seed: int) -> list[float]:
    errors = seen.errors
    pooled = type(errors)(squared=errors.squared.mean(axis=2, keepdims=True), arms=errors.arms)
    return pooled.delta_interval(seed)[0].tolist()


@torch.inference_mode()
def consistency_of_codes(context: EvalContext, tick: Tick = no_tick) -> tuple[float | None, ...]:
    """Measure for each code, 0 to 1, whether it does the same from 64 true frames; ticks: codes."""
    bundle, device = context.bundle, context.bundle.device
    starts = context.choice.starts[:CONSISTENCY_PROMPTS]
    before = to_models(read_clips(context.corpus, starts, 1), device)[:, 0]  # (P, 3, H, W)
    shifts, codes = [], []
    for code in range(bundle.num_actions):
        action = torch.full((len(before),), code, device=device)
        after = bundle.lam.predict(before, action)
        shifts.append(measure_displacement(before.cpu(), after.cpu()).shift)
        codes.append(action.cpu())
        tick(1)
    return code_consistency(torch.cat(shifts), torch.cat(codes), bundle.num_actions)
