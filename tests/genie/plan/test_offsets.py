"""Where a picture was taken, found by laying it over what is known."""

import numpy as np
import pytest

from genie.plan.offsets import LEAST_EVIDENCE, find_offsets

SIDE, MARGIN, CODES = 5, 6, 40
FOLLOWS = np.ones((SIDE, SIDE), bool)
CHANCES = np.full(CODES, 1 / CODES)


@pytest.fixture
def world():
    return np.random.default_rng(0).integers(0, CODES, (SIDE + 2 * MARGIN,) * 2)


def seen_from(world, down=0, right=0):
    row, column = MARGIN + down, MARGIN + right
    return world[row : row + SIDE, column : column + SIDE]


def only_the_middle(world):
    known = np.full_like(world, CODES)
    seen_from(known)[:] = seen_from(world)
    return known


@pytest.mark.parametrize(("down", "right"), [(0, 0), (0, 4), (-3, 2), (3, -3)])
def test_the_true_offset_comes_first(world, down, right):
    best, second = find_offsets(
        only_the_middle(world), seen_from(world, down, right), FOLLOWS, CHANCES
    )[:2]
    assert (best.down, best.right) == (down, right)
    assert best.evidence > max(second.evidence, LEAST_EVIDENCE)


def test_things_that_moved_do_not_hide_it(world):
    picture = seen_from(world, 1, 1).copy()
    picture[2, 2:4] = (picture[2, 2:4] + 1) % CODES
    best = find_offsets(only_the_middle(world), picture, FOLLOWS, CHANCES)[0]
    assert (best.down, best.right) == (1, 1)


def test_what_does_not_move_with_the_picture_is_not_compared(world):
    follows, picture = FOLLOWS.copy(), seen_from(world, 0, 2).copy()
    follows[3:] = False
    picture[3:] = seen_from(world)[3:]  # what the player carries
    known = only_the_middle(world)
    seen_from(known)[3:] = CODES
    best = find_offsets(known, picture, follows, CHANCES)[0]
    assert (best.down, best.right) == (0, 2)


def test_a_meadow_proves_nothing():
    known, picture = np.full((SIDE + 2 * MARGIN,) * 2, CODES), np.full((SIDE, SIDE), 7)
    seen_from(known)[:] = 7
    found = find_offsets(known, picture, FOLLOWS, CHANCES)
    assert max(offset.evidence for offset in found) < LEAST_EVIDENCE


def test_where_nothing_is_known_nothing_speaks_against_it(world):
    found = find_offsets(only_the_middle(world), seen_from(world, 6, 6), FOLLOWS, CHANCES)
    evidence = {(offset.down, offset.right): offset.evidence for offset in found}
    assert evidence[6, 6] == 0 and len(found) == (2 * MARGIN + 1) ** 2
    assert evidence[0, 0] < -10
