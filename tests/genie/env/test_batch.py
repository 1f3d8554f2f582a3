"""Episodes of one batch start anew by themselves, and play as they would alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dynamics.token_map import MappedCache
from genie.env.batch import WorldBatch
from genie.env.episode import EpisodeState
from genie.library.bundle import load_bundle
from genie.session.state import State
from spacetime.cache import TimeCache

STEPS = 50
STARTS = {0: (0, 1, 2), 3: (1,), 10: (0, 2), 11: (2,), 30: (0, 1)}
"""Frame of the batch, and which rows start there."""


@pytest.fixture(scope="module", params=["without a map", "with a map"])
def bundle(small, tmp_path_factory, request):
    moves = {"grid": (2, 3), "moves": ((0, 0), (0, -1), (0, 1), (-1, 0))}
    models = small.make_models(**(moves if request.param == "with a map" else {}))
    return load_bundle(small.write_world(tmp_path_factory.mktemp("batch") / "w", models))


def states_of(bundle, small):
    """As many states as there are starts: of one prompt frame and two, and of long histories."""
    batch, rng = WorldBatch(1, bundle), np.random.default_rng(0)
    pair = np.stack(small.draw_prompts(2, seed=5))
    states = []
    for number in range(sum(map(len, STARTS.values()))):
        state = batch.choose(rng, {"prompt": pair} if number % 3 == 1 else None)
        if number % 3 == 2:
            batch.start([0], [state])
            for action in small.actions_of(4 * number, seed=number):
                batch.step([action])
            state = batch.info()["state"][0].load()
        states.append(state)
    return states


def play(bundle, states, keys, rows=(0, 1, 2)):
    """Tokens (STEPS, b, N) and frames of some rows, each started when STARTS says."""
    batch, order, tokens, frames = WorldBatch(len(rows), bundle), iter(states), [], []
    for t in range(STEPS):
        starts = [(row, state) for row, state in zip(STARTS.get(t, ()), order, strict=False)]
        own = [(rows.index(row), state) for row, state in starts if row in rows]
        if t:
            batch.step(keys[t, list(rows)])
        if own:
            batch.start(*zip(*own, strict=True))
        tokens.append(batch.tokens.copy())
        frames.append(batch.frames.astype(int))
    return np.stack(tokens), np.stack(frames)


@pytest.fixture(scope="module")
def states(bundle, small):
    return states_of(bundle, small)


@pytest.fixture(scope="module")
def keys(small):
    return np.array(small.actions_of(STEPS * 3)).reshape(STEPS, 3)


@pytest.fixture(scope="module")
def together(bundle, states, keys):
    return play(bundle, states, keys)


@pytest.mark.parametrize("row", range(3))
def test_an_episode_plays_the_same_alone_as_among_others_that_start_anew(
    bundle, states, keys, together, row
):
    tokens, frames = play(bundle, states, keys, (row,))
    assert np.array_equal(tokens[:, 0], together[0][:, row])
    assert np.abs(frames[:, 0] - together[1][:, row]).max() <= 1


def test_the_history_of_the_episode_before_would_be_seen(
    bundle, states, keys, together, monkeypatch
):
    take_rows = TimeCache.take_rows

    def too_long(cache, rows, other):
        take_rows(cache, rows, other)
        cache.joined[rows] = 0

    monkeypatch.setattr(TimeCache, "take_rows", too_long)
    assert not np.array_equal(play(bundle, states, keys)[0], together[0])


def test_all_episodes_that_start_at_once_are_as_in_a_fresh_batch(bundle, states, keys, together):
    batch = WorldBatch(3, bundle)
    batch.start(range(3), states[3:6])
    for t in range(7):
        batch.step(keys[t])
    batch.start(range(3), states[:3])
    for t in range(1, 3):
        batch.step(keys[t])
        assert np.array_equal(batch.tokens, together[0][t])
        assert np.array_equal(batch.frames, together[1][t])


def test_a_state_is_that_of_its_frame_and_survives_the_disk(bundle, states, keys, tmp_path):
    batch = WorldBatch(3, bundle)
    batch.start(range(3), states[:3])
    batch.step(keys[1])
    noted = batch.info()["state"]
    batch.step(keys[2])
    after = batch.tokens.copy()
    assert noted[0] != noted[1] and noted[1] != batch.info()["state"][1]
    for row in range(3):
        noted[row].load().save(tmp_path / str(row))
        alone = WorldBatch(1, bundle)
        alone.start([0], [State.load(tmp_path / str(row))])
        alone.step(keys[2, [row]])
        assert np.array_equal(alone.tokens[0], after[row])
        assert alone.info()["state"][0] == batch.info()["state"][row]


def test_after_an_edit_only_what_follows_it_is_history(world, bundle, small):
    world.reset(small.draw_prompts()[0], seed=4)
    small.play(world, [1, 2, 3])
    world.edit(np.array([3, -1, -1, 0, -1, 7]))
    small.play(world, [2])
    state = world.save_state()
    world.step(1)
    expected = world.session[world.head].ids
    batch = WorldBatch(2, bundle)
    batch.start(range(2), [state] * 2)
    batch.step([1, 1])
    assert np.array_equal(batch.tokens, np.stack([expected] * 2))
    batch.start([1], [state])
    batch.step([0, 1])
    assert np.array_equal(batch.tokens[1], expected)


def test_the_map_goes_with_its_episode(bundle, states, keys, together, monkeypatch):
    if bundle.dynamics.map_layout is None:
        return
    monkeypatch.setattr(MappedCache, "take_rows", TimeCache.take_rows)
    assert not np.array_equal(play(bundle, states, keys)[0], together[0])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"fingerprint": "0" * 64}, "not one of this world"),
        ({"ids": torch.full((1, 6), 16, dtype=torch.int32)}, "other tokens than this world"),
        ({"ids": torch.zeros((1, 5), dtype=torch.int32)}, "other tokens than this world"),
        ({"ids": torch.zeros((0, 6), dtype=torch.int32)}, "0 frames, 1 actions and 1 settings"),
        ({"ids": torch.zeros((2, 6), dtype=torch.int32)}, "2 frames, 1 actions and 1 settings"),
        ({"settings": ()}, "1 frames, 1 actions and 0 settings"),
        ({"prev_actions": torch.tensor([5])}, "actions 5 to 5, this world 0 to 3"),
        ({"prev_actions": torch.tensor([-1])}, "actions -1 to -1, this world 0 to 3"),
        ({"edited": (1,)}, r"frames \(1,\) were edited, of 1"),
        ({"seed": -5}, "a seed is a whole number from 0"),
    ],
)
def test_states_of_other_worlds_and_damaged_ones_are_refused(bundle, states, change, complaint):
    batch = WorldBatch(1, bundle)
    with pytest.raises(ValueError, match=complaint):
        batch.choose(np.random.default_rng(0), {"state": replace(states[0], **change)})


def test_a_start_that_fails_leaves_play_as_it_was(bundle, states, monkeypatch):
    def played(broken):
        batch = WorldBatch(2, bundle)
        batch.start([0, 1], states[:2])
        batch.step([1, 2])
        if broken:
            with monkeypatch.context() as patch, pytest.raises(IndexError):
                patch.setattr(batch, "_histories", lambda states: [][0])
                batch.start([0, 1], states[2:4])
        batch.step([3, 0])
        return batch.tokens

    assert np.array_equal(played(broken=True), played(broken=False))


@pytest.mark.parametrize(
    ("actions", "complaint"),
    [([0, 1], r"whole numbers \(3,\)"), ([0.0, 1.0, 2.0], "whole numbers"), ([0, 4, 0], "0 to 3")],
)
def test_actions_that_there_are_not_are_refused(bundle, states, actions, complaint):
    batch = WorldBatch(3, bundle)
    batch.start(range(3), states[:3])
    with pytest.raises(ValueError, match=complaint):
        batch.step(actions)


def test_models_whose_caches_cannot_start_rows_are_refused_in_batches(bundle, monkeypatch):
    monkeypatch.setattr(bundle.dynamics, "new_cache", lambda batch, start=0: [])
    WorldBatch(1, bundle)
    with pytest.raises(ValueError, match='vectorization_mode="sync"'):
        WorldBatch(2, bundle)


def test_a_state_costs_nothing_until_it_is_loaded(bundle, states, monkeypatch):
    batch = WorldBatch(1, bundle)
    batch.start([0], states[:1])
    monkeypatch.setattr(EpisodeState, "load", None)
    batch.info()
