import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from lam.player_sprite.persistence import info_nce, temporal_mutual_information

EPISODES, PAIRS, ACTIONS = 5, 8, 4
NONE_NEAR = torch.zeros(EPISODES, PAIRS, PAIRS, dtype=torch.bool)


def unit(*shape: int, seed: int = 0) -> Tensor:
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(values, dim=-1)


def test_latents_that_tell_nothing_cost_the_logarithm_of_the_choices():
    same = unit(1, 1, 16).expand(EPISODES, PAIRS, 16)
    assert info_nce(same, same, NONE_NEAR).item() == pytest.approx(math.log(PAIRS), abs=1e-4)


def test_what_tells_episodes_apart_but_not_their_pairs_is_worth_nothing():
    theme = unit(EPISODES, 1, 16).expand(-1, PAIRS, -1)
    assert info_nce(theme, theme, NONE_NEAR).item() == pytest.approx(math.log(PAIRS), abs=1e-4)


def test_latents_that_last_and_differ_cost_little():
    lasting = unit(EPISODES, PAIRS, 512)
    assert info_nce(lasting, lasting, NONE_NEAR) < 0.1
    assert info_nce(lasting, unit(EPISODES, PAIRS, 512, seed=1), NONE_NEAR) > 1.5


def test_a_positive_too_near_to_be_a_negative_does_not_count():
    lasting = unit(EPISODES, PAIRS, 64)
    twin = lasting.clone()
    twin[:, 1] = twin[:, 0]  # the same key, a transition later
    near = NONE_NEAR.clone()
    near[:, 0, 1] = near[:, 1, 0] = True
    assert info_nce(twin, twin, near) < info_nce(twin, twin, NONE_NEAR) - 0.1


def test_both_directions_count():
    one, two = unit(EPISODES, PAIRS, 8), unit(EPISODES, PAIRS, 8, seed=1)
    swapped = info_nce(two, one, NONE_NEAR)
    torch.testing.assert_close(info_nce(one, two, NONE_NEAR), swapped)


def one_hot(codes: Tensor) -> Tensor:
    return functional.one_hot(codes, ACTIONS).float()


def codes(seed: int, count: int = 20_000) -> Tensor:
    return torch.randint(ACTIONS, (count,), generator=torch.Generator().manual_seed(seed))


def test_codes_that_always_last_are_worth_the_logarithm_of_their_number():
    lasting = one_hot(codes(0))
    found = temporal_mutual_information(lasting, lasting, one_hot(codes(1)))
    assert found.item() == pytest.approx(math.log(ACTIONS), abs=0.01)


def test_codes_that_never_last_are_worth_nothing():
    found = temporal_mutual_information(one_hot(codes(0)), one_hot(codes(1)), one_hot(codes(2)))
    assert abs(found.item()) < 0.01


def test_codes_that_say_which_episode_it_is_are_worth_nothing():
    theme = one_hot(codes(0))
    assert abs(temporal_mutual_information(theme, theme, theme).item()) < 1e-5


def test_one_code_for_everything_is_worth_nothing():
    single = one_hot(torch.zeros(100, dtype=torch.long))
    assert abs(temporal_mutual_information(single, single, single).item()) < 1e-5


def test_codes_that_last_longer_are_worth_more():
    anchors, other = one_hot(codes(0)), one_hot(codes(1))
    keep = torch.rand(len(anchors), generator=torch.Generator().manual_seed(3))

    def worth(fraction: float) -> float:
        positives = torch.where(keep[:, None] < fraction, anchors, one_hot(codes(2)))
        return temporal_mutual_information(anchors, positives, other).item()

    assert worth(0.2) < worth(0.5) < worth(0.8)
