"""Agents of others learn in a world whose best policy is known."""

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from torch import nn

import genie.env  # noqa: F401  (registers the worlds)

GOAL, STEPS, CELLS = 5, 12, 8
# From each cell straight to the goal, and there it stays.
BEST = np.mean([STEPS - max(abs(cell - GOAL), 1) + 1 for cell in range(CELLS)])


def at_goal(tokens, frame, action):
    return float(tokens[GOAL] == 1)


@pytest.fixture
def options(dot_folder):
    return {
        "world": dot_folder,
        "observation": "tokens",
        "reward": at_goal,
        "max_episode_steps": STEPS,
    }


def share_of_best(act, options):
    """The reward of one episode from each cell, as a fraction of the largest there can be."""
    envs = gymnasium.make_vec("genie_worlds/World-v0", num_envs=CELLS, **options)
    observed, _ = envs.reset(options={"prompt": list(range(CELLS))})
    rewards = 0.0
    for _ in range(STEPS):
        observed, reward, *_ = envs.step(act(observed))
        rewards += reward.mean()
    return rewards / BEST


def test_the_best_is_what_it_is_said_to_be(options):
    def towards(cells):
        return np.sign(GOAL - cells.argmax(axis=1)) + 1

    assert share_of_best(towards, options) == pytest.approx(1)


def test_ppo_of_stable_baselines_learns_a_task_in_a_world(options):
    envs = make_vec_env("genie_worlds/World-v0", n_envs=CELLS, seed=0, env_kwargs=options)
    numbers = {"n_steps": 24, "batch_size": 192, "n_epochs": 8, "learning_rate": 5e-3}
    agent = PPO("MlpPolicy", envs, **numbers, gamma=0.8, ent_coef=0.02, seed=0, device="cpu")

    def act(cells):
        return agent.predict(cells, deterministic=True)[0]

    assert share_of_best(act, options) < 0.5
    agent.learn(2000)
    assert share_of_best(act, options) >= 0.9


def test_a_loop_over_a_vector_environment_learns(options):
    """Policy gradients in the manner of CleanRL: one loop over Gymnasium's own wrappers."""
    envs = gymnasium.make_vec("genie_worlds/World-v0", num_envs=32, **options)
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(envs)
    torch.manual_seed(0)
    policy = nn.Linear(CELLS, int(envs.single_action_space.n))
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.1)
    observed, _ = envs.reset(seed=0)
    returns = []
    for _ in range(40):
        rewards, chosen = [], []
        for _ in range(STEPS):
            choices = torch.distributions.Categorical(logits=policy(torch.tensor(observed).float()))
            actions = choices.sample()
            observed, reward, _, truncated, info = envs.step(actions.numpy())
            rewards.append(torch.tensor(reward))
            chosen.append(choices.log_prob(actions))
        assert truncated.all()
        returns.append(info["episode"]["r"].mean())
        observed, *_ = envs.step(actions.numpy())  # begins the next episodes
        gains = torch.stack(rewards).flip(0).cumsum(0).flip(0)
        loss = -((gains - gains.mean(1, keepdim=True)) * torch.stack(chosen)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert returns[0] < 0.5 * BEST < returns[-1]

    def act(cells):
        return policy(torch.tensor(cells).float()).argmax(dim=1).numpy()

    assert share_of_best(act, options) >= 0.9
