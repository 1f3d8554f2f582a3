"""Structural similarity of frames."""

from __future__ import annotations

import numpy as np
import torch
from einops import rearrange

SIGMA = 1.5
BORDER = 5
BATCH = 256


def ssim(got: np.ndarray, true: np.ndarray) -> np.ndarray | None:
    """Measure the structural similarity of frames, each uint8 (..., H, W, 3).

    Returns:
        float64 (...); None where a frame is smaller than the window (11 pixels).

    Source: metrics.md; equals scikit-image's structural_similarity with gaussian_weights=True,
        sigma=1.5, use_sample_covariance=False.
    """
    height, width = got.shape[-3:-1]
    if min(height, width) <= 2 * BORDER:
        return None
    leading = got.shape[:-3]
    flat_got = np.broadcast_to(got, np.broadcast_shapes(got.shape, true.shape))
    a = rearrange(flat_got.reshape(-1, height, width, 3), "b h w c -> b c h w")
    b = rearrange(true.reshape(-1, height, width, 3), "b h w c -> b c h w")
    parts = [_ssim_batch(a[i : i + BATCH], b[i : i + BATCH]) for i in range(0, len(a), BATCH)]
    return np.concatenate(parts).reshape(leading)


def _ssim_batch(got: np.ndarray, true: np.ndarray) -> np.ndarray:
    from torchmetrics.functional.image import structural_similarity_index_measure

    _, full = structural_similarity_index_measure(
        torch.from_numpy(got.copy()).float() / 255,
        torch.from_numpy(true.copy()).float() / 255,
        gaussian_kernel=True,
        sigma=SIGMA,
        data_range=1.0,
        reduction="none",
        return_full_image=True,
    )
    inside = full[..., BORDER:-BORDER, BORDER:-BORDER]
    return inside.double().mean(dim=(1, 2, 3)).numpy()
