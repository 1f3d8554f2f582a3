"""Tokens to pictures, one frame after the other, as they are seen in play."""

import torch
from torch import Tensor

from tokenizer.model import Tokenizer


def picture_memory(tokenizer: Tokenizer) -> int:
    """Return how many frames a picture depends on, itself included: 1 without time attention."""
    return len(tokenizer.decoder.blocks) * (tokenizer.decoder.band - 1) + 1


class FrameDecoder:
    """Draws frames for the eye; what is drawn is never encoded again.

    Play and replay draw through this one class, so equal tokens give equal pixels.
    """

    def __init__(self, tokenizer: Tokenizer, batch: int = 1, first: int = 0) -> None:
        """Start before a frame.

        Args:
            tokenizer: of the world.
            batch: B, how many frames are drawn side by side.
            first: number of the frame that is drawn first.
        """
        self._tokenizer = tokenizer
        self._device = tokenizer.decoder_places.device
        self._cache = tokenizer.new_cache(batch, first)

    @torch.inference_mode()
    def draw(self, ids: Tensor) -> Tensor:
        """Draw the next frame.

        Args:
            ids: integer (B, N).

        Returns:
            uint8 (B, H, W, 3), on the CPU.
        """
        frames = self._tokenizer.decode_step(ids.long().to(self._device), self._cache)
        return frames.mul(255).round().to(torch.uint8).movedim(1, -1).cpu()
