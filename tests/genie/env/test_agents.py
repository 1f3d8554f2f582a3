"""Agents of others learn in a world whose best policy is known."""

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
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


def test_ppo_of_stable_baselines_learns_a_task_in_a_world(options):
    envs = make_vec_env("genie_worlds/World-v0", n_envs=8, seed=0, env_kwargs=options)
    numbers = {"n_steps": 48, "batch_size": 96, "learning_rate": 5e-3, "gamma": 0.9}
    agent = PPO("MlpPolicy", envs, **numbers, seed=0, device="cpu")
    before, _ = evaluate_policy(agent, envs, n_eval_episodes=16)
    agent.learn(4000)
    after, _ = evaluate_policy(agent, envs, n_eval_episodes=32)
    print(before, after, BEST)
    assert before < 0.5 * BEST and after >= 0.9 * BEST


def test_a_loop_over_a_vector_environment_learns(options):
    """Policy gradients in the manner of CleanRL: one file, one loop, Gymnasium's wrappers."""
    envs = gymnasium.make_vec("genie_worlds/World-v0", num_envs=32, **options)
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(envs)
    torch.manual_seed(0)
    policy = nn.Linear(CELLS, int(envs.single_action_space.n))
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.1)
    observed, _ = envs.reset(seed=0)
    returns = []
    for _ in range(25):
        rewards, chosen, playing = [], [], []
        for _ in range(STEPS + 1):  # the last step begins the next episode
            choices = torch.distributions.Categorical(logits=policy(torch.tensor(observed).float()))
            actions = choices.sample()
            observed, reward, terminated, truncated, info = envs.step(actions.numpy())
            rewards.append(torch.tensor(reward))
            chosen.append(choices.log_prob(actions))
            playing.append(torch.tensor(~(terminated | truncated)))
            if "episode" in info:
                returns.append(info["episode"]["r"].mean())
        gains = torch.stack(rewards).flip(0).cumsum(0).flip(0)[:-1]
        loss = -((gains - gains.mean(1, keepdim=True)) * torch.stack(chosen)[:-1]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(returns, BEST)
    assert returns[0] < 0.5 * BEST and np.mean(returns[-3:]) >= 0.9 * BEST
