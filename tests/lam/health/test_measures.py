import math

import pytest
import torch

from lam.health.assessment import assess_health
from lam.health.measures import (
    CodeUse,
    Decided,
    OneStep,
    code_consistency,
    code_use,
    decided,
    one_step,
    one_step_from_errors,
    squared_errors,
)

NUM_CODES = 4


def pictures(values: torch.Tensor) -> torch.Tensor:
    """Flat pictures of the given brightness, float (P, 3, 4, 4)."""
    return values.float()[:, None, None, None].expand(-1, 3, 4, 4)


def world(codes: torch.Tensor, arms: torch.Tensor, noise: float = 0.01) -> OneStep:
    """Score a model that knows the effect of `arms` on a world driven by `codes`."""
    generator = torch.Generator().manual_seed(0)
    effect = torch.tensor([0.0, 0.1, 0.2, 0.3])
    random = torch.randint(0, NUM_CODES, codes.shape, generator=generator)
    before = pictures(torch.full((len(codes),), 0.3))
    step = [pictures(effect[one]) for one in (codes, arms, random)]
    after = before + step[0]
    blur = noise * torch.randn(after.shape, generator=generator)
    return one_step(before, after, before + step[1] + blur, before + step[2] + blur)


def drawn_codes(count: int = 2000) -> torch.Tensor:
    return torch.randint(0, NUM_CODES, (count,), generator=torch.Generator().manual_seed(3))


def good(**change) -> tuple[CodeUse, OneStep]:
    shares = change.pop("shares", (0.4, 0.3, 0.2, 0.1))
    perplexity = change.pop("perplexity", 3.6)
    step = {
        "inferred_psnr": 27.0,
        "random_psnr": 23.0,
        "frozen_psnr": 22.0,
        "delta_psnr": 4.0,
        "nearer_next": 0.9,
        "changed_share": 1.0,
        "decided": Decided(share=0.0, nearer=None),
        **change,
    }
    return CodeUse(shares=shares, perplexity=perplexity), OneStep(**step)


def test_still_transitions_do_not_count_against_nearer_next():
    use, step = good(nearer_next=0.3, changed_share=0.4)
    assert assess_health(use, step).state == "healthy"
    use, step = good(nearer_next=0.3, changed_share=0.9)
    assert assess_health(use, step).state == "weak"


def test_shares_and_perplexity_of_known_codes():
    even = code_use(torch.tensor([0, 1, 2, 3]), 4)
    assert even.shares == (0.25, 0.25, 0.25, 0.25)
    assert even.perplexity == pytest.approx(4)
    constant = code_use(torch.full((10,), 2), 4)
    assert constant.shares == (0, 0, 1, 0)
    assert constant.perplexity == pytest.approx(1)
    uneven = code_use(torch.tensor([0, 0, 0, 1]), 2)
    assert uneven.perplexity == pytest.approx(math.exp(-0.75 * math.log(0.75) + 0.25 * math.log(4)))
    assert (uneven.rarest, uneven.largest) == (0.25, 0.75)


def test_codes_out_of_range_are_refused():
    with pytest.raises(ValueError, match="allowed are 0 to 3"):
        code_use(torch.tensor([0, 4]), 4)
    with pytest.raises(ValueError, match="no transitions"):
        code_use(torch.zeros(0, dtype=torch.int64), 4)


def test_psnr_pools_errors_over_the_set():
    score = one_step_from_errors(
        inferred=torch.tensor([0.0, 0.002]),
        random=torch.tensor([0.01, 0.01, 0.01, 0.01]),
        frozen=torch.tensor([0.1, 0.1]),
        inferred_to_current=torch.tensor([0.1, 0.001]),
        decided=torch.tensor([1.0, math.nan]),
    )
    assert score.inferred_psnr == pytest.approx(30)
    assert score.random_psnr == pytest.approx(20)
    assert score.frozen_psnr == pytest.approx(10)
    assert score.delta_psnr == pytest.approx(10)
    assert score.nearer_next == 0.5
    assert score.decided == Decided(share=0.5, nearer=1.0)


def test_errors_are_taken_after_rounding_to_uint8():
    one = pictures(torch.tensor([100 / 255]))
    assert squared_errors(one, one + 0.4 / 255).item() == 0
    assert squared_errors(one, one + 1 / 255).item() == pytest.approx(1 / 255**2)
    assert squared_errors((one * 255).round().byte(), one).item() == 0


def test_error_columns_that_do_not_belong_together_are_refused():
    two, three = torch.ones(2), torch.ones(3)
    with pytest.raises(ValueError, match="belong together"):
        one_step_from_errors(
            inferred=two, random=two, frozen=three, inferred_to_current=two, decided=two
        )
    with pytest.raises(ValueError, match="belong together"):
        one_step_from_errors(
            inferred=two, random=two, frozen=two, inferred_to_current=two, decided=three
        )
    with pytest.raises(ValueError, match="at least one"):
        one_step_from_errors(
            inferred=two[:0], random=two[:0], frozen=two[:0], inferred_to_current=two[:0],
            decided=two[:0],
        )  # fmt: skip
    with pytest.raises(ValueError, match="one shape"):
        squared_errors(torch.ones(1, 3, 4, 4), torch.ones(1, 3, 4, 5))


