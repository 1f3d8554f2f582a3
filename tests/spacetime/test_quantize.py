import itertools

import pytest
import torch
from torch import Tensor
from vector_quantize_pytorch import FSQ, VectorQuantize

from spacetime.quantize import CodebookConfig, FiniteScalarQuantizer, VectorQuantizer

CENTRES = 6.0 * torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


def distances(one: Tensor, other: Tensor) -> Tensor:
    """Distances of every pair, without the rounding of a matrix product."""
    return torch.cdist(one, other, compute_mode="donot_use_mm_for_euclid_dist")


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# Finite scalar quantization -----------------------------------------------------------------------


@pytest.mark.parametrize("levels", [(8, 5, 5, 5), (2, 2, 2), (3,), (7, 2), (4, 4)])
def test_lookup_of_ids_is_what_was_quantized(levels):
    quantizer = FiniteScalarQuantizer(levels)
    quantized, ids = quantizer(3 * randn(20, 50, len(levels)))
    torch.testing.assert_close(quantizer.lookup(ids), quantized, rtol=0, atol=1e-6)
    assert quantized.abs().max() <= 1 + 1e-6


@pytest.mark.parametrize("levels", [(8, 5, 5), (2, 2, 2), (3,), (7, 2)])
def test_every_id_is_one_combination_of_levels(levels):
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
def test_latents_are_quantized_as_the_library_does_bit_for_bit(levels):
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


def test_ids_of_spread_latents_cover_all_codes():
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


def test_the_gradient_passes_straight_through_the_rounding():
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


# Learned codebook ---------------------------------------------------------------------------------


def clusters(each: int = 50, seed: int = 0) -> Tensor:
    """Latents around four centres, one centre after the other."""
    return CENTRES.repeat_interleave(each, dim=0) + 0.3 * randn(4 * each, 2, seed=seed)


def fitted(latents: Tensor | None = None, **habits: float) -> VectorQuantizer:
    torch.manual_seed(0)
    quantizer = VectorQuantizer(CodebookConfig(num_codes=4, channels=2, **habits))
    quantizer.fit(clusters() if latents is None else latents)
    return quantizer


def nearest(points: Tensor, codes: Tensor) -> Tensor:
    return distances(points, codes).amin(dim=1)


def smallest_gap(codes: Tensor) -> float:
    """Distance of the two codes that are nearest to each other."""
    gaps = distances(codes, codes)
    return float(gaps[~torch.eye(len(codes), dtype=torch.bool)].min())


@pytest.mark.parametrize("seed", range(5))
def test_fit_finds_the_clusters(seed):
    torch.manual_seed(seed)
    quantizer = VectorQuantizer(CodebookConfig(num_codes=4, channels=2))
    quantizer.fit(clusters())
    assert nearest(CENTRES, quantizer.codes).max() < 0.3


def test_each_cluster_gets_a_code_of_its_own():
    ids = fitted().eval()(clusters(seed=1))[1].view(4, -1)
    assert (ids == ids[:, :1]).all()
    assert len(set(ids[:, 0].tolist())) == 4


def test_fit_again_starts_afresh():
    quantizer = fitted()
    quantizer.fit(clusters() + 100)
    assert nearest(CENTRES + 100, quantizer.codes).max() < 0.3


def test_fewer_latents_than_codes_are_refused():
    with pytest.raises(ValueError, match="use more video"):
        fitted(randn(3, 2))


def test_lookup_of_ids_is_what_was_quantized_by_a_codebook():
    quantizer = fitted().eval()
    quantized, ids, _ = quantizer(clusters(seed=1))
    torch.testing.assert_close(quantizer.lookup(ids), quantized)
    assert torch.equal(ids, distances(clusters(seed=1), quantizer.codes).argmin(dim=1))


def test_evaluation_changes_nothing():
    quantizer = fitted().eval()
    before = {name: tensor.clone() for name, tensor in quantizer.state_dict().items()}
    for seed in range(20):
        quantizer(100 + clusters(seed=seed))
    for name, tensor in quantizer.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_codes_follow_their_members():
    quantizer = fitted(decay=0.9).train()
    away = torch.tensor([0.0, 1.5])
    for seed in range(100):
        quantizer(clusters(seed=seed) + away)
    assert nearest(CENTRES + away, quantizer.codes).max() < 0.2


def test_the_learning_signal_passes_through_the_codebook():
    quantizer = fitted().train()
    latents = clusters(seed=1).requires_grad_()
    quantized, _, _ = quantizer(latents)
    assert not torch.equal(quantized.detach(), latents.detach())
    target = quantized.detach() + torch.tensor([1.0, 0.0])
    (quantized - target).square().sum().backward()
    # The quantized latent must go right, and so must what came in (it may turn with its code).
    towards = torch.nn.functional.cosine_similarity(-latents.grad, torch.tensor([[1.0, 0.0]]))
    assert towards.min() > 0.9
    assert (latents.grad.norm(dim=1) - 2).abs().max() < 0.5


