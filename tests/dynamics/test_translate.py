"""Carrying a dynamics over to other ids."""

import pytest
import torch

from dynamics.model import Dynamics, DynamicsConfig
from dynamics.translate import count_pairs, translate, with_offsets

CODES, ACTIONS, PLACES = 10, 3, 4


@pytest.fixture
def dynamics():
    torch.manual_seed(0)
    model = Dynamics(
        DynamicsConfig(
            num_tokens=PLACES, num_codes=CODES, num_actions=ACTIONS, dim=24, heads=2, layers=2,
            band=2,
        )
    )  # fmt: skip
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.3)
    return model.eval()


def clip(codes, actions, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return (
        torch.randint(codes, (5, 6, PLACES), generator=draw),
        torch.randint(actions, (5, 5), generator=draw),
        torch.rand(5, 6, PLACES, generator=draw) < 0.5,
    )


def test_renamed_ids_get_the_same_logits_under_their_new_names(dynamics):
    names, keys = torch.randperm(CODES), torch.randperm(ACTIONS)
    ids, actions, masked = clip(CODES, ACTIONS)
    renamed = translate(
        dynamics,
        count_pairs(ids, names[ids], CODES, CODES),
        count_pairs(actions, keys[actions], ACTIONS, ACTIONS),
    )
    before = dynamics(ids, actions, masked)
    after = renamed(names[ids], keys[actions], masked)
    assert torch.allclose(after[..., names], before, atol=1e-5)


def test_ids_divided_in_two_share_the_probability_of_the_one(dynamics):
    ids, actions, masked = clip(CODES, ACTIONS)
    tokens = torch.zeros(2 * CODES, CODES)
    tokens[torch.arange(CODES), torch.arange(CODES)] = 3.0
    tokens[CODES + torch.arange(CODES), torch.arange(CODES)] = 1.0
    divided = translate(dynamics, tokens, torch.eye(ACTIONS))
    before = dynamics(ids, actions, masked).softmax(dim=-1)
    # Which of the two halves is read makes no difference.
    halves = ids + CODES * (torch.arange(PLACES) % 2)
    after = divided(halves, actions, masked).softmax(dim=-1)
    assert torch.allclose(after[..., :CODES], 0.75 * before, atol=1e-5)
    assert torch.allclose(after[..., CODES:], 0.25 * before, atol=1e-5)


def test_an_id_that_was_not_met_is_rare_and_not_impossible(dynamics):
    ids, actions, masked = clip(CODES, ACTIONS)
    tokens = torch.cat((100.0 * torch.eye(CODES), torch.zeros(1, CODES)))
    wider = translate(dynamics, tokens, torch.eye(ACTIONS))
    fraction = wider(ids, actions, masked).softmax(dim=-1)[..., -1]
    assert 0 < fraction.mean() < 0.1


def test_the_old_dynamics_is_left_as_it_was(dynamics):
    before = {name: weight.clone() for name, weight in dynamics.state_dict().items()}
    new = translate(dynamics, torch.eye(CODES), torch.eye(ACTIONS))
    with torch.no_grad():
        for weight in new.parameters():
            weight.add_(1.0)
    after = dynamics.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_ids_of_other_tokens_are_refused():
    with pytest.raises(
        ValueError, match=r"the same tokens or actions, got shapes \(2, 4\) and \(3, 4\)"
    ):
        count_pairs(torch.zeros(2, 4).long(), torch.zeros(3, 4).long(), 5, 5)


def test_a_dynamics_that_may_learn_offsets_plays_as_it_did(dynamics):
    ids, actions, masked = clip(CODES, ACTIONS)
    new = with_offsets(dynamics, (2, 2))
    assert torch.allclose(new(ids, actions, masked), dynamics(ids, actions, masked), atol=1e-6)
    added = set(new.state_dict()) - set(dynamics.state_dict())
    assert added == {f"stack.blocks.{layer}.space.offsets" for layer in range(2)}
    assert with_offsets(new, (2, 2)) is new
