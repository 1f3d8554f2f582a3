"""Frames to patches and back."""

from einops import rearrange
from torch import Tensor


def check_patch_grid(height: int, width: int, patch: int) -> tuple[int, int]:
    """Return the token grid (h, w) of a frame; raise ValueError if the patch does not divide it."""
    if patch < 1 or height < 1 or width < 1 or height % patch or width % patch:
        raise ValueError(
            f"a frame of {height}x{width} pixels cannot be cut into patches of {patch}x{patch}: "
            f"height and width must be multiples of the patch; "
            f"build the corpus with another --size or choose another patch"
        )
    return height // patch, width // patch


def patchify(frames: Tensor, patch: int) -> Tensor:
    """Cut frames (..., 3, H, W) into flat patches (..., N, 3·patch²), row by row."""
    return rearrange(frames, "... c (h p) (w q) -> ... (h w) (c p q)", p=patch, q=patch)


def unpatchify(patches: Tensor, height: int, width: int, patch: int) -> Tensor:
    """Join flat patches (..., N, 3·patch²) into frames (..., 3, H, W)."""
    grid = {"h": height // patch, "w": width // patch}
    pattern = "... (h w) (c p q) -> ... c (h p) (w q)"
    return rearrange(patches, pattern, p=patch, q=patch, **grid)
