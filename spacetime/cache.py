"""The rolling key/value cache of banded time attention."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

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
        joined: int64 (B, 1, 1, 1), at which count the history of each rollout begins; None: at 0.
        frame_step: the `FrameStep` of play, once it has begun.
    """

    keys: Tensor
    values: Tensor
    start: int = 0
    count: int = 0
    joined: Tensor | None = None
    frame_step: Any = None

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
    def positions(self) -> list[int]:
        """Absolute number of the next frame: one for all rollouts, or one each."""
        return [self.position]

    @property
    def slots(self) -> int:
        """Number of past frames that fit: W−1."""
        return self.keys.shape[4]

    def visible(self) -> Tensor:
        """Mark what the next frame attends to: the past slots in use, then itself.

        Returns:
            bool (W,), or (B, 1, 1, W) where rollouts have histories of their own.
        """
        slot = torch.arange(self.slots + 1, device=self.keys.device)
        if not self.slots:
            return slot == 0
        age = (self.position - 1 - slot) % self.slots  # 0: the previous frame
        frames = self.count if self.joined is None else self.count - self.joined
        return (age < frames) | (slot == self.slots)

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

    def take_rows(self, rows: Tensor, other: "TimeCache") -> None:
        """Give some rollouts the histories of another cache.

        Args:
            rows: int64 (b,), which rollouts.
            other: of b rollouts, at the same frame number: its keys are rotated by it.
        """
        assert other.position == self.position
        if self.joined is None:
            self.joined = rows.new_zeros((self.keys.shape[1], 1, 1, 1))
        self.joined[rows] = self.count - other.count
        self.keys[:, rows] = other.keys
        self.values[:, rows] = other.values
        if self.frame_step is not None:
            self.frame_step.positions = None  # it may be prepared with another history in sight

    def fork(self) -> "TimeCache":
        """Return a copy, which goes on from here by itself."""
        forked = copy(self)
        forked.keys, forked.values = self.keys.clone(), self.values.clone()
        forked.frame_step = None
        if self.joined is not None:
            forked.joined = self.joined.clone()
        return forked

    @classmethod
    def join(cls, caches: Sequence["TimeCache"]) -> "JoinedCache":
        """Return the caches of B single rollouts as one of B, each at its own frame number.

        It serves one frame: what is written to it goes to the caches it was made of.
        """
        return JoinedCache(
            keys=torch.cat([cache.keys for cache in caches], dim=1),
            values=torch.cat([cache.values for cache in caches], dim=1),
            parts=list(caches),
        )


@dataclass(kw_only=True)
class JoinedCache(TimeCache):
    """What `TimeCache.join` returns.

    Attributes:
        parts: the caches it was made of.
    """

    parts: list[TimeCache]

    @property
    def positions(self) -> list[int]:
        """Absolute number of the next frame of each rollout."""
        return [part.position for part in self.parts]

    def visible(self) -> Tensor:
        """Mark what the next frames attend to: bool (B, 1, 1, W)."""
        return torch.stack([part.visible().view(1, 1, -1) for part in self.parts])

    def write(self, new: list[tuple[Tensor, Tensor]]) -> None:
        """Add a finished frame to each of the parts."""
        for row, part in enumerate(self.parts):
            part.write([(key[row : row + 1], value[row : row + 1]) for key, value in new])
