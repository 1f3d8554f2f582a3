"""MaskGIT sampling of one new frame."""

import math

import torch
from torch import Tensor

from dynamics.masking import cosine_ratio
from dynamics.model import Dynamics
from spacetime.cache import TimeCache

UNMASK_ORDERS = ("confidence", "random", "anchored")
_COLDEST = 1e-6
"""A lower temperature takes the likeliest code: logits divided by it would overflow."""


def frame_generator(seed: int, frame: int) -> torch.Generator:
    """Return the CPU generator of one frame, so that it can be sampled again by itself."""
    # splitmix64: neighbouring frames and seeds must not give related streams.
    mixed = (seed * 0x9E3779B97F4A7C15 + frame + 1) & 0xFFFFFFFFFFFFFFFF
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = ((mixed ^ (mixed >> shift)) * factor) & 0xFFFFFFFFFFFFFFFF
    return torch.Generator().manual_seed((mixed ^ (mixed >> 31)) >> 1)


def draw_noise(seeds: list[int], frame: int | list[int], steps: int, tokens: int) -> Tensor:
    """Draw all uniform numbers for one frame of B rollouts, each with its seed.

    Args:
        seeds: one a rollout.
        frame: number of the frame, or one a rollout.
        steps: M.
        tokens: N.

    Returns:
        float32 (B, M, 2, N) in [0, 1), M = steps: at each step one number per token for its code
        and one for the order in which tokens are kept.
    """
    frames = [frame] * len(seeds) if isinstance(frame, int) else frame
    generators = map(frame_generator, seeds, frames)
    return torch.stack([torch.rand(steps, 2, tokens, generator=one) for one in generators])


def sample_codes(logits: Tensor, temperature: float, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Sample a code for every token by inverting the cumulative distribution.

    Args:
        logits: float (B, N, K).
        temperature: divides the logits; 0, or next to it, takes the likeliest code.
        uniform: float (B, N) in [0, 1).

    Returns:
        Codes int64 (B, N), and the probability of each, float (B, N).
    """
    if temperature < _COLDEST:
        probability, code = logits.float().softmax(dim=-1).max(dim=-1)
        return code, probability
    probabilities = (logits.float() / temperature).softmax(dim=-1)
    cumulative = probabilities.cumsum(dim=-1)
    # Rounding may leave the last sum slightly off 1: scale the number, not the distribution.
    target = uniform[..., None].to(cumulative) * cumulative[..., -1:]
    code = torch.searchsorted(cumulative, target, right=True).squeeze(-1)
    code = code.clamp(max=logits.shape[-1] - 1)
    return code, probabilities.gather(-1, code[..., None]).squeeze(-1)


def entropy(logits: Tensor) -> Tensor:
    """Return how unsure each token is, in nats: logits (…, K), entropies float32 (…)."""
    return torch.special.entr(logits.float().softmax(dim=-1)).sum(dim=-1)


@torch.inference_mode()
def sample_frame(
    model: Dynamics,
    action: Tensor,
    cache: TimeCache,
    *,
    noise: Tensor,
    unmask_order: str,
    temperature: float,
) -> Tensor:
    """Sample the next frame in M refinement steps; the caller commits it.

    Each step drafts all tokens, samples a code for each masked one, and keeps as many as the
    cosine schedule says. Kept tokens do not change any more.

    Args:
        model: the dynamics.
        action: int64 (B,), the action that leads to this frame.
        cache: the frames before; not changed.
        noise: float (B, M, 2, N), from `draw_noise`.
        unmask_order: "confidence" keeps the most probable codes first, with jitter that fades out
            over the steps; "anchored" the same, and of the first ones to be kept one is the token
            that is least sure, at each step; "random" keeps any.
        temperature: of the codes.

    Returns:
        int64 (B, N).

    Source: MaskGIT (Chang et al. 2022), section 3.2.
    """
    if unmask_order not in UNMASK_ORDERS:
        raise ValueError(
            f"unmask_order must be one of {', '.join(UNMASK_ORDERS)}, got {unmask_order!r}"
        )
    batch, steps, _, tokens = noise.shape
    mask_id = model.config.num_codes
    noise = noise.to(action.device)
    ids = torch.full((batch, tokens), mask_id, device=noise.device)
    for step in range(steps):
        logits = model.draft(ids, action, cache)
        codes, probability = sample_codes(logits, temperature, noise[:, step, 0])
        masked = ids == mask_id
        progress = (step + 1) / steps
        left = int(cosine_ratio(torch.tensor(progress)).mul(tokens).floor()) if progress < 1 else 0
        jitter = noise[:, step, 1]
        if unmask_order != "random":
            # MaskGIT's annealing: without it, the same few easy positions would always lead.
            gumbel = -(-(jitter.clamp(1e-6, 1 - 1e-6)).log()).log()
            rank = probability.clamp_min(1e-9).log() + (1 - progress) * gumbel
        else:
            rank = jitter
        rank = rank.masked_fill(~masked, math.inf)  # kept tokens stay
        if unmask_order == "anchored":
            # What is sure tells the others nothing. Were all that is unsure left to the last step,
            # its tokens would be drawn side by side: a ball here and there, or nowhere.
            least_sure = entropy(logits).masked_fill(~masked, -math.inf).argmax(-1, keepdim=True)
            rank = rank.scatter(-1, least_sure, torch.finfo(rank.dtype).max)  # after the kept ones
        keep = rank.argsort(dim=-1, descending=True)[:, : tokens - left]
        kept = torch.zeros_like(masked).scatter(-1, keep, True)
        ids = torch.where(masked & kept, codes, ids)
    return ids
