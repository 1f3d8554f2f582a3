"""What is drawn at once must fit together: the anchored order draws what decides first."""

import math
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from dynamics.masking import cosine_ratio
from dynamics.sampler import UNMASK_ORDERS, draw_noise, entropy, sample_frame

TOKENS, CODES, ROLLOUTS = 16, 5, 200
NOTHING, BALL = 0, 1
PLACES = [3, 7, 12]  # a ball is at one of them


def draft(ids: Tensor, *_: object) -> Tensor:
    """Know all but where the ball is, and that there is one."""
    logits = torch.full((*ids.shape, CODES), -20.0)
    logits[..., NOTHING] = 20.0
    seen = (ids == BALL).any(dim=1)
    free = [(ids[:, place] == CODES) for place in PLACES]
    left = torch.stack(free).sum(dim=0)
    for place, here in zip(PLACES, free, strict=True):
        chance = torch.where(seen | ~here, 0.0, 1 / left.clamp(min=1)).clamp(1e-6, 1 - 1e-6)
        logits[:, place, BALL] = chance.log()
        logits[:, place, NOTHING] = (1 - chance).log()
    return logits


def draw(order: str, steps: int, drafted: Callable[..., Tensor] = draft) -> Tensor:
    """Return the frames that the rollouts draw, int64 (B, N)."""
    model = SimpleNamespace(config=SimpleNamespace(num_codes=CODES), draft=drafted)
    noise = draw_noise(list(range(ROLLOUTS)), 0, steps, TOKENS)
    action = torch.zeros(ROLLOUTS, dtype=torch.long)
    return sample_frame(model, action, None, noise=noise, unmask_order=order, temperature=1.0)


def share_of_one(order: str, steps: int) -> float:
    balls = (draw(order, steps) == BALL).sum(dim=1)
    return float((balls == 1).float().mean())


def test_a_ball_is_drawn_once():
    assert share_of_one("anchored", 3) > 0.95
    assert share_of_one("anchored", 8) == 1


def test_by_confidence_its_places_are_drawn_by_themselves():
    by_themselves = 3 * (1 / 3) * (2 / 3) ** 2
    assert share_of_one("confidence", 1) == pytest.approx(by_themselves, abs=0.1)
    assert share_of_one("confidence", 3) < 0.7
    assert share_of_one("anchored", 2) > share_of_one("confidence", 2) + 0.1


def test_as_many_stay_masked_as_in_any_order():
    """Also where a step keeps none: the least sure token does not take the place of a kept one."""
    steps, masked = 3 * TOKENS, []

    def watched(ids: Tensor, *_: object) -> Tensor:
        masked.append((ids == CODES).sum(dim=1))
        return draft(ids)

    draw("anchored", steps, watched)
    for step, left in enumerate(masked):
        assert (left == int(TOKENS * cosine_ratio(torch.tensor(step / steps)))).all()


def test_it_may_be_anywhere():
    shares = (draw("anchored", 3) == BALL).float().mean(dim=0)
    assert shares[PLACES].tolist() == pytest.approx([1 / 3] * 3, abs=0.1)


@pytest.mark.parametrize("order", UNMASK_ORDERS)
def test_with_one_step_there_is_no_order(order):
    assert torch.equal(draw(order, 1), draw("confidence", 1))


def test_entropy_is_that_of_the_distribution():
    impossible = -torch.inf
    logits = torch.tensor(
        [[0.0, 0.0, 0.0, 0.0], [50.0, 0.0, 0.0, 0.0], [0.0, 0.0, impossible, impossible]]
    )
    assert entropy(logits).tolist() == pytest.approx([math.log(4), 0, math.log(2)], abs=1e-6)
