"""Worlds that are stepped together play as each would alone."""

import numpy as np
import pytest
import torch

from genie.library.bundle import load_bundle
from genie.rollouts.together import can_join, commit_together, step_together
from genie.world import World
from spacetime.cache import JoinedCache

COUNT, STEPS = 3, 12


@pytest.fixture(scope="module", params=["without a map", "with a map"])
def bundle(small, tmp_path_factory, request):
    moves = {"grid": (2, 3), "moves": ((0, 0), (0, -1), (0, 1), (-1, 0))}
    models = small.make_models(**(moves if request.param == "with a map" else {}))
    return load_bundle(small.write_world(tmp_path_factory.mktemp("together") / "w", models))


@pytest.fixture
def started(bundle, small):
    """Makes three worlds at different frames, one of them just edited."""

    def start():
        worlds = [World(bundle) for _ in range(COUNT)]
        for number, world in enumerate(worlds):
            world.reset(small.draw_prompts(COUNT)[number], seed=number)
            small.play(world, small.actions_of(4 * number, seed=number))
        worlds[1].edit(np.array([3, -1, -1, 0, -1, 7]))
        return worlds

    return start


def tokens(world):
    return world.session.ids(range(len(world.session)))


def play(worlds, keys, sit_out):
    """Step all, but one that sits out some frames; returns the pictures of each."""
    pictures = [[] for _ in worlds]
    for t, row in enumerate(keys):
        here = [i for i in range(len(worlds)) if not (i == sit_out and t % 3 == 1)]
        shown = step_together([worlds[i] for i in here], [row[i] for i in here])
        for i, picture in zip(here, shown, strict=True):
            pictures[i].append(picture)
        if t % 2:
            commit_together([worlds[i] for i in here])
    return pictures


def test_each_plays_as_alone_also_where_one_sits_out(started, small):
    keys = np.array(small.actions_of(STEPS * COUNT)).reshape(STEPS, COUNT).tolist()
    together, alone = started(), started()
    pictures = play(together, keys, sit_out=2)
    for i, world in enumerate(alone):
        own = [row[i] for t, row in enumerate(keys) if not (i == 2 and t % 3 == 1)]
        expected = small.play(world, own)
        assert np.array_equal(tokens(world), tokens(together[i]))
        # Another batch size may sum in another order: a byte may round the other way.
        assert np.abs(np.array(expected, int) - np.array(pictures[i], int)).max() <= 1


@pytest.mark.parametrize("wrong", ["positions", "visible"])
def test_a_wrong_frame_number_or_history_would_be_seen(started, small, wrong, monkeypatch):
    keys = np.array(small.actions_of(STEPS * COUNT)).reshape(STEPS, COUNT).tolist()
    expected, together = started(), started()
    play(expected, keys, sit_out=2)
    if wrong == "positions":
        wrong = property(lambda cache: [5 * part.position for part in cache.parts])
        monkeypatch.setattr(JoinedCache, "positions", wrong)
    else:

        def itself_alone(cache):
            slot = torch.arange(cache.slots + 1)
            return (slot == cache.slots).expand(len(cache.parts), 1, 1, -1)

        monkeypatch.setattr(JoinedCache, "visible", itself_alone)
    play(together, keys, sit_out=2)
    same = [np.array_equal(tokens(a), tokens(b)) for a, b in zip(expected, together, strict=True)]
    assert not all(same)


def test_an_action_that_there_is_not_moves_nobody(started):
    worlds = started()
    before = [len(world.session) for world in worlds]
    with pytest.raises(ValueError, match="out of range"):
        step_together(worlds, [0, 0, 9])
    assert [len(world.session) for world in worlds] == before


def test_caches_of_other_kinds_do_not_join(bundle, monkeypatch):
    assert can_join(bundle)
    monkeypatch.setattr(bundle.dynamics, "new_cache", lambda batch, start=0: [])
    assert not can_join(bundle)
