"""A reward learned from labelled tokens."""

from types import SimpleNamespace

import pytest
import torch

from train.dream.reward import LabelledFrames, fit_reward, precision_and_recall

CODES, TOKENS, ACTIONS, GOOD = 12, 9, 3, (3, 7)
LOOKS_AT = torch.tensor([1, 5, 4])  # where each action earns something, if a good code is there
WORLD = SimpleNamespace(
    num_actions=ACTIONS,
    dynamics=SimpleNamespace(config=SimpleNamespace(num_codes=CODES, num_tokens=TOKENS)),
)


def labelled(count, seed):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(CODES, (count, TOKENS), generator=generator)
    actions = torch.randint(ACTIONS, (count,), generator=generator)
    there = tokens.gather(1, LOOKS_AT[actions][:, None])[:, 0]
    earned = torch.isin(there, torch.tensor(GOOD)) & (actions != 2)
    return LabelledFrames(tokens=tokens, actions=actions, earned=earned)


def test_it_learns_which_codes_pay_where():
    head = fit_reward(WORLD, labelled(2000, 0))
    precision, recall = precision_and_recall(head, labelled(1000, 1))
    assert precision > 0.95 and recall > 0.95


def test_probabilities_are_as_rare_as_the_reward():
    shown = labelled(4000, 0)
    rare = LabelledFrames(
        tokens=shown.tokens,
        actions=shown.actions,
        earned=torch.rand(4000, generator=torch.Generator().manual_seed(2)) < 0.03,
    )
    head = fit_reward(WORLD, rare, steps=30)  # there is nothing to learn but how rare it is
    assert 0.01 < float(head.reward(shown.tokens, shown.actions).mean()) < 0.09


@pytest.mark.parametrize("earned", [False, True])
def test_a_reward_that_never_varies_is_refused(earned):
    shown = labelled(20, 0)
    same = LabelledFrames(
        tokens=shown.tokens, actions=shown.actions, earned=torch.full((20,), earned)
    )
    with pytest.raises(ValueError, match="with and without, so record more play"):
        fit_reward(WORLD, same)
