"""Which tokens are hidden in training, and how the history is corrupted."""

import math

import torch
from torch import Tensor


def cosine_ratio(progress: Tensor) -> Tensor:
    """Return the share of tokens still hidden at a point of the MaskGIT schedule.

    Args:
        progress: float, any shape, 0 (all hidden) to 1 (none).

    Returns:
        The same shape, 1 to 0.

    Source: MaskGIT (Chang et al. 2022), section 3.3.
    """
    return torch.cos(progress * math.pi / 2)


def draw_mask(shape: tuple[int, int, int], full_share: float, generator: torch.Generator) -> Tensor:
    """Draw the hidden places of a batch, a ratio of its own for each clip and frame.

    Args:
        shape: (B, T, N).
        full_share: share of frames that are hidden whole, as the first draft of play sees them.
        generator: source of the draws.

    Returns:
        bool (B, T, N); at least one place a frame is hidden.
    """
    batch, frames, tokens = shape
    ratio = cosine_ratio(torch.rand(batch, frames, 1, generator=generator))
    full = torch.rand(batch, frames, 1, generator=generator) < full_share
    count = torch.where(full, 1.0, ratio).mul(tokens).ceil().clamp(min=1)
    rank = torch.rand(shape, generator=generator).argsort(dim=-1).argsort(dim=-1)
    return rank < count


def corrupt_history(ids: Tensor, num_codes: int, most: float, generator: torch.Generator) -> Tensor:
    """Replace a share of the history by random codes, the share drawn for each clip.

    Args:
        ids: int64 (B, T, N).
        num_codes: K.
        most: the largest share, 0 to 1; a clip's share is uniform below it.
        generator: source of the draws, on the CPU.

    Returns:
        int64 (B, T, N), a new tensor; `ids` are the targets and stay as they are.

    Source: noise augmentation of history as in GameNGen (Valevski et al. 2024), section 3.2.1,
    here on tokens.
    """
    share = torch.rand(len(ids), 1, 1, generator=generator) * most
    replaced = (torch.rand(ids.shape, generator=generator) < share).to(ids.device)
    noise = torch.randint(num_codes, ids.shape, generator=generator).to(ids.device)
    return torch.where(replaced, noise, ids)


def drop_actions(
    actions: Tensor, num_actions: int, share: float, generator: torch.Generator
) -> Tensor:
    """Withhold some actions, so that one model also knows what comes next without a key.

    Args:
        actions: int64 (B, T−1).
        num_actions: A; id A means "none given".
        share: of actions withheld, 0 to 1, each for itself.
        generator: source of the draws, on the CPU.

    Returns:
        int64 (B, T−1), a new tensor.

    Source: Classifier-Free Diffusion Guidance (Ho & Salimans 2022), section 3.2.
    """
    return actions.masked_fill(torch.rand(actions.shape, generator=generator) < share, num_actions)
