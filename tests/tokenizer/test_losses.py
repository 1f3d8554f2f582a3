import math

import pytest
import torch

from tokenizer.losses import code_use, error_weights, reconstruction_loss

PATCH = 4


@pytest.fixture
def frames() -> torch.Tensor:
    """A still grey clip in which one pixel flashes in frame 1."""
    frames = torch.full((1, 3, 3, 8, 8), 0.5)
    frames[:, 1, :, 2, 5] = 1.0
    return frames


def even_errors(frames: torch.Tensor) -> torch.Tensor:
    return torch.full_like(frames, 0.01)


def test_pixels_that_change_count_double(frames):
    weights = error_weights(frames, even_errors(frames), PATCH)[0, :, 0]
    still = weights[0, 0, 0]
    # It changes when it comes and when it goes.
    torch.testing.assert_close(weights[1:, 2, 5], (2 * still).expand(2))
    moved = (weights > 1.5 * still).nonzero().tolist()
    assert moved == [[1, 2, 5], [2, 2, 5]]


def test_a_change_in_one_colour_counts():
    frames = torch.full((1, 2, 3, 4, 4), 0.5)
    frames[:, 1, 2] += 0.1
    weights = error_weights(frames, even_errors(frames), PATCH)
    torch.testing.assert_close(weights[:, 1], 2 * weights[:, 0])


def test_a_change_too_small_to_see_does_not_count():
    frames = torch.full((1, 2, 3, 4, 4), 0.5)
    frames[:, 1] += 7 / 255
    weights = error_weights(frames, even_errors(frames), PATCH)
    torch.testing.assert_close(weights, torch.ones_like(weights))


def test_a_pixel_counts_by_its_weight(frames):
    pixel_weights = torch.ones(8, 8)
    pixel_weights[3, 4] = 5.0
    weights = error_weights(frames, even_errors(frames), PATCH, pixel_weights)[0, :, 0]
    torch.testing.assert_close(weights[:, 3, 4], 5 * weights[:, 0, 0])
    rendered = frames.clone()
    rendered[..., 3, 4] += 0.1
    plain, careful = (
        reconstruction_loss(frames, rendered, PATCH, p) for p in (None, pixel_weights)
    )
    assert careful > 2 * plain


def test_patches_drawn_badly_count_more_within_bounds():
    frames = torch.full((1, 1, 3, 8, 8), 0.5)
    errors = torch.full_like(frames, 1e-6)
    errors[..., :4, :4] = 1.0
    weights = error_weights(frames, errors, PATCH)[0, 0, 0]
    bad, good = weights[0, 0], weights[7, 7]
    assert (weights[:4, :4] == bad).all() and (weights[4:] == good).all()
    torch.testing.assert_close(bad / good, torch.tensor(2.0 / 0.5))  # √(1 / ¼) over the floor


def test_weights_have_mean_1_and_no_gradient(frames):
    errors = torch.rand_like(frames).requires_grad_()
    weights = error_weights(frames, errors, PATCH)
    assert weights.shape == (1, 3, 1, 8, 8)
    assert weights.mean() == pytest.approx(1, abs=1e-5)
    assert not weights.requires_grad


def test_a_perfect_rendering_costs_nothing_and_has_no_nan(frames):
    rendered = frames.clone().requires_grad_()
    loss = reconstruction_loss(frames, rendered, PATCH)
    loss.backward()
    assert loss == 0
    assert torch.equal(rendered.grad, torch.zeros_like(rendered))


def test_an_even_error_costs_its_square():
    frames = torch.full((1, 2, 3, 8, 8), 0.5)
    loss = reconstruction_loss(frames, frames + 0.1, PATCH)
    assert loss == pytest.approx(0.01, rel=1e-4)


def test_an_error_on_something_that_moves_costs_more(frames):
    def cost(row: int, column: int) -> float:
        rendered = frames.clone()
        rendered[:, 1, :, row, column] -= 0.4
        return float(reconstruction_loss(frames, rendered, PATCH))

    assert cost(2, 5) > 1.5 * cost(2, 6)


def test_the_first_frame_of_a_clip_does_not_count_as_moved():
    frames = torch.rand(1, 1, 3, 8, 8)
    weights = error_weights(frames, even_errors(frames), PATCH)
    torch.testing.assert_close(weights, torch.ones_like(weights))


def test_even_use_has_a_perplexity_of_all_codes():
    share, perplexity = code_use(torch.arange(8).reshape(2, 2, 2), 8)
    assert share == 1
    assert perplexity == pytest.approx(8)


def test_collapsed_use_has_a_perplexity_of_1():
    share, perplexity = code_use(torch.full((2, 3, 4), 5), 8)
    assert share == 1 / 8
    assert perplexity == pytest.approx(1)


def test_uneven_use_lies_between():
    share, perplexity = code_use(torch.tensor([0, 0, 0, 1]), 4)
    assert share == 0.5
    assert perplexity == pytest.approx(math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25)))


def test_weights_of_each_frame_count_like_weights_of_each_place(frames):
    place = torch.ones(8, 8)
    place[2, 5] = 11
    errors = even_errors(frames)
    expected = error_weights(frames, errors, PATCH, place)
    by_frame = place.expand(1, 3, 1, 8, 8)
    torch.testing.assert_close(error_weights(frames, errors, PATCH, by_frame), expected)
