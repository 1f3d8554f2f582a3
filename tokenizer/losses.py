"""What the tokenizer is fitted to, and how its codes are used."""

from dataclasses import dataclass

import torch
from einops import rearrange, reduce
from torch import Tensor

from spacetime.pixels import changed_pixels


@dataclass(frozen=True, kw_only=True)
class TokenizerMethod:
    """What a pixel's error counts, so that small moving things survive.

    Attributes:
        change_weight: a pixel that differs from the frame before counts 1 + this: still background
            is learnt anyway, and a player is not.
        least_hardness: a patch counts with the square root of its own error over the mean error,
            at least this: what is rare in the corpus is what is drawn badly.
        most_hardness: and at most this.
        sprite_weight: where a player sprite was found, a pixel counts up to 1 + this.
    """

    change_weight: float = 1.0
    least_hardness: float = 0.5
    most_hardness: float = 4.0
    sprite_weight: float = 20.0


DEFAULT_METHOD = TokenizerMethod()


def error_weights(
    frames: Tensor,
    errors: Tensor,
    patch: int,
    pixel_weights: Tensor | None = None,
    method: TokenizerMethod = DEFAULT_METHOD,
) -> Tensor:
    """Return what each pixel's error counts; no gradient passes.

    Args:
        frames: float32 (B, T, 3, H, W) in [0, 1], the targets.
        errors: float32 of the same shape, squared errors.
        patch: patch side in pixels.
        pixel_weights: float32 (H, W), a further weight of each pixel; None: all alike.
        method: the weights of change and hardness.

    Returns:
        float32 (B, T, 1, H, W), mean 1.
    """
    with torch.no_grad():
        moved = torch.zeros_like(frames[:, :, :1])
        moved[:, 1:] = changed_pixels(frames[:, :-1], frames[:, 1:]).unsqueeze(2).float()
        local = reduce(errors, "b t c (h p) (w q) -> b t 1 h w", "mean", p=patch, q=patch)
        hard = (local / local.mean().clamp_min(1e-8)).sqrt()
        hard = hard.clamp(method.least_hardness, method.most_hardness)
        hard = hard.repeat_interleave(patch, dim=-2).repeat_interleave(patch, dim=-1)
        weights = (1 + method.change_weight * moved) * hard
        weights = weights if pixel_weights is None else weights * pixel_weights
        return weights / weights.mean()


def reconstruction_loss(
    frames: Tensor,
    rendered: Tensor,
    patch: int,
    pixel_weights: Tensor | None = None,
    method: TokenizerMethod = DEFAULT_METHOD,
) -> Tensor:
    """Mean squared error of rendered frames, weighted by `error_weights`.

    Args:
        frames: float32 (B, T, 3, H, W) in [0, 1], the targets.
        rendered: float32 of the same shape, unclamped.
        patch: patch side in pixels.
        pixel_weights: float32 (H, W), a further weight of each pixel; None: all alike.
        method: the weights of change and hardness.
    """
    errors = (rendered - frames).square()
    return (errors * error_weights(frames, errors, patch, pixel_weights, method)).mean()


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
