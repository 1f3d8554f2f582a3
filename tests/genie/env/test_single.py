"""A world as an environment: what Gymnasium asks for, and the frames of the world itself."""

import warnings
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from genie.env import WorldEnv
from genie.library.catalog import list_worlds

KEYS = [1, 2, 2, 3, 0, 1]


@pytest.fixture
def env(bundle):
    return WorldEnv(bundle, render_mode="rgb_array")


def episode(env, keys=KEYS, **reset):
    """Every observation of an episode."""
    return np.stack([env.reset(**reset)[0], *(env.step(key)[0] for key in keys)])


@pytest.mark.parametrize("observation", ["pixels", "tokens"])
def test_gymnasium_finds_nothing_to_complain_of(world_folder, observation):
    env = gymnasium.make(
        "genie_worlds/World-v0",
        world=world_folder,
        observation=observation,
        render_mode="rgb_array",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_every_world_that_ships_is_registered_and_episodes_are_cut():
    ids = {f"genie_worlds/{card.title}-v0": card.alias for card in list_worlds()}
    for id, alias in ids.items():
        assert gymnasium.spec(id).kwargs == {"world": alias}
    assert "genie_worlds/CoinRun-v0" in ids
    env = gymnasium.make("genie.env:genie_worlds/Miner-v0", max_episode_steps=2)
    assert env.reset(seed=0)[0].shape == (56, 56, 3) and env.metadata["render_fps"] == 8
    assert not env.step(0)[3] and env.step(0)[3]


def test_frames_and_states_are_those_of_the_world(env, world, small):
    prompt = small.draw_prompts(3)[2]
    observed, info = env.reset(seed=3, options={"prompt": prompt})
    assert np.array_equal(observed, world.reset(prompt, seed=info["state"].load().seed))
    for key in KEYS:
        observed, reward, terminated, truncated, info = env.step(key)
        assert np.array_equal(observed, world.step(key))
        assert (reward, terminated, truncated) == (0.0, False, False)
        assert np.array_equal(info["tokens"], world.session[world.head].ids)
        assert np.array_equal(env.render(), observed)
    one, other = info["state"].load(), world.save_state()
    assert one.ids.equal(other.ids) and one.prev_actions.equal(other.prev_actions)
    assert (one.seed, one.settings) == (other.seed, other.settings)
    world.load_state(one)
    assert np.array_equal(env.step(1)[0], world.step(1))


def test_a_seed_brings_everything_again_and_each_episode_is_another(env, bundle):
    first, second = episode(env, seed=7), episode(env)
    assert np.array_equal(episode(env, seed=7), first)
    assert np.array_equal(episode(env), second)
    assert not np.array_equal(first, second)
    firsts = {episode(env, [], seed=seed).tobytes() for seed in range(8)}
    assert len(firsts) == len(bundle.prompts)


def test_a_prompt_is_chosen_by_its_number_or_given(env, bundle):
    for number, prompt in enumerate(bundle.prompts):
        shown = episode(env, seed=1, options={"prompt": number})
        assert np.array_equal(shown, episode(env, seed=1, options={"prompt": prompt}))
    with pytest.raises(ValueError, match="prompt 2 of 2"):
        env.reset(options={"prompt": 2})
    with pytest.raises(ValueError, match="resize the picture"):
        env.reset(options={"prompt": np.zeros((3, 3, 3), np.uint8)})
    with pytest.raises(ValueError, match="no option 'level': choose prompt, state"):
        env.reset(options={"level": 2})


def test_a_refused_reset_leaves_the_episode_as_it_was(env):
    expected = episode(env, [1, 2, 3], seed=2)
    episode(env, [1], seed=2)
    state = env.step(2)[4]["state"].load()
    for wrong in ({"prev_actions": state.prev_actions + 96}, {"seed": -5}):
        with pytest.raises(ValueError, match="the state has actions|a seed is"):
            env.reset(options={"state": replace(state, **wrong)})
    assert np.array_equal(env.step(3)[0], expected[-1])


def test_an_episode_continues_from_its_state(env, bundle):
    frames = episode(env, KEYS * 4, seed=2)
    env.reset(seed=2)
    for key in KEYS * 2:
        state = env.step(key)[4]["state"]
    other = WorldEnv(bundle)
    again = episode(other, KEYS * 2, seed=99, options={"state": state})
    assert np.array_equal(again, frames[len(KEYS) * 2 :])


def test_a_reward_sees_tokens_pixels_and_the_action(bundle):
    seen = []

    def reward(tokens, frame, action):
        seen.append((tokens, frame, action))
        return action / 2

    env = WorldEnv(bundle, observation="tokens", reward=reward)
    env.reset(seed=0)
    observed, rewarded, *_, info = env.step(3)
    ((tokens, frame, action),) = seen
    assert rewarded == 1.5 and action == 3 and frame.shape == (16, 24, 3)
    assert np.array_equal(tokens, observed) and observed in env.observation_space
    assert env.metadata["action_names"] == ("none", "left", "right", "up")


def test_an_episode_ends_once_play_has_drifted(still_folder):
    env = WorldEnv(still_folder, truncate_on_drift=True)
    _, info = env.reset(seed=0)
    ended = [env.step(1)[3:] for _ in range(96)]
    # Three windows of 64 frames, 16 apart, the prompt among them.
    assert [truncated for truncated, _ in ended].index(True) == 64 + 2 * 16 - 2
    assert all(info["drifted"] == truncated for truncated, info in ended) and not info["drifted"]
    env = WorldEnv(still_folder)
    env.reset(seed=0)
    assert not any(env.step(1)[3] for _ in range(96))


def test_what_a_world_cannot_do_is_refused(bundle):
    with pytest.raises(ValueError, match="no threshold of drift"):
        WorldEnv(bundle, truncate_on_drift=True)
    with pytest.raises(ValueError, match="'human': choose rgb_array, or None"):
        WorldEnv(bundle, render_mode="human")
    with pytest.raises(ValueError, match="choose pixels, tokens"):
        WorldEnv(bundle, observation="sound")
    with pytest.raises(ValueError, match="step before reset"):
        WorldEnv(bundle).step(0)
    with pytest.raises(FileNotFoundError, match="no world is called"):
        WorldEnv("nowhere")
