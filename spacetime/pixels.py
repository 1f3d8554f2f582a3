"""When a pixel counts as changed."""

from torch import Tensor

CHANGED_LEVELS = 8
"""Of 255: above the ripple of a decoder around a changed token, and of good video compression."""
CHANGED = CHANGED_LEVELS / 255


def changed_pixels(before: Tensor, after: Tensor, threshold: float = CHANGED) -> Tensor:
    """Mark pixels of which a channel differs by more than a threshold.

    Args:
        before: float (..., 3, H, W) in [0, 1].
        after: the same shape.
        threshold: a difference of channels in [0, 1].

    Returns:
        bool (..., H, W).
    """
    return (after - before).abs().amax(dim=-3) > threshold
