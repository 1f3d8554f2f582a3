"""How random play is drawn: which levels and actions, and how long each is held."""

import math

import numpy as np
import pytest

from corpus.games.policy import HeldActions, hold_lengths, parse_range


@pytest.mark.parametrize("hold", [1, 2, 30])
def test_holds_stay_within_their_limits(hold):
    lengths = hold_lengths(np.random.default_rng(0), hold, 10_000)
    assert lengths.min() == 1 and lengths.max() == hold


def test_holds_are_log_uniform():
    lengths = hold_lengths(np.random.default_rng(0), 30, 100_000)
    for n in range(1, 31):
        share = math.log((n + 1) / n) / math.log(31)
        assert abs((lengths == n).mean() - share) < 0.006


def test_actions_are_held_for_as_long_as_drawn():
    policy = HeldActions(1, 1000, 30, np.random.default_rng(0))
    actions = np.array([policy.next()[0] for _ in range(8_000)])
    runs = np.diff(np.flatnonzero(np.diff(actions)))
    assert runs.min() >= 1 and 25 < runs.max() <= 60  # two runs in a row may draw one action
    assert abs(np.median(runs) - np.median(hold_lengths(np.random.default_rng(1), 30, 9999))) <= 1


def test_games_change_their_actions_independently():
    policy = HeldActions(4, 50, 5, np.random.default_rng(0))
    actions = np.array([policy.next() for _ in range(100)])
    assert actions.min() == 0 and actions.max() == 49
    assert len({tuple(column) for column in actions.T}) == 4


def test_levels_are_read_as_a_range():
    assert parse_range("0:10000", "levels") == (0, 10000)


@pytest.mark.parametrize("text", ["", "5", "5:", ":5", "5:5", "9:3", "a:b", "1:2:3"])
def test_levels_that_are_no_range_are_refused(text):
    with pytest.raises(ValueError, match="A:B"):
        parse_range(text, "levels")


@pytest.mark.parametrize("text", ["9", "3:3", "a:b", "4:2"])
def test_a_range_of_actions_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="actions|action"):
        parse_range(text, "actions")
