from collections.abc import Callable

import pytest
import torch

from dynamics import Dynamics, DynamicsConfig
from spacetime.space_attention import BIAS_SCALE

SMALL = DynamicsConfig(
    num_tokens=6, num_codes=11, num_actions=3, dim=16, heads=2, layers=2, band=3, grid=(2, 3)
)


@pytest.fixture
def new_model() -> Callable[..., Dynamics]:
    """Build a small dynamics with every parameter redrawn: fresh weights hide broken caches."""

    def build(seed: int = 0, std: float = 0.4) -> Dynamics:
        model = Dynamics(SMALL).eval()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                # Scores by offset are scaled: as large as the others they would drown them.
                size = std / BIAS_SCALE if name.endswith("offsets") else std
                parameter.copy_(size * torch.randn(parameter.shape, generator=generator))
        return model

    return build
