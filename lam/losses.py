"""What the latent action model is fitted to."""

from torch import Tensor

from spacetime.pixels import changed_pixels

CHANGE_WEIGHT = 10.0
"""A pixel that changes counts 1 + this times: most of a frame stands still (field measurement)."""


def prediction_loss(before: Tensor, after: Tensor, predicted: Tensor) -> Tensor:
    """Squared error of the predicted next frame, changed pixels weighted.

    Args:
        before: float32 (B, 3, H, W) in [0, 1].
        after: the true next frame, the same shape.
        predicted: the same shape, unclamped.

    Returns:
        A scalar.

    Source: our choice.
    """
    changed = changed_pixels(before, after).unsqueeze(1).float()
    return ((predicted - after).square() * (1 + CHANGE_WEIGHT * changed)).mean()
