"""Frames as a corpus stores them and as the models read them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from spacetime.pixels import CHANGED_LEVELS


class CorpusLike(Protocol):
    """A source of true frames: a corpus, or an array with the same methods."""

    episode_ends: np.ndarray

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return uint8 (stop - start, H, W, 3)."""


def to_models(frames: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Turn uint8 (B, T, H, W, 3) into float32 (B, T, 3, H, W) in [0, 1]."""
    tensor = torch.from_numpy(np.ascontiguousarray(frames)).to(device)
    return rearrange(tensor, "b t h w c -> b t c h w").float() / 255


@torch.inference_mode()
def encode_prompt(bundle: Any, frames: np.ndarray) -> tuple[Tensor, Tensor]:
    """Encode a prompt, uint8 (T0, H, W, 3): ids int64 (1, T0, N), and actions int64 (1, T0−1)."""
    pixels = to_models(frames[None], bundle.device)
    ids = bundle.tokenizer.encode(pixels)
    return ids, bundle.lam.infer(pixels) if len(frames) > 1 else ids.new_empty((1, 0))


def to_uint8(frames: Tensor) -> np.ndarray:
    """Clip and round float (..., 3, H, W) in [0, 1] to uint8 (..., H, W, 3)."""
    levels = (frames.detach().clamp(0, 1) * 255).round().to(torch.uint8)
    return rearrange(levels, "... c h w -> ... h w c").cpu().numpy()


def moving_share(frames: np.ndarray) -> np.ndarray:
    """Measure which fraction of the pixels changes from frame to frame.

    Args:
        frames: uint8 (..., T, H, W, 3).

    Returns:
        float64 (..., T - 1).

    Source: metrics.md, "Long play".
    """
    return moving_pixels(frames).mean(axis=(-2, -1))


def moving_pixels(frames: np.ndarray) -> np.ndarray:
    """Mark the pixels of frames uint8 (..., T, H, W, 3) that change: bool (..., T - 1, H, W)."""
    now, before = frames[..., 1:, :, :, :], frames[..., :-1, :, :, :]
    difference = np.maximum(now, before) - np.minimum(now, before)
    return difference.max(axis=-1) > CHANGED_LEVELS
