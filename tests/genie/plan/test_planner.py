"""Plans in a world that is known in full."""

import numpy as np
import pytest
from torch import nn

from genie.plan import PlanLimits, find_plan

# A wall to the right of the player, with a way round it below.
ROUND_THE_WALL = [(row, 1) for row in range(-6, 3)]


def by_colour(frames):
    """Look at frames as an encoder would: the mean colour of each quarter."""
    return nn.functional.adaptive_avg_pool2d(frames, 2).flatten(1)


def plan_to(known, cells, place, **given):
    bundle = known.make_world(cells)
    goal = known.picture(cells, *place)
    return find_plan(bundle, bundle.prompts[0], goal, **given), bundle


@pytest.mark.parametrize("place", [(0, 3), (-2, -1), (3, 2), (1, 0)])
def test_a_plan_leads_to_the_goal_by_the_shortest_way(known, place):
    cells = known.Cells()
    plan, _ = plan_to(known, cells, place)
    assert plan.reached and plan.share == 1
    assert known.arrive(cells, plan.actions) == place
    assert len(plan.actions) == abs(place[0]) + abs(place[1])


def test_a_plan_goes_round_a_wall(known):
    cells = known.Cells(ROUND_THE_WALL)
    plan, _ = plan_to(known, cells, (0, 3))
    assert plan.reached and known.arrive(cells, plan.actions) == (0, 3)
    assert len(plan.actions) > 3


def test_where_the_goal_is_already_there_is_nothing_to_press(known):
    plan, _ = plan_to(known, known.Cells(), (0, 0))
    assert plan.reached and plan.actions == () and plan.imagined == 0


def test_a_goal_behind_walls_is_not_reached_and_the_nearest_way_is_told(known):
    around = [(row, column) for row in range(-1, 2) for column in range(2, 5)]
    cells = known.Cells(set(around) - {(0, 3)})
    plan, _ = plan_to(known, cells, (0, 3), limits=PlanLimits(steps=8, frames=200))
    assert not plan.reached
    assert 0 < plan.imagined <= 200


def test_what_proves_nothing_is_not_claimed(known):
    meadow = known.Cells(ground=7)
    plan, _ = plan_to(known, meadow, (2, 2))
    assert not plan.reached


def test_limits_bound_what_is_imagined_and_the_length(known):
    cells = known.Cells(ROUND_THE_WALL)
    plan, bundle = plan_to(known, cells, (0, 3), limits=PlanLimits(steps=2, frames=16))
    assert not plan.reached and len(plan.actions) <= 2
    assert plan.imagined == bundle.dynamics.drawn - 1 == 16  # one more to see whether waiting moves


def test_waiting_is_not_tried_where_nothing_moves_by_itself(known):
    cells = known.Cells()
    plan, bundle = plan_to(known, cells, (0, 1))
    assert plan.imagined == 4


@pytest.mark.parametrize("distance", ["tokens", "pixels", by_colour])
def test_by_looks_a_near_goal_is_found_without_a_map(known, distance):
    cells = known.Cells()
    plan, _ = plan_to(known, cells, (0, 1), distance=distance)
    assert plan.reached and plan.actions == (known.RIGHT,)


def test_a_wrong_distance_picture_or_limit_is_refused(known):
    cells = known.Cells()
    bundle = known.make_world(cells)
    here = bundle.prompts[0]
    with pytest.raises(ValueError, match="tokens, pixels"):
        find_plan(bundle, here, here, distance="miles")
    with pytest.raises(ValueError, match="one picture, got 2"):
        find_plan(bundle, here, np.stack([here, here]))
    with pytest.raises(ValueError, match="resize"):
        find_plan(bundle, here[:-1], here)
    with pytest.raises(ValueError, match="--frames is 0"):
        PlanLimits(frames=0)


def test_models_of_others_whose_caches_cannot_be_copied_are_refused(known):
    bundle = known.make_world(known.Cells())
    bundle.dynamics.new_cache = lambda batch, start=0: object()
    with pytest.raises(ValueError, match="its object has no fork"):
        find_plan(bundle, bundle.prompts[0], bundle.prompts[0])
