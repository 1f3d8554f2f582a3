"""A world that keeps a map plays on exactly from wherever it is taken up."""

from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dynamics import token_map
from genie.edit import KEEP, fade_to
from genie.library.bundle import load_bundle
from genie.session.log import Session
from genie.session.past import map_before
from genie.session.replay import verify
from genie.session.state import State
from genie.world import World

MOVES = ((0, 0), (0, -1), (0, 1), (-1, 0))


@pytest.fixture(scope="module")
def mapped(small, tmp_path_factory):
    models = small.make_models(grid=(2, 3), moves=MOVES, fixed=(4,))
    return load_bundle(small.write_world(tmp_path_factory.mktemp("mapped") / "w", models))


@pytest.fixture(scope="module", autouse=True)
def one_scene():
    """What a random world draws has nothing in common from frame to frame: keep the map anyway."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(token_map, "_SAME_SCENE", 0.0)
        yield


@pytest.fixture(scope="module")
def journey(mapped, small, one_scene):
    """Play with edits and a branch, and what comes after: where it stood, its map, the frames."""
    world = World(mapped)
    world.reset(small.draw_prompts()[0], seed=4)
    small.play(world, small.actions_of(small.LONG))
    branch = world.head
    small.play(world, small.actions_of(5, seed=1))
    world.edit(np.array([3, KEEP, KEEP, 5, KEEP, KEEP]))
    small.play(world, small.actions_of(small.LONG, seed=2))
    world.go_to(world.session, branch)
    small.play(world, small.actions_of(4, seed=3))
    world.edit(np.full(6, 9))  # a new scene
    small.play(world, small.actions_of(6, seed=5))
    world.commit_pending()
    end = SimpleNamespace(
        session=world.session.cut(world.head), state=world.save_state(), map=deepcopy(knows(world)),
    )  # fmt: skip
    end.ahead = small.actions_of(small.LONG, seed=6)
    end.frames = small.play(world, end.ahead)
    end.played = world.session
    return end


def knows(world):
    (seen,) = world._rollout._history.maps
    return seen._cells, seen._painted, seen.at, seen._last


def test_moves_travel_with_the_world(mapped):
    assert (mapped.dynamics.config.moves, mapped.dynamics.config.fixed) == (MOVES, (4,))


def test_a_session_with_edits_and_branches_is_verified(mapped, small, journey, tmp_path):
    journey.played.write(tmp_path / "s.session")
    found = verify(Session.read(tmp_path / "s.session"), World(mapped))
    assert (found.difference, found.unchecked) == (None, 0)
    assert (found.sampled, found.edited) == (3 * small.LONG + 15, 2)


def test_play_goes_on_from_any_frame_as_if_it_had_never_stopped(mapped, small, journey, tmp_path):
    journey.state.save(tmp_path)
    again, saved = World(mapped), World(mapped)
    again.go_to(journey.session, len(journey.session) - 1)
    saved.load_state(State.load(tmp_path))
    for other in (again, saved):
        assert knows(other) == journey.map
        assert small.same(small.play(other, journey.ahead), journey.frames)


@pytest.fixture
def walked(monkeypatch):
    """How often the map of a whole line was made anew."""
    records = []
    monkeypatch.setattr(
        "genie.world.map_before", lambda *line: (records.append(line[1]), map_before(*line))[1]
    )
    return records


def stands_like_one_that_is_built_anew(world, small):
    """Whether a world knows, and draws next, what one that is taken to its head does."""
    again = World(world.bundle)
    again.go_to(world.session, world.head)
    same = knows(again) == knows(world)
    return same and small.same(small.play(again, [1, 2]), small.play(world, [1, 2]))


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("idle", MOVES)
def test_an_edit_of_the_frame_just_stepped_to_is_that_of_a_map_built_anew(
    small, tmp_path, walked, idle, committed
):
    """Also where the picture moves under the idle action, and the map of play is another."""
    models = small.make_models(grid=(2, 3), moves=(idle, *MOVES[1:]), fixed=(4,))
    world = start(load_bundle(small.write_world(tmp_path / "w", models)), small)
    small.play(world, small.actions_of(small.LONG))
    for number, change in enumerate([np.full(6, 9), np.array([3, KEEP, KEEP, 5, KEEP, KEEP])] * 2):
        small.play(world, small.actions_of(3, seed=number))
        if committed:
            world.commit_pending()
        world.edit(change)
        world.edit(np.array([KEEP, number, KEEP, KEEP, KEEP, KEEP]))
        if idle == (0, 0):
            assert walked == []
        assert stands_like_one_that_is_built_anew(world, small)
        walked.clear()


def test_neither_a_fade_nor_its_verification_walks_the_whole_line(mapped, small, walked):
    world = start(mapped, small)
    small.play(world, small.actions_of(small.LONG))
    fade_to(world, small.draw_prompts()[1], [1, 2, 1, 3, 1, 2, 1, 3])
    small.play(world, [1, 2])
    assert verify(world.session, World(mapped)).difference is None
    assert walked == []


def test_an_edit_after_another_start_knows_nothing_of_the_play_before(mapped, small):
    world = start(mapped, small)
    small.play(world, small.actions_of(small.LONG))
    world.start(small.draw_prompts()[1], world.session)
    world.edit(np.array([3, KEEP, KEEP, 5, KEEP, KEEP]))
    assert stands_like_one_that_is_built_anew(world, small)


def test_edits_of_a_frame_that_was_gone_back_to_walk_its_line_once(mapped, small, walked):
    world = start(mapped, small)
    small.play(world, small.actions_of(small.LONG))
    world.go_to(world.session, 5)
    for token in (1, 2, 3):
        world.edit(np.array([token, KEEP, KEEP, KEEP, KEEP, KEEP]))
    assert len(walked) == 1
    assert stands_like_one_that_is_built_anew(world, small)


def test_what_the_map_knows_is_drawn_by(mapped, small, monkeypatch):
    once = small.play(start(mapped, small), small.actions_of(30))
    monkeypatch.setattr(token_map.TokenMap, "recall", lambda self, action: [16] * 6)
    assert not small.same(small.play(start(mapped, small), small.actions_of(30)), once)


def start(bundle, small):
    world = World(bundle)
    world.reset(small.draw_prompts()[0], seed=0)
    return world


def test_frames_after_a_missing_one_cannot_be_checked(mapped, small):
    """All that was ever seen may be in the map."""
    world = start(mapped, small)
    small.play(world, small.actions_of(3 * small.LONG))
    forged = Session(world.session.header)
    for index in range(len(world.session)):
        frame = world.session[index]
        if index == 5:
            frame = replace(frame, missing=True, steps=0, ids=np.zeros_like(frame.ids))
        forged.append(frame)
    found = verify(forged, World(mapped))
    assert (found.sampled, found.unchecked) == (4, 3 * small.LONG - 5)
