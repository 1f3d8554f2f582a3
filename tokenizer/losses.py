"""The loss of the tokenizer, and the use of its codes."""

from dataclasses import dataclass

import torch
from einops import rearrange, reduce
from torch import Tensor

from spacetime.pixels import changed_pixels
from spacetime.ranks import mean_of_ranks


@dataclass(frozen=True, kw_only=True)
class TokenizerMethod:
    """Weights of pixels, so that small moving things survive.

    Attributes:
        change_weight: a pixel that differs from the frame before counts 1 + this: still background
            is learnt anyway, and a player is not.
        least_hardness: lower bound of a patch's weight, the square root of its error over the mean
            error: what is rare in the corpus is reconstructed badly.
        most_hardness: upper bound of that weight.
        sprite_weight: where a player sprite was found, a pixel counts up to 1 + this.
        background_weight: a pixel that differs from the still background counts 1 + this. The
            background is the median of a fixed sample of frames of the corpus.
        latent_start: whether the channels of a new tokenizer begin as the principal components of
            what differs from the still background, so that many codes are used from the start.
        encoder_rest: steps at the beginning in which only the decoder learns.
        encoder_rate: learning rates of the encoder after that, as a fraction of the decoder's. At
            the full rate, what is rare loses its codes before the decoder can draw it.
        seen_patches: fraction of the patches of a clip that a step sees, those that differ from the
            still background first and others by chance; all in the last part of the fit.
    """

    change_weight: float = 1.0
    least_hardness: float = 0.5
    most_hardness: float = 4.0
    sprite_weight: float = 20.0
    background_weight: float = 0.0
    latent_start: bool = False
    encoder_rest: int = 0
    encoder_rate: float = 1.0
    seen_patches: float = 1.0

    def __post_init__(self) -> None:
        """Refuse steps that would see nothing."""
        if not 0 < self.seen_patches <= 1:
            raise ValueError(f"seen_patches must be above 0 and at most 1, got {self.seen_patches}")


DEFAULT_METHOD = TokenizerMethod()


def error_weights(
    frames: Tensor,
    errors: Tensor,
    patch: int,
    pixel_weights: Tensor | None = None,
    method: TokenizerMethod = DEFAULT_METHOD,
) -> Tensor:
    """Return the weight of each pixel's error, without a gradient.

    Args:
        frames: float32 (B, T, 3, H, W) in [0, 1], the targets.
        errors: float32 of the same shape, squared errors.
        patch: patch side in pixels.
        pixel_weights: float32 (H, W) or (B, T, 1, H, W), a further weight of each pixel; None:
            all equal.
        method: the weights of change and hardness.

    Returns:
        float32 (B, T, 1, H, W), mean 1 over all processes that train together.
    """
    with torch.no_grad():
        moved = torch.zeros_like(frames[:, :, :1])
        moved[:, 1:] = changed_pixels(frames[:, :-1], frames[:, 1:]).unsqueeze(2).float()
        local = reduce(errors, "b t c (h p) (w q) -> b t 1 h w", "mean", p=patch, q=patch)
        hard = (local / mean_of_ranks(local.mean()).clamp_min(1e-8)).sqrt()
        hard = hard.clamp(method.least_hardness, method.most_hardness)
        hard = hard.repeat_interleave(patch, dim=-2).repeat_interleave(patch, dim=-1)
        weights = (1 + method.change_weight * moved) * hard
        weights = weights if pixel_weights is None else weights * pixel_weights
        return weights / mean_of_ranks(weights.mean())


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
        pixel_weights: float32 (H, W) or (B, T, 1, H, W), a further weight of each pixel; None:
            all equal.
        method: the weights of change and hardness.
    """
    errors = (rendered - frames).square()
    return (errors * error_weights(frames, errors, patch, pixel_weights, method)).mean()


def code_use(ids: Tensor, num_codes: int) -> tuple[float, float]:
    """Measure the use of codes, given ids of any shape in 0 … K−1.

    Returns:
        Fraction of codes used at least once, and perplexity: exp of the entropy of their use.
    """
    counts = torch.bincount(rearrange(ids, "... -> (...)"), minlength=num_codes).double()
    frequency = counts / counts.sum()
    entropy = -(frequency * frequency.clamp_min(1e-12).log()).sum()
    return float((counts > 0).double().mean()), float(entropy.exp())
