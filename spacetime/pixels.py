"""When a pixel counts as changed, and frames in fewer pixels."""

from torch import Tensor
from torch.nn import functional as F

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


SHRINKINGS = ("mean", "middle")
"""How one pixel is made of `factor` times `factor`: their mean, or the one in their middle."""


def shrink(frames: Tensor, factor: int, shrinking: str) -> Tensor:
    """Make frames (..., C, H, W) smaller by a whole factor, to (..., C, H / factor, W / factor).

    Args:
        frames: float; `factor` divides H and W.
        factor: at least 1.
        shrinking: one of `SHRINKINGS`. Recordings that were scaled down are means; a game that
            draws its own small pictures, as Crafter does, may take the pixel in the middle.
    """
    if shrinking == "middle":
        return frames[..., factor // 2 :: factor, factor // 2 :: factor]
    *more, height, width = frames.shape
    small = F.avg_pool2d(frames.reshape(-1, height, width), factor)
    return small.reshape(*more, height // factor, width // factor)


def enlarged(frames: Tensor, factor: int) -> Tensor:
    """Return frames (..., H, W) with each pixel repeated, (..., factor * H, factor * W)."""
    return frames.repeat_interleave(factor, -1).repeat_interleave(factor, -2)
