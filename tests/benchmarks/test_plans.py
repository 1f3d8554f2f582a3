"""What counts as having reached a goal."""

import numpy as np
import pytest

from benchmarks.plans.goals import CELL, Shown, is_same_place
from benchmarks.plans.score import Try, score
from genie.plan import Plan

ROWS = 7


@pytest.fixture
def level():
    """Cells of many looks, uint8 (H, W, 3), wider than a picture."""
    cells = np.random.default_rng(0).integers(0, 256, (ROWS + 4, ROWS + 4, 3), dtype=np.uint8)
    return cells.repeat(CELL, 0).repeat(CELL, 1)


def picture(level, down=0, right=0):
    top, left = down * CELL, right * CELL
    return level[top : top + ROWS * CELL, left : left + ROWS * CELL]


def test_a_place_is_known_again_though_a_cell_was_dug(level):
    dug = picture(level, 1, 1).copy()
    dug[: 3 * CELL, :CELL] = 0
    assert is_same_place(dug, picture(level, 1, 1), ROWS)


@pytest.mark.parametrize(("down", "right"), [(0, 1), (1, 0), (2, 2)])
def test_the_next_cell_is_another_place(level, down, right):
    assert not is_same_place(picture(level), picture(level, down, right), ROWS)


def test_where_a_shift_fits_as_well_nothing_is_said_to_be_reached():
    plain = np.full((ROWS * CELL, ROWS * CELL, 3), 90, np.uint8)
    assert not is_same_place(plain, plain, ROWS)


def test_a_game_that_tells_where_the_player_is_is_believed():
    plain = np.full((ROWS * CELL, ROWS * CELL, 3), 90, np.uint8)
    here, there = (Shown(picture=plain, position=(0, column)) for column in (0, 1))
    assert here.is_at(here, ROWS) and not here.is_at(there, ROWS)


def test_a_score_counts_what_was_reached():
    plan = Plan(actions=(0, 1), reached=True, share=1.0, imagined=8)
    tries = [Try(plan=plan, reached=number < 3, seconds=1.0) for number in range(4)]
    found = score("w", 8, "search", tries)
    low, high = found.interval
    assert (found.reached, found.claimed, found.keys, found.imagined) == (0.75, 1, 2, 8)
    assert low < 0.75 < high
