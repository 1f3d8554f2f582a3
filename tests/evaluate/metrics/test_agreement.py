import pytest
import torch

from genie.evaluate.metrics.agreement import (
    agreement_with_true_actions,
    fitting_half,
    share_of_ceiling,
)

GROUPS = 3


def labelled(count: int = 3000) -> tuple[torch.Tensor, torch.Tensor]:
    """Unevenly drawn groups of 20 episodes: groups (P,), episodes (P,)."""
    generator = torch.Generator().manual_seed(0)
    shares = torch.tensor([0.7, 0.2, 0.1])
    groups = torch.multinomial(shares, count, replacement=True, generator=generator)
    return groups, torch.arange(count) * 20 // count


def test_true_labels_agree_whatever_their_order():
    groups, episodes = labelled()
    renamed = torch.tensor([2, 0, 1])[groups]
    found = agreement_with_true_actions(renamed, groups, episodes, seed=1)
    assert found.balanced_accuracy == 1
    assert found.mutual_information == pytest.approx(1)
    assert found.group_of_code == (1, 2, 0)
    assert found.recalls == (1, 1, 1)


def test_finer_codes_than_groups_agree_too():
    groups, episodes = labelled()
    halves = groups * 2 + torch.arange(len(groups)) % 2
    found = agreement_with_true_actions(halves, groups, episodes)
    assert found.balanced_accuracy == 1
    assert found.group_of_code == (0, 0, 1, 1, 2, 2)
    assert found.mutual_information < 0.9


def test_constant_code_scores_chance():
    groups, episodes = labelled()
    found = agreement_with_true_actions(torch.zeros_like(groups), groups, episodes)
    assert found.balanced_accuracy == pytest.approx(1 / GROUPS)
    assert found.chance == pytest.approx(1 / GROUPS)
    assert found.mutual_information == 0


def test_random_codes_score_about_chance():
    groups, episodes = labelled()
    codes = torch.randint(0, 6, groups.shape, generator=torch.Generator().manual_seed(9))
    found = agreement_with_true_actions(codes, groups, episodes)
    assert found.balanced_accuracy == pytest.approx(1 / GROUPS, abs=0.08)
    assert found.mutual_information < 0.02


def test_a_rare_group_is_served_though_the_common_one_outnumbers_it():
    # Code 1 holds all 30 transitions of group 1 and 100 of the 970 of group 0.
    groups = torch.cat([torch.zeros(970), torch.ones(30)]).long().repeat(2)
    codes = torch.cat([torch.zeros(870), torch.ones(130)]).long().repeat(2)
    episodes = torch.arange(2).repeat_interleave(1000)
    found = agreement_with_true_actions(codes, groups, episodes)
    assert found.group_of_code == (0, 1)
    assert found.balanced_accuracy == pytest.approx((870 / 970 + 1) / 2)


def test_map_is_fitted_on_other_episodes_than_it_is_scored_on():
    # What a code means changes from one episode to the other: a map fitted on both would score.
    groups = torch.tensor([0, 1]).repeat(100)
    episodes = torch.arange(2).repeat_interleave(100)
    found = agreement_with_true_actions((groups + episodes) % 2, groups, episodes)
    assert found.balanced_accuracy == 0
    assert found.mutual_information == pytest.approx(1)


def test_halves_depend_on_the_seed_only():
    groups, episodes = labelled()
    codes = (groups + (torch.arange(len(groups)) % 4 == 0)) % GROUPS
    one, again, other = (
        agreement_with_true_actions(codes, groups, episodes, seed=seed) for seed in (1, 1, 2)
    )
    assert one == again
    assert one.recalls != other.recalls


def test_unknown_actions_are_left_out():
    groups, episodes = labelled()
    hidden = groups.clone()
    hidden[::2] = -1
    codes = groups.clone()
    codes[::2] = 0
    assert agreement_with_true_actions(codes, hidden, episodes).balanced_accuracy == 1


def test_what_cannot_be_scored_is_refused():
    groups, episodes = labelled()
    with pytest.raises(ValueError, match="at least two"):
        agreement_with_true_actions(groups, groups, torch.zeros_like(groups))
    with pytest.raises(ValueError, match="group 1"):
        agreement_with_true_actions(*(torch.tensor([0, 0, 0, 1]),) * 2, torch.tensor([0, 1, 2, 3]))
    with pytest.raises(ValueError, match="one shape"):
        agreement_with_true_actions(groups[:-1], groups, episodes)
    with pytest.raises(ValueError, match="known action"):
        agreement_with_true_actions(groups, torch.full_like(groups, -1), episodes)


def test_share_of_the_ceiling_runs_from_chance_to_the_probe():
    assert share_of_ceiling(0.25, 0.75, 0.25) == 0
    assert share_of_ceiling(0.75, 0.75, 0.25) == 1
    assert share_of_ceiling(0.5, 0.75, 0.25) == pytest.approx(0.5)
    assert share_of_ceiling(0.5, 0.25, 0.25) is None


def test_the_fitting_half_is_half_of_the_episodes():
    groups, episodes = labelled()
    half = fitting_half(episodes, seed=3)
    inside, outside = episodes[half].unique(), episodes[~half].unique()
    assert len(inside) == len(outside) == 10
    assert not set(inside.tolist()) & set(outside.tolist())
