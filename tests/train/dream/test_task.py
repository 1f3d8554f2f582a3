"""A world as a task to learn in."""

import numpy as np
import pytest
import torch

from genie.library.bundle import load_bundle
from train.dream.task import Dream, encode_frames

COUNT = 3


@pytest.fixture(scope="module")
def world(finished):
    return load_bundle(finished.out / "world")


@pytest.fixture(scope="module")
def starts(finished):
    return finished.corpus.read(0, 40)


def dream(world, starts, reward=None, **options):
    nothing = lambda tokens, actions: torch.zeros(len(actions))  # noqa: E731
    return Dream(world, starts, reward or nothing, COUNT, **options)


def shown(task, number, steps=3):
    frames, before = task.begin(number)
    assert np.array_equal(frames, before)
    rng = np.random.default_rng(0)
    actions = rng.integers(0, task.num_actions, (steps, COUNT))
    return np.stack([frames, *(task.step(row).frames for row in actions)])


def test_the_same_update_dreams_the_same_and_another_one_another(world, starts):
    first = shown(dream(world, starts), 5)
    again = dream(world, starts)
    assert not np.array_equal(shown(again, 4), first)
    assert np.array_equal(shown(again, 5), first)
    assert not np.array_equal(shown(dream(world, starts, seed=1), 5), first)


def test_episodes_begin_at_the_frames_given(world, starts):
    task = dream(world, starts)
    task.begin_at(starts[4 : 4 + COUNT])
    assert torch.equal(task.tokens, encode_frames(world, starts[4 : 4 + COUNT]))


def test_an_update_after_other_episodes_is_as_without_them(world, starts):
    task = dream(world, starts)
    task.begin_at(starts[: 2 * COUNT])
    assert len(task.step(np.zeros(2 * COUNT, np.int64)).frames) == 2 * COUNT
    assert np.array_equal(shown(task, 5), shown(dream(world, starts), 5))


def test_the_reward_is_of_the_tokens_where_the_action_is_chosen(world, starts):
    seen = []

    def reward(tokens, actions):
        seen.append((tokens.clone(), actions.tolist()))
        return actions.float() / 10

    task = dream(world, starts, reward)
    task.begin(0)
    first = task.tokens.clone()
    outcome = task.step(np.array([0, 1, 1]))
    assert torch.equal(seen[0][0], first) and seen[0][1] == [0, 1, 1]
    assert np.allclose(outcome.rewards, [0.0, 0.1, 0.1]) and not outcome.ended.any()


def test_a_reward_can_end_an_episode_and_only_that_one_begins_anew(world, starts):
    def reward(tokens, actions):
        return actions.float()

    ending, going_on = (dream(world, starts, reward, ends=ends) for ends in (True, False))
    actions = np.array([0, 1, 0])
    for task in (ending, going_on):
        task.begin(0)
    ended, other = ending.step(actions), going_on.step(actions)
    assert ended.ended.tolist() == [False, True, False] and not other.ended.any()
    assert np.array_equal(ended.frames[[0, 2]], other.frames[[0, 2]])
    known = encode_frames(world, starts)
    assert (known == ending.tokens[1]).all(dim=1).any()
    after = ending.step(np.zeros(COUNT, np.int64)), going_on.step(np.zeros(COUNT, np.int64))
    assert np.array_equal(after[0].frames[[0, 2]], after[1].frames[[0, 2]])


def test_starts_of_another_size_are_refused(world, starts):
    for given in (starts[:, :8], starts[:0]):
        with pytest.raises(ValueError, match="begins at frames uint8"):
            dream(world, given)
