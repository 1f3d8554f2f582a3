"""What training masks, and how it corrupts the history."""

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


def corrupt_history(
    ids: Tensor, num_codes: int, max_fraction: float, generator: torch.Generator
) -> Tensor:
    """Return a copy of ids (B, T, N) in which some tokens are random codes.

    The fraction is drawn per clip, uniformly from 0 to `max_fraction`. The generator is on the CPU.

    Source: noise augmentation of history as in GameNGen (Valevski et al. 2024), section 3.2.1,
    here on tokens.
    """
    fraction = torch.rand(len(ids), 1, 1, generator=generator) * max_fraction
    replaced = (torch.rand(ids.shape, generator=generator) < fraction).to(ids.device)
    noise = torch.randint(num_codes, ids.shape, generator=generator).to(ids.device)
    return torch.where(replaced, noise, ids)


def drop_actions(
    actions: Tensor, num_actions: int, fraction: float, generator: torch.Generator
) -> Tensor:
    """Return a copy of actions (B, T−1), on the CPU, with a fraction set to A, "none given".

    The model then also learns what comes next without an action.

    Source: Classifier-Free Diffusion Guidance (Ho & Salimans 2022), section 3.2.
    """
    dropped = torch.rand(actions.shape, generator=generator) < fraction
    return actions.masked_fill(dropped, num_actions)
