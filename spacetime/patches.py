"""Frames to patches and back."""

from einops import rearrange
from torch import Tensor


def check_patch_grid(height: int, width: int, patch: int) -> tuple[int, int]:
    """Return the token grid (h, w) of a frame.

    Args:
        height: frame height in pixels.
        width: frame width in pixels.
        patch: patch side in pixels.

    Raises:
        ValueError: if the patch does not divide the frame.
    """
    if patch < 1 or height < 1 or width < 1 or height % patch or width % patch:
        raise ValueError(
            f"a frame of {height}x{width} pixels cannot be cut into patches of {patch}x{patch}: "
            f"height and width must be multiples of the patch; "
            f"build the corpus with another --size or choose another patch"
        )
    return height // patch, width // patch


def patchify(frames: Tensor, patch: int) -> Tensor:
    """Cut frames into flat patches, row by row.

    Args:
        frames: float (..., 3, H, W).
        patch: patch side in pixels; divides H and W.

    Returns:
        (..., N, 3·patch²).
    """
    return rearrange(
        frames, "... c (h p) (w q) -> ... (h w) (c p q)", p=patch, q=patch
    )  # (..., N, 3·patch²)


def unpatchify(patches: Tensor, height: int, width: int, patch: int) -> Tensor:
    """Put flat patches back together; the inverse of `patchify`.

    Args:
        patches: float (..., N, 3·patch²).
        height: frame height in pixels.
        width: frame width in pixels.
        patch: patch side in pixels.

    Returns:
        (..., 3, H, W).
    """
    return rearrange(
        patches,
        "... (h w) (c p q) -> ... c (h p) (w q)",
        h=height // patch,
        w=width // patch,
        p=patch,
        q=patch,
    )  # (..., 3, H, W)
