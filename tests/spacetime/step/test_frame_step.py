"""Play's fixed buffers against the plain blocks that they stand for."""

import pytest
import torch
from torch import Tensor

from spacetime.blocks import SpaceTimeStack
from spacetime.cache import TimeCache
from spacetime.step.frame_step import lay_out_weights, plain_steps

DIM, HEADS, LAYERS, GRID = 32, 2, 2, (2, 3)
TOKENS = GRID[0] * GRID[1]


def frames(count: int, batch: int) -> Tensor:
    return torch.randn(count, batch, TOKENS, DIM, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def stack(band: int, grid: tuple[int, int] | None = None) -> SpaceTimeStack:
    model = SpaceTimeStack(DIM, HEADS, LAYERS, band, grid)
    generator = torch.Generator().manual_seed(9)
    for parameter in model.parameters():
        parameter.copy_(0.4 * torch.randn(parameter.shape, generator=generator))
    return model


def plain(model: SpaceTimeStack) -> SpaceTimeStack:
    """Let a stack step block by block, as on a GPU."""
    model.buffered = False
    return model


def assert_same_cache(one: TimeCache, other: TimeCache) -> None:
    assert one.count == other.count
    torch.testing.assert_close(one.keys, other.keys)
    torch.testing.assert_close(one.values, other.values)


# With 40 frames in sight their products are large enough for PyTorch's matrix kernel.
@pytest.mark.parametrize("band", [1, 2, 4, 41])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("grid", [None, GRID])
@torch.inference_mode()
def test_buffers_hold_what_plain_blocks_compute(band, batch, grid):
    fast, slow = stack(band, grid), plain(stack(band, grid))
    lay_out_weights(fast)
    mine, reference = (model.new_cache(batch, TOKENS, 1_000_000) for model in (fast, slow))
    for x in frames(9, batch):
        before = x.clone()
        drafted = fast.draft(x, mine)
        stepped, new = fast.step(x, mine)
        expected, expected_new = slow.step(x, reference)
        assert torch.equal(x, before)
        torch.testing.assert_close(drafted, expected, rtol=1e-4, atol=1e-5)
        assert torch.equal(stepped, drafted)
        if band > 1:
            torch.testing.assert_close(new, expected_new, rtol=1e-4, atol=1e-5)
        mine.write(new)
        reference.write(expected_new)
    assert_same_cache(mine, reference)


@pytest.mark.parametrize("fast", [True, False])
@torch.inference_mode()
def test_a_commit_without_the_last_blocks_output_writes_the_same(fast):
    model = stack(3) if fast else plain(stack(3))
    whole, brief = model.new_cache(2, TOKENS), model.new_cache(2, TOKENS)
    for x in frames(5, 2):
        whole.write(model.step(x, whole)[1])
        model.remember(x, brief)
        assert_same_cache(brief, whole)


@torch.inference_mode()
def test_rollouts_at_frames_of_their_own_step_as_alone():
    model, parts = stack(4), []
    for start in (0, 7):
        cache = model.new_cache(1, TOKENS, start)
        for x in frames(2 + start, 1):
            model.remember(x, cache)
        parts.append(cache)
    x = frames(1, 2)[0]
    alone = [model.draft(x[row : row + 1], part) for row, part in enumerate(parts)]
    torch.testing.assert_close(model.draft(x, TimeCache.join(parts)), torch.cat(alone))


@torch.inference_mode()
def test_a_history_that_is_taken_over_is_seen_in_the_same_frame():
    model, x = stack(4), frames(6, 2)
    cache, other = model.new_cache(2, TOKENS, 5), model.new_cache(1, TOKENS, 8)
    for frame in x[:5]:
        model.remember(frame, cache)
    for frame in x[:2, 1:] + 1:
        model.remember(frame, other)
    model.draft(x[5], cache)  # prepared for this frame, with the own history
    cache.take_rows(torch.tensor([1]), other)
    torch.testing.assert_close(model.draft(x[5], cache)[1:], model.draft(x[5, 1:], other))


@torch.inference_mode()
def test_what_was_drafted_outlives_the_next_draft_and_a_fork_has_buffers_of_its_own():
    model, x = stack(3), frames(3, 1)
    cache = model.new_cache(1, TOKENS)
    model.remember(x[0], cache)
    drafted = model.draft(x[1], cache)
    kept, fork = drafted.clone(), cache.fork()
    model.draft(x[2], cache)
    model.remember(x[2], cache)
    assert torch.equal(drafted, kept)
    assert torch.equal(model.draft(x[1], fork), kept)


def test_buffers_made_in_one_mode_serve_the_other():
    model, x = stack(3), frames(1, 1)[0]
    cache = model.new_cache(1, TOKENS)
    with torch.inference_mode():
        drafted = model.draft(x, cache)
    with torch.no_grad():
        torch.testing.assert_close(model.draft(x, cache), drafted)


def test_where_gradients_are_kept_blocks_step_plainly():
    model, x = stack(3), frames(1, 1)[0]
    cache = model.new_cache(1, TOKENS)
    stepped, _ = model.step(x, cache)
    assert cache.frame_step is None and stepped.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(model.draft(x, cache), stepped, rtol=1e-4, atol=1e-5)


def test_laying_weights_out_changes_no_value():
    model, laid_out = stack(3), stack(3)
    lay_out_weights(laid_out)
    assert laid_out.blocks[0].feed.up.weight.stride() == (1, 4 * DIM)
    assert laid_out.blocks[0].feed.down.weight.is_contiguous()
    weights = laid_out.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())


@torch.inference_mode()
def test_plain_steps_are_bit_for_bit_those_of_a_stack_that_was_never_laid_out():
    never, model, x = plain(stack(3)), stack(3), frames(1, 1)[0]
    expected = never.draft(x, never.new_cache(1, TOKENS))
    lay_out_weights(model)
    before = model.draft(x, model.new_cache(1, TOKENS))
    with plain_steps(model):
        cache = model.new_cache(1, TOKENS)
        assert torch.equal(model.draft(x, cache), expected) and cache.frame_step is None
    assert torch.equal(model.draft(x, model.new_cache(1, TOKENS)), before)
