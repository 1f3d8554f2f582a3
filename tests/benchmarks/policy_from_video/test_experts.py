"""The scripted players see what they should, and figures are what they say."""

import numpy as np
import pytest

from benchmarks.policy_from_video.experts import (
    BOULDER,
    DIAMOND,
    DIRT,
    FREE,
    RIGHT,
    RIGHT_JUMP,
    RunnerExpert,
    may_begin,
    way_to_diamond,
)
from benchmarks.policy_from_video.judge import share_of_oracle


def test_the_way_leads_around_boulders_to_the_nearest_diamond():
    cells = np.full((7, 7), DIRT)
    cells[3, 6] = cells[6, 3] = DIAMOND
    assert way_to_diamond(cells, [0, 1, 2, 3], careful=True) == 1
    cells[:, 4] = BOULDER
    assert way_to_diamond(cells, [0, 2, 3], careful=True) == 3
    cells[4, :] = BOULDER
    assert way_to_diamond(cells, [0, 2], careful=True) is None


def test_a_boulder_is_pushed_only_with_room_behind_it_and_never_fallen_under():
    cells = np.full((7, 7), DIRT)
    cells[3, 4] = BOULDER
    assert not may_begin(cells, 1, careful=True)
    cells[3, 5] = FREE
    assert may_begin(cells, 1, careful=True)
    cells[2, 2], cells[3, 2] = BOULDER, FREE
    assert not may_begin(cells, 0, careful=True) and may_begin(cells, 0, careful=False)
    cells[2, 3] = BOULDER  # above the player: it would follow him down
    assert not may_begin(cells, 3, careful=True)


def test_the_runner_jumps_at_what_is_ahead_holds_it_and_runs_where_nothing_is():
    rng = np.random.default_rng(0)
    free = rng.integers(0, 40, (12, 1, 64, 64, 3), np.uint8)
    assert (np.array([RunnerExpert(1, 0).act(one)[0] for one in free[1:2]]) == RIGHT_JUMP).all()
    runner = RunnerExpert(1, 0)
    pressed = [runner.act(frames)[0] for frames in free]  # at first nothing has moved yet
    assert pressed == [RIGHT_JUMP] * 8 + [RIGHT] * 4


def test_the_share_of_the_oracle_is_none_at_random_and_whole_as_the_oracle():
    rng = np.random.default_rng(0)
    random, oracle = rng.random(200), rng.random(200) + 3
    assert share_of_oracle(random, oracle, random).value == 0
    assert share_of_oracle(oracle, oracle, random).value == 1
    half = share_of_oracle((random + oracle) / 2, oracle, random)
    assert half.value == pytest.approx(0.5) and half.low < 0.5 < half.high
