import pytest
import torch

from lam.losses import LatentActionMethod, prediction_loss

CHANGE_WEIGHT = LatentActionMethod.change_weight


@pytest.fixture
def before() -> torch.Tensor:
    return torch.full((2, 3, 8, 8), 0.5)


def test_a_pixel_that_changes_weighs_more(before):
    after = before.clone()
    after[:, 1, 2, 3] += 0.3

    def cost(row: int, column: int) -> torch.Tensor:
        predicted = after.clone()
        predicted[:, :, row, column] += 0.1
        return prediction_loss(before, after, predicted)

    torch.testing.assert_close(cost(2, 3), (1 + CHANGE_WEIGHT) * cost(0, 0))


def test_where_nothing_changes_it_is_the_squared_error(before):
    predicted = before + 0.1 * torch.rand_like(before)
    expected = (predicted - before).square().mean()
    torch.testing.assert_close(prediction_loss(before, before.clone(), predicted), expected)


def test_a_change_too_small_to_see_does_not_count(before):
    after = before + 7 / 255
    torch.testing.assert_close(
        prediction_loss(before, after, before), torch.tensor((7 / 255) ** 2), rtol=1e-3, atol=0
    )


def test_the_target_is_the_next_frame_not_the_one_before():
    before, after = torch.rand(2, 2, 3, 8, 8)
    assert prediction_loss(before, after, after) == 0
    assert prediction_loss(before, after, before) > 0.1


def test_copying_the_frame_before_costs_what_changes(before):
    after = before.clone()
    after[0, :, :4] += 0.2
    predicted = before.clone().requires_grad_()
    prediction_loss(before, after, predicted).backward()
    assert torch.equal(predicted.grad != 0, after != before)
