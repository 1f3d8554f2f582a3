"""A step of a fit may see some of a clip's patches only."""

import pytest
import torch

from tokenizer.losses import TokenizerMethod
from tokenizer.model import places_of

METHOD = TokenizerMethod()


@pytest.fixture
def frames() -> torch.Tensor:
    return torch.rand(2, 3, 3, 8, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("weighted", [False, True])
def test_all_patches_in_another_order_have_the_loss_of_whole_frames(new_model, frames, weighted):
    model = new_model()
    weights = 1 + 9 * torch.rand(8, 12) if weighted else None
    whole, figures = model.training_loss(frames, METHOD, weights)
    order = torch.stack([torch.randperm(6) for _ in range(2)])
    rows, same_figures = model.training_loss(frames, METHOD, weights, order)
    torch.testing.assert_close(rows, whole)
    torch.testing.assert_close(same_figures, figures)


def test_each_clip_has_its_own_pixel_weights(new_model, frames):
    model = new_model()
    weights = 1 + 9 * torch.rand(2, 3, 1, 8, 12)
    order = torch.arange(6).expand(2, 6)
    rows = model.training_loss(frames, METHOD, weights, order)[0]
    torch.testing.assert_close(rows, model.training_loss(frames, METHOD, weights)[0])
    assert not torch.isclose(rows, model.training_loss(frames, METHOD, weights.flip(0), order)[0])


def test_what_is_not_seen_has_no_part_in_the_loss(new_model, frames):
    model = new_model()
    seen = torch.tensor([[0, 4], [2, 3]])
    loss = model.training_loss(frames, METHOD, None, seen)[0]
    changed = frames.clone()
    changed[0, ..., 4:, 8:] = 0.0  # patch 5 of the first clip
    assert torch.equal(model.training_loss(changed, METHOD, None, seen)[0], loss)
    changed[0, ..., 4:, 4:8] = 0.0  # patch 4
    assert not torch.equal(model.training_loss(changed, METHOD, None, seen)[0], loss)


def test_gradients_are_the_same_on_several_threads():
    """Or a resumed fit would be another one."""
    generator = torch.Generator().manual_seed(3)
    seen = torch.stack([torch.randperm(140, generator=generator)[:35] for _ in range(16)])
    factors = torch.randn(16, 1, 35, 128, generator=generator)
    places, gradients = torch.zeros(140, 128, requires_grad=True), []
    threads = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        for _ in range(20):
            places.grad = None
            (places_of(places, seen) * factors).sum().backward()
            gradients.append(places.grad)
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(gradients[0], other) for other in gradients[1:])
