"""Frames to patches and back."""

import torch
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


def patch_rows(frames: Tensor, patches: Tensor, patch: int) -> Tensor:
    """Set some patches of each frame side by side, in one row.

    Args:
        frames: (B, T, C, H, W).
        patches: int64 (B, n), which ones of each clip, numbered row by row.
        patch: side p in pixels.

    Returns:
        (B, T, C, p, n·p).
    """
    cut = rearrange(frames, "b t c (h p) (w q) -> b t (h w) c p q", p=patch, q=patch)
    chosen = cut[torch.arange(len(cut), device=cut.device)[:, None], :, patches]  # (B, n, T, C, …)
    return rearrange(chosen, "b n t c p q -> b t c p (n q)")


def draw_patches(kept: Tensor, count: int, numbers: Tensor, patch: int) -> Tensor:
    """Draw patches of each clip: those with something to keep first, and others by chance.

    Args:
        kept: bool (B, T, 1, H, W), the pixels to keep.
        count: n, at most N.
        numbers: float (B, N) in [0, 1), by which they are drawn.
        patch: side in pixels.

    Returns:
        int64 (B, n), different ones, in no order.
    """
    some = patchify(kept.float(), patch).amax(dim=(1, 3))  # (B, N)
    return (some + numbers).topk(count, dim=-1).indices
