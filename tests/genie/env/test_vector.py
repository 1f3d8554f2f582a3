"""Many episodes in one batch are those of as many single environments."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from genie.env import WorldVectorEnv

COUNT, STEPS = 3, 50


def make(folder, mode=None, **options):
    return gymnasium.make_vec(
        "genie_worlds/World-v0",
        num_envs=COUNT,
        vectorization_mode=mode,
        world=folder,
        **options,
    )


def actions_of(steps, seed=0):
    return np.random.default_rng(seed).integers(0, 4, (steps, COUNT))


def play(env, seed, steps=STEPS, options=None):
    """All that an environment returns, from reset on."""
    observed, info = env.reset(seed=seed, options=options)
    zeros, never = np.zeros(COUNT), np.zeros(COUNT, bool)
    first = (observed, zeros, never, never, info)
    return [first, *(env.step(actions) for actions in actions_of(steps))]


def reward_of(tokens, frame, action):
    return float(tokens.sum() % 5 + action)


@pytest.mark.parametrize(("seed", "steps"), [(5, STEPS), ([4, 5, 2], 9)])
def test_it_returns_what_single_environments_do(world_folder, seed, steps):
    options = {"max_episode_steps": 7, "reward": reward_of, "observation": "tokens"}
    many, single = make(world_folder, **options), make(world_folder, "sync", **options)
    assert isinstance(many.unwrapped, WorldVectorEnv)
    for one, other in zip(play(many, seed, steps), play(single, seed, steps), strict=True):
        for mine, theirs in zip(one[:4], other[:4], strict=True):
            assert np.array_equal(mine, theirs) and mine.dtype == theirs.dtype
        assert one[4].keys() == other[4].keys()
        for name in one[4]:
            assert np.array_equal(one[4][name], other[4][name])
            assert one[4][name].dtype == other[4][name].dtype
    for name in ("observation_space", "action_space", "single_observation_space"):
        assert getattr(many, name) == getattr(single, name)
    assert many.metadata == single.metadata
    assert many.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


def test_a_seed_brings_every_byte_again(world_folder):
    env = make(world_folder, max_episode_steps=9, render_mode="rgb_array")
    runs = [np.stack([step[0] for step in play(env, seed, 20)]) for seed in (3, 3, 4)]
    assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])
    assert all(frames in env.observation_space for frames in runs[0])
    assert np.array_equal(np.stack(env.render()), runs[2][-1])


def test_what_is_returned_is_the_callers_own(world_folder):
    env = make(world_folder, max_episode_steps=4)
    expected = [step[0] for step in play(env, 0, 12)[1:]]
    first, _ = env.reset(seed=0)
    first[:] = 0
    for frames, actions in zip(expected, actions_of(12), strict=True):
        observed, _, _, truncated, info = env.step(actions)
        assert np.array_equal(observed, frames)
        observed[:], truncated[:], info["tokens"][:] = 0, False, 0


def test_an_episode_ends_and_begins_while_the_others_go_on(still_folder, monkeypatch):
    env = make(still_folder, truncate_on_drift=True, max_episode_steps=None).unwrapped
    env.reset(seed=0)
    env._batch.start([1], [env._batch.choose(env._rngs[1], None)])
    for _ in range(20):
        env.step(np.ones(COUNT, int))
    env._begin([1])  # 20 frames behind
    ends = [env.step(np.ones(COUNT, int))[3] for _ in range(150)]
    first = [int(np.argmax(column)) for column in np.stack(ends).T]
    assert first[0] == first[2] == first[1] - 20
    assert env._steps.tolist() == [150 + 20 - 96] + [150 - 96] + [150 + 20 - 96]


def test_states_continue_all_episodes_or_one_in_all(world_folder):
    env = make(world_folder)
    first = play(env, 6, STEPS)
    states = first[10][4]["state"]
    again, _ = env.reset(options={"state": states})
    assert np.array_equal(again, first[10][0])
    for actions, step in zip(actions_of(STEPS)[10:], first[11:], strict=True):
        assert np.array_equal(env.step(actions)[4]["tokens"], step[4]["tokens"])
    copies, _ = env.reset(options={"state": states[1]})
    assert np.array_equal(copies, np.stack([first[10][0][1]] * COUNT))
    prompts, _ = env.reset(options={"prompt": [0, 1, 0]})
    assert np.array_equal(prompts[0], prompts[2]) and not np.array_equal(prompts[0], prompts[1])


@pytest.mark.parametrize(
    ("reset", "complaint"),
    [
        ({"seed": [1, 2]}, "2 seeds for 3 episodes"),
        ({"options": {"prompt": [0]}}, "1 prompts for 3 episodes"),
        ({"options": {"level": 1}}, "no option 'level'"),
    ],
)
def test_what_fits_other_numbers_of_episodes_is_refused(world_folder, reset, complaint):
    with pytest.raises(ValueError, match=complaint):
        make(world_folder).reset(**reset)


def test_a_render_mode_that_there_is_not_is_refused(world_folder):
    with pytest.raises(ValueError, match="'ansi': choose rgb_array, or None"):
        WorldVectorEnv(COUNT, world=world_folder, render_mode="ansi")
