"""Latents to quantize, and how far apart they lie."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor


@pytest.fixture
def randn() -> Callable[..., Tensor]:
    """Draws from a normal distribution, the same for the same seed."""

    def draw(*shape: int, seed: int = 0) -> Tensor:
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

    return draw


@pytest.fixture
def distances() -> Callable[[Tensor, Tensor], Tensor]:
    """Measures the distances of every pair, without the rounding of a matrix product."""

    def measure(one: Tensor, other: Tensor) -> Tensor:
        return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")

    return measure
