"""Finite scalar quantization: levels, ids and gradients, and the library bit for bit."""

import itertools

import pytest
import torch
from vector_quantize_pytorch import FSQ

from spacetime.quantize import FiniteScalarQuantizer


@pytest.mark.parametrize("levels", [(8, 5, 5, 5), (2, 2, 2), (3,), (7, 2), (4, 4)])
def test_lookup_of_ids_is_what_was_quantized(randn, levels):
    quantizer = FiniteScalarQuantizer(levels)
    quantized, ids = quantizer(3 * randn(20, 50, len(levels)))
    torch.testing.assert_close(quantizer.lookup(ids), quantized, rtol=0, atol=1e-6)
    assert quantized.abs().max() <= 1 + 1e-6


@pytest.mark.parametrize("levels", [(8, 5, 5), (2, 2, 2), (3,), (7, 2)])
def test_every_id_is_one_combination_of_levels(distances, levels):
    quantizer = FiniteScalarQuantizer(levels)
    codes = quantizer.lookup(torch.arange(quantizer.num_codes))
    steps = [torch.linspace(-1, 1, count).tolist() for count in levels]
    expected = torch.tensor(list(itertools.product(*steps)))
    assert quantizer.num_codes == len(expected)
    assert distances(expected, codes).amin(dim=1).max() < 1e-5
    # Latents that aim at a code get its id.
    aimed = torch.atanh(codes.clamp(-0.999, 0.999))[None]
    assert quantizer(aimed)[1].tolist() == [list(range(quantizer.num_codes))]


@pytest.mark.parametrize("levels", [(8, 5, 5, 5), (2, 3), (7,)])
def test_latents_are_quantized_as_the_library_does_bit_for_bit(randn, levels):
    ours, library = FiniteScalarQuantizer(levels), FSQ(list(levels), preserve_symmetry=True)
    latents = (2 * randn(4, 200, len(levels))).requires_grad_()
    quantized, ids = ours(latents)
    expected, expected_ids = library(latents)
    assert torch.equal(quantized, expected)
    assert torch.equal(ids, expected_ids.long())
    assert torch.equal(ours.lookup(ids[0]), library.indices_to_codes(ids[0]))
    ((grad,), (expected_grad,)) = (
        torch.autograd.grad(part.sin().sum(), latents) for part in (quantized, expected)
    )
    assert torch.equal(grad, expected_grad)


def test_ids_of_spread_latents_cover_all_codes(randn):
    quantizer = FiniteScalarQuantizer((4, 3, 2))
    _, ids = quantizer(1.5 * randn(1, 2000, 3))
    assert set(ids.flatten().tolist()) == set(range(24))
    assert ids.dtype == torch.long


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_a_channel_reaches_each_of_its_levels(count):
    """Channels of two levels included, which an asymmetric grid rounds to one."""
    sweep = torch.linspace(-5, 5, 1000)[None, :, None]
    quantized, ids = FiniteScalarQuantizer((count,))(sweep)
    assert set(ids.flatten().tolist()) == set(range(count))
    assert (quantized[0, 1:] >= quantized[0, :-1]).all()
    torch.testing.assert_close(quantized[0, [0, -1], 0], torch.tensor([-1.0, 1.0]))


def test_extreme_latents_stay_inside():
    quantizer = FiniteScalarQuantizer((8, 5))
    quantized, ids = quantizer(torch.tensor([[[1e6, 1e6], [-1e6, -1e6]]]))
    assert quantized.abs().max() <= 1 + 1e-6
    assert ids.tolist() == [[39, 0]]


def test_the_gradient_passes_straight_through_the_rounding(randn):
    latents = randn(2, 10, 2).requires_grad_()
    FiniteScalarQuantizer((8, 5))(latents)[0].sum().backward()
    torch.testing.assert_close(latents.grad, 1 - torch.tanh(latents.detach()) ** 2)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (2, 1, 3, 4)])
def test_lookup_keeps_the_shape_of_ids(shape):
    quantizer = FiniteScalarQuantizer((4, 3))
    ids = torch.randint(12, shape)
    codes = quantizer.lookup(ids)
    assert codes.shape == (*shape, 2)
    assert torch.equal(codes.reshape(-1, 2), quantizer.lookup(ids.flatten()))


@pytest.mark.parametrize("levels", [(), (8, 1), (0,), (5, -3)])
def test_bad_levels_are_refused(levels):
    with pytest.raises(ValueError, match="levels must be whole numbers of 2 or more"):
        FiniteScalarQuantizer(levels)