def test_a_code_that_means_one_thing_is_consistent():
    right = torch.tensor([[2.0, 0.3]]).repeat(8, 1)
    scattered = 2 * torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]]).repeat(2, 1)
    still = torch.zeros(8, 2)
    mostly_left = torch.cat([torch.tensor([[-3.0, 0]]).repeat(6, 1), torch.tensor([[3.0, 0]] * 2)])
    codes = torch.arange(4).repeat_interleave(8)
    shift = torch.cat([right, scattered, still, mostly_left])
    consistent = code_consistency(shift, codes, 5)
    assert consistent[0] == 1
    assert consistent[1] < 0.5
    assert consistent[2] == 1
    assert consistent[3] == 0.75
    assert consistent[4] is None


def test_standing_still_is_no_agreement_with_a_moving_code():
    shift = torch.tensor([[2.0, 0.0]] * 3 + [[0.0, 0.0]])
    assert code_consistency(shift, torch.zeros(4, dtype=torch.int64), 1) == (0.75,)


def test_shifts_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(3, 2\)"):
        code_consistency(torch.zeros(3, 3), torch.zeros(3, dtype=torch.int64), 1)


def test_codes_that_explain_the_step_are_healthy():
    codes = drawn_codes()
    health = assess_health(code_use(codes, NUM_CODES), world(codes, codes), [1.0] * NUM_CODES)
    assert health.state == "healthy"
    assert health.reasons == health.remedies == ()
    assert str(health) == "latent actions: healthy"


def test_constant_code_is_collapsed():
    codes = drawn_codes()
    constant = torch.full_like(codes, 1)
    health = assess_health(code_use(constant, NUM_CODES), world(codes, constant))
    assert health.state == "collapsed"
    assert any("perplexity is 1.00" in reason for reason in health.reasons)
    assert any("code 1 does 100.0%" in reason for reason in health.reasons)
    assert health.remedies
    assert "1. train" in str(health) and "lam: method: {change_weight: 30}" in str(health)
    for flag in ("--minutes", "--seeds", "{num_actions: 4}"):
        assert flag in str(health)


def test_shuffled_codes_are_collapsed_though_all_are_used():
    codes = drawn_codes()
    shuffled = codes[torch.randperm(len(codes), generator=torch.Generator().manual_seed(5))]
    use = code_use(shuffled, NUM_CODES)
    step = world(codes, shuffled)
    assert use.perplexity > 3.9
    assert abs(step.delta_psnr) < 0.3
    health = assess_health(use, step)
    assert health.state == "collapsed"
    assert len(health.reasons) == 1
    assert "better than a random one" in health.reasons[0]


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "healthy"),
        ({"perplexity": 1.5}, "healthy"),
        ({"perplexity": 1.49}, "collapsed"),
        ({"shares": (0.971, 0.01, 0.01, 0.009)}, "collapsed"),
        ({"shares": (0.95, 0.02, 0.02, 0.01)}, "healthy"),
        ({"shares": (0.951, 0.02, 0.02, 0.009)}, "weak"),
        ({"delta_psnr": 0.29}, "collapsed"),
        ({"delta_psnr": 0.31}, "weak"),
        ({"delta_psnr": 2.0}, "healthy"),
        ({"delta_psnr": float("nan")}, "collapsed"),
        ({"nearer_next": 0.49}, "weak"),
    ],
)
def test_each_threshold_decides(change, state):
    health = assess_health(*good(**change))
    assert health.state == state
    assert bool(health.reasons) == bool(health.remedies) == (state != "healthy")


def test_one_inconsistent_code_makes_it_weak():
    health = assess_health(*good(), [0.9, 0.59, None, 1.0])
    assert health.state == "weak"
    assert health.reasons == ("code 1 does the same on 59% of prompts, under 60%",)
    assert assess_health(*good(), [0.9, 0.6, None, 1.0]).state == "healthy"


def test_a_code_is_judged_by_the_pixels_that_it_decides():
    before = torch.full((4, 3, 32, 32), 0.5)
    after, random = before.clone(), before.clone()
    after[:, :, 0, 0] = 0.8  # the paddle: one pixel of 1,024
    random[:, :, 0, 0] = 0.6
    random[3] = after[3]  # the same code by chance: nothing is decided
    inferred = after + 0.02  # everywhere worse than the frame before, but for the paddle
    assert torch.equal(decided(after, inferred, random)[:3], torch.ones(3))
    assert decided(after, inferred, random)[3].isnan()
    assert torch.equal(decided(after, random, inferred)[:3], torch.zeros(3))
    score = one_step(before, after, inferred, random)
    assert score.decided == Decided(share=0.75, nearer=1.0)
    # Worse than a random code by the whole frame, and yet it is what moves the paddle.
    assert score.delta_psnr < 0.3
    assert assess_health(code_use(torch.arange(4), 4), score).state == "healthy"


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (Decided(share=0.04, nearer=1.0), "collapsed"),
        (Decided(share=0.05, nearer=0.59), "collapsed"),
        (Decided(share=0.0, nearer=None), "collapsed"),
        (Decided(share=0.05, nearer=0.60), "weak"),
        (Decided(share=0.05, nearer=0.64), "weak"),
        (Decided(share=0.05, nearer=0.65), "healthy"),
    ],
)
def test_a_small_delta_is_no_collapse_where_the_codes_decide_something(found, state):
    assert assess_health(*good(delta_psnr=0.1, decided=found)).state == state


def test_a_code_that_draws_nothing_decides_nothing():
    frames = torch.rand(4, 3, 8, 8)
    found = one_step(frames, frames, frames, (frames + 0.02).clamp(0, 1)).decided
    assert found == Decided(share=0.0, nearer=None)
    with pytest.raises(ValueError, match="one shape"):
        decided(frames, frames, frames[:2])
