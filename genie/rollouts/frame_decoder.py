"""Tokens to frames, one after the other, as play shows them."""

from collections.abc import Sequence
from copy import copy

import torch
from torch import Tensor

from genie.device import device_of
from genie.interfaces import FrameTokenizer, StreamingDecoder


def decoder_memory(tokenizer: FrameTokenizer) -> int:
    """Return how many frames a decoded frame depends on, itself included."""
    return tokenizer.decoder_memory if isinstance(tokenizer, StreamingDecoder) else 1


class FrameDecoder:
    """Decodes frames to be shown; what it returns is never encoded again.

    Play and replay decode through this one class, so equal tokens give equal pixels.
    """

    def __init__(self, tokenizer: FrameTokenizer, batch: int = 1, first: int = 0) -> None:
        """Start before frame number `first`, with B = `batch` frames side by side."""
        self._tokenizer = tokenizer
        self._device = device_of(tokenizer)
        streams = isinstance(tokenizer, StreamingDecoder)
        self._cache = tokenizer.new_cache(batch, first) if streams else None

    @classmethod
    def join(cls, decoders: "Sequence[FrameDecoder]") -> "FrameDecoder":
        """Return decoders of one frame each as one that decodes the next frame of all."""
        joined = copy(decoders[0])
        if joined._cache is not None:
            joined._cache = type(joined._cache).join([decoder._cache for decoder in decoders])
        return joined

    def fork(self) -> "FrameDecoder":
        """Return a copy, which goes on from here by itself."""
        forked = copy(self)
        if self._cache is not None:
            forked._cache = self._cache.fork()
        return forked

    def take_rows(self, rows: Tensor, other: "FrameDecoder") -> None:
        """Continue some of the frames, int64 (b,), from those of a decoder of b frames."""
        if self._cache is not None:
            self._cache.take_rows(rows, other._cache)

    @torch.inference_mode()
    def draw(self, ids: Tensor) -> Tensor:
        """Decode the next frame: integer (B, N) to uint8 (B, H, W, 3), on the CPU."""
        ids = ids.long().to(self._device)
        if self._cache is None:
            frames = self._tokenizer.decode(ids[:, None])[:, 0]
        else:
            frames = self._tokenizer.decode_step(ids, self._cache)
        return frames.mul(255).round().to(torch.uint8).movedim(1, -1).cpu()
