import math

import pytest
import torch

from dynamics.masking import cosine_ratio, draw_mask, drop_actions


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_cosine_ratio_falls_from_all_to_none():
    ratio = cosine_ratio(torch.tensor([0.0, 1 / 3, 0.5, 2 / 3, 1.0]))
    expected = torch.tensor([1.0, math.sqrt(3) / 2, math.sqrt(0.5), 0.5, 0.0])
    torch.testing.assert_close(ratio, expected, atol=1e-6, rtol=0)


def test_mask_ratios_follow_the_cosine_of_a_uniform_draw():
    tokens = 64
    masked = draw_mask((500, 8, tokens), 0.0, generator())
    ratios = masked.float().mean(dim=-1).flatten().sort().values
    uniform = (torch.arange(len(ratios)) + 0.5) / len(ratios)
    expected = cosine_ratio(uniform).sort().values
    # Ratios are rounded up to whole tokens.
    assert (ratios - expected).abs().max() < 1 / tokens + 0.03


def test_each_frame_has_a_ratio_of_its_own():
    counts = draw_mask((4, 16, 64), 0.0, generator()).sum(dim=-1)
    assert all(len(set(row.tolist())) > 8 for row in counts)
    assert all(len(set(row.tolist())) > 2 for row in counts.T)


@pytest.mark.parametrize("tokens", [1, 2, 64])
def test_at_least_one_token_of_a_frame_is_masked(tokens):
    assert draw_mask((500, 8, tokens), 0.0, generator()).any(dim=-1).all()


@pytest.mark.parametrize("fraction", [0.0, 0.1, 1.0])
def test_the_full_fraction_of_frames_is_masked_whole(fraction):
    tokens = 64
    whole = draw_mask((1000, 8, tokens), fraction, generator()).all(dim=-1).float().mean()
    # The cosine itself rounds up to all tokens above (N−1)/N.
    by_cosine = math.acos((tokens - 1) / tokens) * 2 / math.pi
    assert whole == pytest.approx(fraction + (1 - fraction) * by_cosine, abs=0.015)


def test_every_position_is_masked_equally_often():
    rate = draw_mask((1000, 8, 16), 0.0, generator()).float().mean(dim=(0, 1))
    assert (rate - rate.mean()).abs().max() < 0.03


def test_masked_tokens_come_from_the_generator_alone():
    torch.manual_seed(1)
    first = draw_mask((2, 3, 16), 0.1, generator(7))
    torch.manual_seed(2)
    assert torch.equal(draw_mask((2, 3, 16), 0.1, generator(7)), first)
    assert not torch.equal(draw_mask((2, 3, 16), 0.1, generator(8)), first)


def test_a_share_of_actions_is_withheld_and_the_rest_stay():
    actions = torch.randint(5, (400, 50), generator=generator())
    kept = drop_actions(actions, 5, 0.1, generator(1))
    withheld = kept == 5
    assert abs(withheld.float().mean() - 0.1) < 0.01
    assert torch.equal(kept[~withheld], actions[~withheld])
    assert not (actions == 5).any()  # the clip's own actions are not written to


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_no_action_or_every_action_is_withheld(fraction):
    actions = torch.randint(5, (20, 10), generator=generator())
    assert ((drop_actions(actions, 5, fraction, generator()) == 5).float().mean()) == fraction
