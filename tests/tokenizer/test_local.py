"""Tokens that tell of their own patch alone."""

import pytest
import torch
from torch import Tensor

from spacetime.patches import patch_rows


@pytest.fixture
def frames() -> Tensor:
    return torch.rand(2, 5, 3, 8, 12, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
@pytest.mark.parametrize("local", [True, False])
def test_a_local_token_tells_of_its_own_patch_alone(new_model, frames, local):
    """Else what stands still changed its token as something went by elsewhere."""
    model = new_model(local=local)
    changed = frames.clone()
    changed[..., 4:, 8:] = 1 - frames[..., 4:, 8:]  # patch 5
    differs = (model.encode(changed) != model.encode(frames)).flatten(0, 1).any(dim=0)
    assert differs[5] and bool(differs[:5].any()) is not local


@torch.no_grad()
def test_a_local_token_is_the_same_among_fewer_patches(new_model, frames):
    model, some = new_model(local=True), torch.tensor([[4, 1], [0, 3]])
    rows = patch_rows(frames, some, model.config.patch)
    ids = model.quantize(rows, some)[1]
    assert torch.equal(ids, model.encode(frames).gather(2, some[:, None].expand_as(ids)))