def test_commitment_pulls_latents_to_their_code():
    quantizer = fitted(commitment=0.25).train()
    latents = clusters(seed=1).requires_grad_()
    _, ids, commitment = quantizer(latents)
    commitment.backward()
    offset = latents.detach() - quantizer.codes[ids]
    torch.testing.assert_close(commitment.detach(), 0.25 * offset.square().mean())
    torch.testing.assert_close(latents.grad, 0.25 * 2 * offset / latents.numel())
    assert latents.grad.abs().max() > 0


def starve(quantizer: VectorQuantizer, batch: Tensor, steps: int) -> Tensor:
    """Train on the same few latents; return how often each code was used in the last step."""
    for step in range(steps):
        torch.manual_seed(step)
        ids = quantizer.train()(batch)[1]
    return torch.bincount(ids, minlength=4)


def test_dead_codes_are_revived_among_the_living():
    quantizer = fitted(decay=0.9)
    only = CENTRES[0] + 0.3 * randn(200, 2, seed=5)
    assert (torch.bincount(quantizer.eval()(only)[1], minlength=4) > 0).sum() == 1
    use = starve(quantizer, only, 100)
    assert (use > 0).all()
    assert (quantizer.codes - CENTRES[0]).norm(dim=1).max() < 2
    assert smallest_gap(quantizer.codes) > 1e-3


def test_a_revived_code_is_not_thrown_far_by_its_first_members():
    quantizer, only = fitted(decay=0.9), CENTRES[0] + 0.3 * randn(200, 2, seed=5)
    while not quantizer.revived:
        starve(quantizer, only, 1)
    before = quantizer.codes.clone()
    starve(quantizer, only + torch.tensor([5.0, 0.0]), 1)
    moved = (quantizer.codes - before).norm(dim=1)
    assert 0 < moved.max() < 2.5


def test_without_revival_dead_codes_stay_dead():
    quantizer = fitted(decay=0.9, dead_fraction=0.0)
    use = starve(quantizer, CENTRES[0] + 0.3 * randn(200, 2, seed=5), 100)
    assert (use > 0).sum() == 1


@pytest.mark.parametrize("spread", [1e-3, 0.0])
@pytest.mark.parametrize("point", [(6.0, 0.0), (0.0, 0.0)])
def test_revived_codes_are_never_equal(point, spread):
    """Not even when the encoder has collapsed to a point, where noise is all that parts them."""
    quantizer = fitted(decay=0.9)
    collapsed = torch.tensor(point) + spread * randn(64, 2, seed=5)
    starve(quantizer, collapsed, 60)
    assert smallest_gap(quantizer.codes) > 0


def test_revival_of_many_codes_from_few_latents_makes_no_two_equal():
    torch.manual_seed(0)
    quantizer = VectorQuantizer(CodebookConfig(num_codes=16, channels=2, decay=0.9))
    quantizer.fit(3 * randn(200, 2))
    for step in range(60):
        torch.manual_seed(step)
        quantizer.train()(100 + randn(3, 2, seed=1))  # fewer latents than dead codes
    assert smallest_gap(quantizer.codes) > 0


def test_living_codes_are_not_replaced():
    quantizer = fitted()
    for seed in range(50):
        ids = quantizer.train()(clusters(seed=seed))[1]
        assert torch.equal(ids.view(4, -1), ids.view(4, -1)[:, :1].expand(-1, 50))
    assert nearest(CENTRES, quantizer.codes).max() < 0.2


def test_revival_is_the_same_for_the_same_global_seed():
    first, second = fitted(decay=0.9), fitted(decay=0.9)
    only = CENTRES[0] + 0.3 * randn(200, 2, seed=5)
    starve(first, only, 60)
    starve(second, only, 60)
    assert torch.equal(first.codes, second.codes)


def test_a_codebook_comes_back_from_its_weights():
    first = fitted()
    starve(first, clusters(seed=2), 5)
    second = VectorQuantizer(first.config)
    second.load_state_dict(first.state_dict())
    for one, other in zip(first(clusters(seed=3)), second(clusters(seed=3)), strict=True):
        assert torch.equal(one, other)


def test_codes_at_rest_have_the_names_and_the_start_that_the_library_gives():
    """Worlds and checkpoints hold these names."""
    fresh = VectorQuantizer(CodebookConfig(num_codes=3, channels=2)).vq.state_dict()
    library = VectorQuantize(dim=2, codebook_size=3, kmeans_init=True).state_dict()
    assert list(fresh) == list(library)
    for name, tensor in library.items():
        assert torch.equal(fresh[name], tensor) and fresh[name].dtype == tensor.dtype


def test_a_codebook_that_begins_to_learn_keeps_its_tensors():
    """Averages and checkpoints may already hold them."""
    quantizer = VectorQuantizer(CodebookConfig(num_codes=4, channels=2))
    before = dict(quantizer.named_buffers())
    quantizer.fit(clusters())
    quantizer.train()(clusters(seed=1))
    after = dict(quantizer.named_buffers())
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)


@pytest.mark.parametrize(
    "wrong",
    [{"num_codes": 1}, {"channels": 0}, {"decay": 1.0}, {"decay": 0.0}, {"dead_fraction": 1.0}],
)
def test_habits_that_would_fail_silently_are_refused(wrong):
    with pytest.raises(ValueError):
        CodebookConfig(**{"num_codes": 4, "channels": 2} | wrong)
