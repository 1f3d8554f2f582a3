"""How the tokens of one new frame are drawn."""

import math

import torch
from torch import Tensor

from dynamics.masking import cosine_ratio
from dynamics.model import Dynamics
from spacetime.cache import TimeCache

UNMASK_ORDERS = ("confidence", "random")


def frame_generator(seed: int, frame: int) -> torch.Generator:
    """Return the generator of one frame of one rollout, so that it can be drawn again alone.

    Args:
        seed: of the rollout, 0 or more.
        frame: number of the frame, 0 or more.

    Returns:
        A CPU generator; the same for the same arguments on every machine.
    """
    # splitmix64: neighbouring frames and seeds must not give neighbouring streams.
    mixed = (seed * 0x9E3779B97F4A7C15 + frame + 1) & 0xFFFFFFFFFFFFFFFF
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = ((mixed ^ (mixed >> shift)) * factor) & 0xFFFFFFFFFFFFFFFF
    return torch.Generator().manual_seed((mixed ^ (mixed >> 31)) >> 1)


def draw_noise(seeds: list[int], frame: int, steps: int, tokens: int) -> Tensor:
    """Draw all uniform numbers that one frame of every rollout needs.

    Args:
        seeds: one a rollout.
        frame: number of the frame.
        steps: M.
        tokens: N.

    Returns:
        float32 (B, M, 2, N) in [0, 1): for each step one number for the code of each token and one
        for the order in which tokens are kept.
    """
    return torch.stack(
        [torch.rand(steps, 2, tokens, generator=frame_generator(seed, frame)) for seed in seeds]
    )


def sample_codes(logits: Tensor, temperature: float, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Draw a code for every token by inverting the cumulative distribution.

    Args:
        logits: float (B, N, K).
        temperature: divides the logits; 0 takes the likeliest code.
        uniform: float (B, N) in [0, 1).

    Returns:
        Codes int64 (B, N), and the probability of each under the logits, float (B, N).
    """
    if temperature <= 0:
        probability, code = logits.float().softmax(dim=-1).max(dim=-1)
        return code, probability
    share = (logits.float() / temperature).softmax(dim=-1)
    reached = share.cumsum(dim=-1)
    # Rounding may leave the last sum a little off 1: scale the number, not the distribution.
    target = uniform[..., None].to(reached) * reached[..., -1:]
    code = torch.searchsorted(reached, target, right=True).squeeze(-1)
    code = code.clamp(max=logits.shape[-1] - 1)
    return code, share.gather(-1, code[..., None]).squeeze(-1)


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
    """Draw the next frame in M refinement steps; the caller commits it.

    Each step drafts all tokens, draws a code for each hidden place, and keeps as many as the
    cosine schedule says. Kept tokens are never changed again.

    Args:
        model: the dynamics.
        action: int64 (B,), the action that leads to this frame.
        cache: the frames before; read only.
        noise: float (B, M, 2, N), from `draw_noise`; its M is the number of steps.
        unmask_order: "confidence" keeps the surest first, jittered more at the start than at the
            end; "random" keeps any.
        temperature: of the codes.

    Returns:
        int64 (B, N).

    Raises:
        ValueError: for an unknown order.

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
        codes, probability = sample_codes(
            model.draft(ids, action, cache), temperature, noise[:, step, 0]
        )
        masked = ids == mask_id
        progress = (step + 1) / steps
        left = int(cosine_ratio(torch.tensor(progress)).mul(tokens).floor()) if progress < 1 else 0
        jitter = noise[:, step, 1]
        if unmask_order == "confidence":
            # Gumbel noise that fades out, as MaskGIT does, so that sure tokens do not always lead.
            gumbel = -(-(jitter.clamp(1e-6, 1 - 1e-6)).log()).log()
            rank = probability.clamp_min(1e-9).log() + (1 - progress) * gumbel
        else:
            rank = jitter
        rank = rank.masked_fill(~masked, math.inf)  # what is kept stays kept
        keep = rank.argsort(dim=-1, descending=True)[:, : tokens - left]
        kept = torch.zeros_like(masked).scatter(-1, keep, True)
        ids = torch.where(masked & kept, codes, ids)
    return ids
