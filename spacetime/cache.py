"""The rolling key/value cache of banded time attention."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(kw_only=True)
class TimeCache:
    """Keys and values of the last W−1 frames of every layer, in fixed buffers.

    A new frame overwrites the slot of the frame that just left the band, so neither time nor
    memory grows with the length of play. Keys are already rotated, so the order of the slots does
    not matter.

    Attributes:
        keys: float (L, B, N, heads, W−1, head_dim).
        values: the same shape.
        start: absolute number of the first frame; rotary angles count from it.
        count: frames committed so far.
    """

    keys: Tensor
    values: Tensor
    start: int = 0
    count: int = 0

    @classmethod
    def empty(
        cls, shape: tuple[int, int, int, int, int, int], device: torch.device | str, start: int = 0
    ) -> "TimeCache":
        """Allocate a cache of shape (L, B, N, heads, W−1, head_dim) without frames."""
        keys, values = (torch.zeros(shape, device=device) for _ in range(2))
        return cls(keys=keys, values=values, start=start)

    @property
    def position(self) -> int:
        """Absolute number of the next frame."""
        return self.start + self.count

    @property
    def slots(self) -> int:
        """Number of past frames that fit: W−1."""
        return self.keys.shape[4]

    def visible(self) -> Tensor:
        """Mark what the next frame attends to: bool (W,), the past slots in use, then itself."""
        slot = torch.arange(self.slots + 1, device=self.keys.device)
        if not self.slots:
            return slot == 0
        age = (self.position - 1 - slot) % self.slots  # 0: the previous frame
        return (age < self.count) | (slot == self.slots)

    def write(self, new: list[tuple[Tensor, Tensor]]) -> None:
        """Add a finished frame: per layer its keys and values, each (B, N, heads, 1, head_dim)."""
        if self.slots:
            # From the absolute frame number: a cache that is rebuilt from a later frame then puts
            # everything where it was, and sums run in the same order.
            slot = self.position % self.slots
            for layer, (key, value) in enumerate(new):
                self.keys[layer, ..., slot, :] = key.squeeze(-2)
                self.values[layer, ..., slot, :] = value.squeeze(-2)
        self.count += 1
