"""What the latent action model is fitted to."""

from dataclasses import dataclass

from torch import Tensor

from spacetime.pixels import changed_pixels


@dataclass(frozen=True, kw_only=True)
class LatentActionMethod:
    """How latent actions are found.

    Attributes:
        change_weight: a pixel that changes counts 1 + this: most of a frame stands still.
        latent_penalty: weight of the mean square of latents while they are continuous.
        quantize_at: fraction of the fit after which codes are made of the continuous latents.
        code_decay: fraction of a code that is kept a step, while codes follow their members.
        commitment: weight of the distance of latents from their codes.
        dead_fraction: a code is replaced when its use falls below this fraction of an equal share.
        kmeans_batches: batches of latents that the codes are made of.
        moving_fraction: a pair moves if more than this fraction of its pixels changes.
        blocked_below: where the chance of a motion is below this fraction of its usual one, the
            frame blocks it, and a transition without motion may have been its key; 0: that stays
            none. Worlds get walls by it: see `train/data/blocked_keys.py`.
    """

    change_weight: float = 10.0
    latent_penalty: float = 1e-3
    quantize_at: float = 0.6
    code_decay: float = 0.99
    commitment: float = 0.25
    dead_fraction: float = 0.05
    kmeans_batches: int = 120
    moving_fraction: float = 0.02
    blocked_below: float = 0.0


def prediction_loss(
    before: Tensor,
    after: Tensor,
    predicted: Tensor,
    change_weight: float = 10.0,
    pixel_weights: Tensor | None = None,
) -> Tensor:
    """Mean squared error of the predicted next frame, changed pixels weighted.

    Args:
        before: float32 (B, 3, H, W) in [0, 1].
        after: the true next frame, the same shape.
        predicted: the same shape, unclamped.
        change_weight: a pixel that changes counts 1 + this.
        pixel_weights: float (B, 1, H, W), by which pixels count more than others; None: all alike.
    """
    changed = changed_pixels(before, after).unsqueeze(1).float()
    error = (predicted - after).square() * (1 + change_weight * changed)
    return (error if pixel_weights is None else error * pixel_weights).mean()
