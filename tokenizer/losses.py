"""What the tokenizer is fitted to, and how its codes are used."""

import torch
from einops import rearrange, reduce
from torch import Tensor

from spacetime.pixels import changed_pixels


def pixel_weights(
    frames: Tensor, errors: Tensor, patch: int, places: Tensor | None = None
) -> Tensor:
    """Say how much each pixel counts, so that small moving things survive.

    Two weights are multiplied, neither of which carries a gradient. A pixel that differs from the
    frame before counts double: still background is learnt anyway, and a player is not. A patch
    counts with the square root of its own error over the mean error, between ½ and 4: what is
    rare in the corpus is what is drawn badly.

    Args:
        frames: float32 (B, T, 3, H, W) in [0, 1], the targets.
        errors: float32 of the same shape, squared errors.
        patch: patch side in pixels.
        places: float32 (H, W), a third weight: how much each place of the picture counts.

    Returns:
        float32 (B, T, 1, H, W), mean 1.

    Source: our choice.
    """
    with torch.no_grad():
        moved = torch.zeros_like(frames[:, :, :1])
        moved[:, 1:] = changed_pixels(frames[:, :-1], frames[:, 1:]).unsqueeze(2).float()
        local = reduce(errors, "b t c (h p) (w q) -> b t 1 h w", "mean", p=patch, q=patch)
        hard = (local / local.mean().clamp_min(1e-8)).sqrt().clamp(0.5, 4.0)
        hard = hard.repeat_interleave(patch, dim=-2).repeat_interleave(patch, dim=-1)
        weights = (1 + moved) * hard if places is None else (1 + moved) * hard * places
        return weights / weights.mean()


def reconstruction_loss(
    frames: Tensor, rendered: Tensor, patch: int, places: Tensor | None = None
) -> Tensor:
    """Weighted squared error of rendered frames.

    Args:
        frames: float32 (B, T, 3, H, W) in [0, 1], the targets.
        rendered: float32 of the same shape, unclamped.
        patch: patch side in pixels.
        places: float32 (H, W), how much each place of the picture counts; None: all alike.

    Returns:
        A scalar.
    """
    errors = (rendered - frames).square()
    return (errors * pixel_weights(frames, errors, patch, places)).mean()


def code_use(ids: Tensor, num_codes: int) -> tuple[float, float]:
    """Measure how many codes live.

    Args:
        ids: int64, any shape, each in 0 … K−1.
        num_codes: K.

    Returns:
        Share of codes used at least once, and perplexity: exp of the entropy of their use.
    """
    counts = torch.bincount(rearrange(ids, "... -> (...)"), minlength=num_codes).double()
    share = counts / counts.sum()
    entropy = -(share * share.clamp_min(1e-12).log()).sum()
    return float((counts > 0).double().mean()), float(entropy.exp())
