from types import SimpleNamespace

import numpy as np
import pytest

from genie.evaluate.context import EvalConfig
from genie.evaluate.metrics.true_actions import agreement_part, group_table, read_labelled
from genie.evaluate.progress import NoProgress

GROUPS = {"still": [0], "right": [1], "left": [2], "down": [3]}


def context_of(toy, corpus):
    return SimpleNamespace(bundle=toy.make_bundle(), corpus=corpus)


def test_true_actions_in_no_group_are_left_out():
    table = group_table({"a": [1], "b": [3, 0]}, largest=4)
    assert table.tolist() == [1, 0, -1, 1, -1, -1]
    assert table[np.array([-1])] == -1


def test_codes_and_groups_belong_to_the_same_transitions(toy, toy_corpus):
    config = EvalConfig(action_groups={"right": [1], "left": [2]})
    codes, true = read_labelled(
        context_of(toy, toy_corpus), toy_corpus.actions, config, NoProgress()
    )
    assert (codes.numpy() == toy_corpus.actions[true.places]).all()
    assert (true.groups.numpy() == codes.numpy() - 1).all()
    assert (true.places.numpy() // 180 == true.episodes.numpy()).all()


def test_a_group_that_never_occurs_is_named(toy, toy_corpus):
    notes = {}
    config = EvalConfig(action_groups={**GROUPS, "fly": [9]})
    part = agreement_part(context_of(toy, toy_corpus), config, notes, NoProgress())
    assert set(part.values()) == {None} and "'fly'" in notes["lam.agreement"]


def test_a_corpus_of_one_episode_has_no_agreement_and_says_why(toy):
    notes, corpus = {}, toy.make_corpus(episodes=1)
    part = agreement_part(
        context_of(toy, corpus), EvalConfig(action_groups=GROUPS), notes, NoProgress()
    )
    assert part["ceiling"] is None and "at least two" in notes["lam.agreement"]


def test_a_lam_of_finer_codes_than_groups_is_measured_by_groups(toy, toy_corpus):
    notes, groups = {}, {"stays": [0, 3], "walks": [1, 2]}
    part = agreement_part(
        context_of(toy, toy_corpus), EvalConfig(action_groups=groups), notes, NoProgress()
    )
    assert part["group_of_code"] == ["stays", "walks", "walks", "stays"]
    assert part["balanced_accuracy"] == 1.0 and part["chance"] == 0.5
    assert part["labelled"] == pytest.approx(24 * 0.9 * 179, rel=0.05)
