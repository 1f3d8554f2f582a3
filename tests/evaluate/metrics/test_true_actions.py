import numpy as np
import pytest

from genie.evaluate.context import EvalConfig
from genie.evaluate.metrics.true_actions import agreement_part, group_table, read_labelled

GROUPS = {"still": [0], "right": [1], "left": [2], "down": [3]}


def agree(toy, corpus, groups):
    """The part of the report, and the reasons of what is missing in it."""
    missing = {}
    context = toy.make_context(corpus, config=EvalConfig(action_groups=groups))
    return agreement_part(context, missing), missing


def test_true_actions_in_no_group_are_left_out():
    table = group_table({"a": [1], "b": [3, 0]}, largest=4)
    assert table.tolist() == [1, 0, -1, 1, -1, -1]
    assert table[np.array([-1])] == -1


def test_codes_and_groups_belong_to_the_same_transitions(toy, toy_corpus):
    config = EvalConfig(action_groups={"right": [1], "left": [2]})
    codes, true = read_labelled(toy.make_context(toy_corpus, config=config), toy_corpus.actions)
    assert (codes.numpy() == toy_corpus.actions[true.frames]).all()
    assert (true.groups.numpy() == codes.numpy() - 1).all()
    assert (true.frames.numpy() // 180 == true.episodes.numpy()).all()


def test_a_group_that_never_occurs_is_named(toy, toy_corpus):
    part, missing = agree(toy, toy_corpus, {**GROUPS, "fly": [9]})
    assert set(part.values()) == {None} and "'fly'" in missing["lam.agreement"]


def test_a_corpus_of_one_episode_has_no_agreement_and_says_why(toy):
    part, missing = agree(toy, toy.make_corpus(episodes=1), GROUPS)
    assert part["ceiling"] is None and "at least two" in missing["lam.agreement"]


def test_a_lam_of_finer_codes_than_groups_is_measured_by_groups(toy, toy_corpus):
    part, _ = agree(toy, toy_corpus, {"stays": [0, 3], "walks": [1, 2]})
    assert part["group_of_code"] == ["stays", "walks", "walks", "stays"]
    assert part["balanced_accuracy"] == 1.0 and part["chance"] == 0.5
    assert part["labelled"] == pytest.approx(24 * 0.9 * 179, rel=0.05)
