"""What training masks, and which actions it withholds."""

import math

import torch
from torch import Tensor


def cosine_ratio(progress: Tensor) -> Tensor:
    """Return the fraction of tokens still masked when `progress`, 0 to 1, of the steps are done.

    Source: MaskGIT (Chang et al. 2022), section 3.3.
    """
    return torch.cos(progress * math.pi / 2)


def draw_mask(
    shape: tuple[int, int, int], full_fraction: float, generator: torch.Generator
) -> Tensor:
    """Draw which tokens are masked, with a ratio of its own for each clip and frame.

    Args:
        shape: (B, T, N).
        full_fraction: of frames that are masked whole, as in the first draft of play.
        generator: source of the draws.

    Returns:
        bool (B, T, N); at least one token per frame is masked.
    """
    batch, frames, tokens = shape
    ratio = cosine_ratio(torch.rand(batch, frames, 1, generator=generator))
    full = torch.rand(batch, frames, 1, generator=generator) < full_fraction
    count = torch.where(full, 1.0, ratio).mul(tokens).ceil().clamp(min=1)
    rank = torch.rand(shape, generator=generator).argsort(dim=-1).argsort(dim=-1)
    return rank < count


def drop_actions(
    actions: Tensor, num_actions: int, fraction: float, generator: torch.Generator
) -> Tensor:
    """Return a copy of actions (B, T−1), on the CPU, with a fraction set to A, "none given".

    The model then also learns what comes next without an action.

    Source: Classifier-Free Diffusion Guidance (Ho & Salimans 2022), section 3.2.
    """
    dropped = torch.rand(actions.shape, generator=generator) < fraction
    return actions.masked_fill(dropped, num_actions)
