"""The rolling key/value cache of banded time attention."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(kw_only=True)
class TimeCache:
    """Keys and values of the last W−1 frames of every layer, in fixed buffers.

    A frame overwrites the slot of the frame that just left the band, so the cost of a frame and
    the memory do not grow with the length of play. Rotary position is already in the keys, so
    the order of the slots does not matter. Source: our choice (house design, section 4).

    Attributes:
        keys: float (L, B, N, heads, W−1, head_dim).
        values: the same shape.
        start: absolute number of the first frame; rotary angles count from it.
        count: frames committed so far.
    """

    keys: Tensor
    values: Tensor
    start: int = 0
    count: int = field(default=0)

    @classmethod
    def empty(
        cls, shape: tuple[int, int, int, int, int, int], device: torch.device | str, start: int = 0
    ) -> "TimeCache":
        """Allocate a cache that holds no frame.

        Args:
            shape: (L, B, N, heads, W−1, head_dim).
            device: where the buffers live.
            start: absolute number of the first frame.
        """
        return cls(
            keys=torch.zeros(shape, device=device),
            values=torch.zeros(shape, device=device),
            start=start,
        )

    @property
    def position(self) -> int:
        """Absolute number of the frame that comes next."""
        return self.start + self.count

    @property
    def slots(self) -> int:
        """Past frames that fit: W−1."""
        return self.keys.shape[4]

    def visible(self) -> Tensor:
        """Mark what the next frame attends to: bool (W,), the past slots in use, then itself."""
        slot = torch.arange(self.slots + 1, device=self.keys.device)
        if not self.slots:
            return slot == 0
        age = (self.position - 1 - slot) % self.slots  # 0: the frame before
        return (age < self.count) | (slot == self.slots)

    def write(self, new: list[tuple[Tensor, Tensor]]) -> None:
        """Let one finished frame enter the history.

        The slot follows from the absolute frame number, so a cache that is rebuilt from a later
        frame puts everything where it was, and sums in the same order.

        Args:
            new: for each layer its keys and values, each (B, N, heads, 1, head_dim).
        """
        if self.slots:
            slot = self.position % self.slots
            for layer, (key, value) in enumerate(new):
                self.keys[layer, ..., slot, :] = key.squeeze(-2)
                self.values[layer, ..., slot, :] = value.squeeze(-2)
        self.count += 1
