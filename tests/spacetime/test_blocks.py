import pytest
import torch
from torch import Tensor

from spacetime.blocks import FeedForward, SpaceTimeBlock, SpaceTimeStack, init_weights


def clips(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def redrawn(module: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(9)
    for parameter in module.parameters():
        parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    return module


def stack(band: int, layers: int = 2) -> SpaceTimeStack:
    return redrawn(SpaceTimeStack(16, 2, layers, band))


def test_a_band_of_1_has_no_time_attention():
    block = SpaceTimeBlock(16, 2, band=1)
    assert block.time is None and block.time_norm is None
    assert not [name for name, _ in stack(band=1).named_parameters() if "time" in name]
    assert [name for name, _ in stack(band=2).named_parameters() if "time" in name]


@torch.no_grad()
def test_with_a_band_of_1_frames_do_not_see_each_other():
    model, x = stack(band=1), clips(1, 5, 3, 16)
    changed = x.clone()
    changed[:, 2] += 1
    moved = (model(x) != model(changed)).amax(dim=(0, 2, 3))
    assert moved.tolist() == [False, False, True, False, False]


@torch.no_grad()
def test_a_changed_frame_is_felt_through_the_bands_of_all_layers():
    model, x = stack(band=3, layers=2), clips(1, 10, 3, 16)
    changed = x.clone()
    changed[:, 2] += 1
    moved = (model(x) != model(changed)).amax(dim=(0, 2, 3))
    assert moved.tolist() == [2 <= t <= 6 for t in range(10)]


@torch.no_grad()
@pytest.mark.parametrize("band", [1, 2, 3])
@pytest.mark.parametrize("start", [0, 1_000_000])
def test_steps_over_a_cache_equal_the_whole_clip(band, start):
    model, x = stack(band), clips(2, 12, 3, 16)
    cache = model.new_cache(2, 3, start)
    whole = model(x)
    for t in range(12):
        stepped, new = model.step(x[:, t], cache)
        cache.write(new)
        assert (stepped - whole[:, t]).abs().max() < 1e-4 * whole.std()


@torch.no_grad()
@pytest.mark.parametrize("layers", [1, 3])
def test_what_is_remembered_is_what_a_whole_step_would_write(layers):
    model, x = stack(3, layers), clips(2, 6, 3, 16)
    whole, brief = model.new_cache(2, 3), model.new_cache(2, 3)
    for t in range(6):
        whole.write(model.step(x[:, t], whole)[1])
        model.remember(x[:, t], brief)
        torch.testing.assert_close(brief.keys, whole.keys)
        torch.testing.assert_close(brief.values, whole.values)
        assert brief.count == whole.count


@torch.no_grad()
def test_the_masked_stream_with_nothing_masked_is_the_clean_stream():
    model, x = stack(band=3), clips(2, 8, 3, 16)
    torch.testing.assert_close(model.two_stream(x, x), model(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("band", [1, 3])
def test_the_last_block_computes_the_masked_stream_that_both_would(band):
    block = stack(band).blocks[0]
    whole, brief = (clips(4, 6, 3, 16).requires_grad_() for _ in range(2))
    expected, found = block.two_stream(whole).chunk(2)[1], block.masked_stream(brief)
    torch.testing.assert_close(found, expected)
    for masked, streams in ((expected, whole), (found, brief)):
        block.zero_grad()
        masked.square().sum().backward()
        streams.learnt = [weight.grad.clone() for weight in block.parameters()]
    torch.testing.assert_close(brief.grad, whole.grad)
    torch.testing.assert_close(brief.learnt, whole.learnt)


@torch.no_grad()
def test_fresh_blocks_are_the_identity():
    block = SpaceTimeBlock(16, 2, band=3)
    init_weights(block)
    x = clips(2, 4, 3, 16)
    assert torch.equal(block(x), x)


@torch.no_grad()
def test_fresh_matrices_keep_the_size_of_what_they_map():
    model = SpaceTimeStack(128, 4, 1, band=2)
    torch.manual_seed(1)  # another stream than that of x
    init_weights(model)
    x = clips(1000, 128)
    assert model.blocks[0].space.qkv(x).std() == pytest.approx(1.0, abs=0.05)
    assert model.blocks[0].feed.up(x).std() == pytest.approx(1.0, abs=0.05)


@torch.no_grad()
def test_feed_forward_squares_what_is_positive():
    layer = FeedForward(2)
    layer.up.weight.copy_(torch.eye(8, 2))
    layer.down.weight.copy_(torch.eye(2, 8))
    assert layer(torch.tensor([3.0, -3.0])).tolist() == [9.0, 0.0]


@pytest.mark.parametrize(
    ("dim", "heads", "layers", "band"),
    [(10, 4, 1, 1), (12, 4, 1, 1), (16, 2, 0, 1), (16, 2, 1, 0), (16, 0, 1, 1), (0, 2, 1, 1)],
)
def test_sizes_that_do_not_fit_together_are_refused(dim, heads, layers, band):
    with pytest.raises(ValueError, match="do not fit together") as error:
        SpaceTimeStack(dim, heads, layers, band)
    assert "\n" not in str(error.value)
