"""The learned codebook: how it is fitted, follows its latents, and revives dead codes."""

import pytest
import torch
from torch import Tensor
from vector_quantize_pytorch import VectorQuantize

from spacetime.quantize import CodebookConfig, VectorQuantizer

CENTRES = 6.0 * torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


@pytest.fixture
def clusters(randn):
    """Draws latents around four centres, one centre after the other."""

    def draw(each: int = 50, seed: int = 0) -> Tensor:
        return CENTRES.repeat_interleave(each, dim=0) + 0.3 * randn(4 * each, 2, seed=seed)

    return draw


@pytest.fixture
def fitted(clusters):
    """Fits a codebook of four codes, to clusters unless other latents are given."""

    def fit(latents: Tensor | None = None, **habits: float) -> VectorQuantizer:
        torch.manual_seed(0)
        quantizer = VectorQuantizer(CodebookConfig(num_codes=4, channels=2, **habits))
        quantizer.fit(clusters() if latents is None else latents)
        return quantizer

    return fit


@pytest.fixture
def nearest(distances):
    """Measures how far each point is from its nearest code."""

    def measure(points: Tensor, codes: Tensor) -> Tensor:
        return distances(points, codes).amin(dim=1)

    return measure


@pytest.fixture
def smallest_gap(distances):
    """Measures the distance of the two codes that are nearest to each other."""

    def measure(codes: Tensor) -> float:
        gaps = distances(codes, codes)
        return float(gaps[~torch.eye(len(codes), dtype=torch.bool)].min())

    return measure


@pytest.mark.parametrize("seed", range(5))
def test_fit_finds_the_clusters(clusters, nearest, seed):
    torch.manual_seed(seed)
    quantizer = VectorQuantizer(CodebookConfig(num_codes=4, channels=2))
    quantizer.fit(clusters())
    assert nearest(CENTRES, quantizer.codes).max() < 0.3


def test_each_cluster_gets_a_code_of_its_own(clusters, fitted):
    ids = fitted().eval()(clusters(seed=1))[1].view(4, -1)
    assert (ids == ids[:, :1]).all()
    assert len(set(ids[:, 0].tolist())) == 4


def test_fit_again_starts_afresh(clusters, fitted, nearest):
    quantizer = fitted()
    quantizer.fit(clusters() + 100)
    assert nearest(CENTRES + 100, quantizer.codes).max() < 0.3


def test_fewer_latents_than_codes_are_refused(randn, fitted):
    with pytest.raises(ValueError, match="use more video"):
        fitted(randn(3, 2))


def test_lookup_of_ids_is_what_was_quantized_by_a_codebook(distances, clusters, fitted):
    quantizer = fitted().eval()
    quantized, ids, _ = quantizer(clusters(seed=1))
    torch.testing.assert_close(quantizer.lookup(ids), quantized)
    assert torch.equal(ids, distances(clusters(seed=1), quantizer.codes).argmin(dim=1))


def test_evaluation_changes_nothing(clusters, fitted):
    quantizer = fitted().eval()
    before = {name: tensor.clone() for name, tensor in quantizer.state_dict().items()}
    for seed in range(20):
        quantizer(100 + clusters(seed=seed))
    for name, tensor in quantizer.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_codes_follow_their_members(clusters, fitted, nearest):
    quantizer = fitted(decay=0.9).train()
    away = torch.tensor([0.0, 1.5])
    for seed in range(100):
        quantizer(clusters(seed=seed) + away)
    assert nearest(CENTRES + away, quantizer.codes).max() < 0.2


def test_the_learning_signal_passes_through_the_codebook(clusters, fitted):
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


def test_commitment_pulls_latents_to_their_code(clusters, fitted):
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


def test_dead_codes_are_revived_among_the_living(randn, fitted, smallest_gap):
    quantizer = fitted(decay=0.9)
    only = CENTRES[0] + 0.3 * randn(200, 2, seed=5)
    assert (torch.bincount(quantizer.eval()(only)[1], minlength=4) > 0).sum() == 1
    use = starve(quantizer, only, 100)
    assert (use > 0).all()
    assert (quantizer.codes - CENTRES[0]).norm(dim=1).max() < 2
    assert smallest_gap(quantizer.codes) > 1e-3


def test_a_revived_code_is_not_thrown_far_by_its_first_members(randn, fitted):
    quantizer, only = fitted(decay=0.9), CENTRES[0] + 0.3 * randn(200, 2, seed=5)
    while not quantizer.revived:
        starve(quantizer, only, 1)
    before = quantizer.codes.clone()
    starve(quantizer, only + torch.tensor([5.0, 0.0]), 1)
    moved = (quantizer.codes - before).norm(dim=1)
    assert 0 < moved.max() < 2.5


def test_without_revival_dead_codes_stay_dead(randn, fitted):
    quantizer = fitted(decay=0.9, dead_fraction=0.0)
    use = starve(quantizer, CENTRES[0] + 0.3 * randn(200, 2, seed=5), 100)
    assert (use > 0).sum() == 1


@pytest.mark.parametrize("spread", [1e-3, 0.0])
@pytest.mark.parametrize("point", [(6.0, 0.0), (0.0, 0.0)])
def test_revived_codes_are_never_equal(randn, fitted, smallest_gap, point, spread):
    """Not even when the encoder has collapsed to a point, where noise is all that parts them."""
    quantizer = fitted(decay=0.9)
    collapsed = torch.tensor(point) + spread * randn(64, 2, seed=5)
    starve(quantizer, collapsed, 60)
    assert smallest_gap(quantizer.codes) > 0


def test_revival_of_many_codes_from_few_latents_makes_no_two_equal(randn, smallest_gap):
    torch.manual_seed(0)
    quantizer = VectorQuantizer(CodebookConfig(num_codes=16, channels=2, decay=0.9))
    quantizer.fit(3 * randn(200, 2))
    for step in range(60):
        torch.manual_seed(step)
        quantizer.train()(100 + randn(3, 2, seed=1))  # fewer latents than dead codes
    assert smallest_gap(quantizer.codes) > 0


def test_living_codes_are_not_replaced(clusters, fitted, nearest):
    quantizer = fitted()
    for seed in range(50):
        ids = quantizer.train()(clusters(seed=seed))[1]
        assert torch.equal(ids.view(4, -1), ids.view(4, -1)[:, :1].expand(-1, 50))
    assert nearest(CENTRES, quantizer.codes).max() < 0.2


def test_revival_is_the_same_for_the_same_global_seed(randn, fitted):
    first, second = fitted(decay=0.9), fitted(decay=0.9)
    only = CENTRES[0] + 0.3 * randn(200, 2, seed=5)
    starve(first, only, 60)
    starve(second, only, 60)
    assert torch.equal(first.codes, second.codes)


def test_a_codebook_comes_back_from_its_weights(clusters, fitted):
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


def test_a_codebook_that_begins_to_learn_keeps_its_tensors(clusters):
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
