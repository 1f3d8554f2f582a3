from collections.abc import Callable

import pytest
import torch

from dynamics import Dynamics, DynamicsConfig

SMALL = DynamicsConfig(num_tokens=6, num_codes=11, num_actions=3, dim=16, heads=2, layers=2, band=3)


@pytest.fixture
def new_model() -> Callable[..., Dynamics]:
    """Build a small dynamics with every parameter redrawn: fresh weights hide broken caches."""

    def build(seed: int = 0, std: float = 0.4) -> Dynamics:
        model = Dynamics(SMALL).eval()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(std * torch.randn(parameter.shape, generator=generator))
        return model

    return build
