"""What counts as having reached a goal."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.plans import __main__ as command
from benchmarks.plans import score as scoring
from benchmarks.plans.goals import CELL, Goal, Shown, is_same_place
from benchmarks.plans.score import Try, score, try_again
from genie.plan import Plan, PlanLimits

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


@pytest.mark.parametrize("columns", [3, 4])
def test_a_picture_and_its_mirror_image_are_judged_alike(level, columns):
    """Nine tenths are the same without a shift, and all that is left with a shift of columns."""
    here = picture(level).copy()
    here[:, columns * CELL :] = here[:, : (ROWS - columns) * CELL]
    there = here.copy()
    there[: 2 * CELL, : columns * CELL] = 90
    judged = [
        is_same_place(*pair, ROWS)
        for one, other in ((here, there), (there, here))
        for pair in ((one, other), (one[:, ::-1], other[:, ::-1]))
    ]
    assert len({*judged}) == 1


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


@pytest.mark.parametrize(
    ("far", "limit", "claimed"), [(3, 4, True), (3, 3, True), (3, 2, False), (0, 4, True)]
)
def test_who_runs_out_of_keys_on_the_way_does_not_claim_to_be_there(
    monkeypatch, far, limit, claimed
):
    """A planner of a line that is always sure of the way."""

    def play(game, seed, buttons):
        picture = np.zeros((8, 8, 3), np.uint8)
        return [Shown(picture=picture, position=(0, at)) for at in range(len(buttons) + 1)]

    def planner(bundle, seen, goal, limits):
        left = far - (len(seen) - 1)
        return Plan(actions=(0,) * left, reached=True, share=1.0, imagined=2)

    monkeypatch.setattr(scoring, "play", play)
    goal = Goal(seed=0, before=[], start=None, goal=Shown(picture=None, position=(0, far)))
    names = SimpleNamespace(keymap=SimpleNamespace(names=["right"]))
    game = SimpleNamespace(buttons={"right": 7}, world_rows=ROWS)
    tried = try_again(names, game, goal, planner, PlanLimits(steps=limit))
    assert len(tried.plan.actions) == min(far, limit)
    assert tried.plan.reached == tried.reached == claimed


@pytest.mark.parametrize("word", ["coinrun", "coinrun=folder"])
def test_a_world_whose_game_is_not_judged_is_refused_at_once(capsys, word):
    with pytest.raises(SystemExit):
        command.main([word])
    assert "plans are judged in crafter, miner, not in 'coinrun'" in capsys.readouterr().err


def test_what_is_scored_is_in_the_file_though_the_next_fails(monkeypatch, tmp_path):
    plan = Plan(actions=(0,), reached=True, share=1.0, imagined=1)
    asked = []

    def try_one(*_):
        asked.append(1)
        if len(asked) > 2:
            raise KeyboardInterrupt
        return Try(plan=plan, reached=True, seconds=1.0)

    monkeypatch.setattr(command, "load_bundle", lambda path: asked.clear() or path)
    monkeypatch.setattr(command, "goals", lambda *_: [None, None])
    monkeypatch.setattr(command, "try_plan", try_one)
    file, given = tmp_path / "s.json", ["miner=w", "--steps", "8", "--planners"]
    with pytest.raises(KeyboardInterrupt):
        command.main([*given, "search", "action model", "--json", str(file)])
    (found,) = json.loads(file.read_text())
    assert (found["planner"], found["goals"], found["reached"]) == ("search", 2, 1.0)
