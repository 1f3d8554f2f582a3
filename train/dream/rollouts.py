"""The rollouts of one update of an agent: what it saw, chose and earned."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from genie.agents.policy import PolicyNetwork
from genie.device import device_of
from genie.frames import to_models
from train.dream.task import Task


class ActorCritic(nn.Module):
    """A policy, and what it expects to earn from a frame on."""

    def __init__(self, policy: PolicyNetwork) -> None:
        """Build it around a policy, which begins without a preference."""
        super().__init__()
        self.policy = policy
        self.value = nn.Linear(policy.config.hidden, 1)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)
        with torch.no_grad():
            policy.choose[-1].weight.mul_(0.01)

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (B, A) and values (B,) of float32 (B, 2, 3, H, W) in [0, 1]."""
        features = self.policy.features(frames)
        return self.policy.choose[-1](features), self.value(features)[:, 0]


@dataclass(frozen=True, kw_only=True)
class Rollouts:
    """T steps of B episodes, in one row.

    Attributes:
        seen: uint8 (T·B, 2, H, W, 3), the frame before and the last one.
        actions: int64 (T·B,), what was chosen.
        log_chances: float32 (T·B,), the logarithm of how probable that was.
        advantages: float32 (T·B,), how much better than expected it went.
        returns: float32 (T·B,), what the value is fitted to.
        reward: mean reward of a step.
    """

    seen: np.ndarray
    actions: Tensor
    log_chances: Tensor
    advantages: Tensor
    returns: Tensor
    reward: float


@torch.inference_mode()
def collect(
    network: ActorCritic,
    task: Task,
    number: int,
    length: int,
    discount: float,
    trace: float,
    generator: torch.Generator,
) -> Rollouts:
    """Let an agent act.

    Args:
        network: the agent.
        task: where.
        number: of the update.
        length: T.
        discount: γ, of a reward a step later.
        trace: λ, of `advantages_of`.
        generator: draws the actions.
    """
    frames, before = task.begin(number)
    seen, actions, log_chances, values, rewards, ended = [], [], [], [], [], []
    for _ in range(length):
        pair = np.stack([before, frames], axis=1)
        logits, value = network(to_models(pair, device_of(network)))
        chances = logits.log_softmax(dim=1).cpu()
        chosen = torch.multinomial(chances.exp(), 1, generator=generator)
        outcome = task.step(chosen[:, 0].numpy())
        seen.append(pair)
        actions.append(chosen[:, 0])
        log_chances.append(chances.gather(1, chosen)[:, 0])
        values.append(value.cpu())
        rewards.append(torch.from_numpy(outcome.rewards))
        ended.append(torch.from_numpy(outcome.ended))
        # The frame before that of an episode's first frame is the same one, as in play.
        over = outcome.ended[:, None, None, None]
        before, frames = np.where(over, outcome.frames, frames), outcome.frames
    last = network(to_models(np.stack([before, frames], axis=1), device_of(network)))[1].cpu()
    stacked = torch.stack([*values, last])  # (T + 1, B)
    gained = advantages_of(torch.stack(rewards), stacked, torch.stack(ended), discount, trace)
    return Rollouts(
        seen=np.concatenate(seen),
        actions=torch.cat(actions),
        log_chances=torch.cat(log_chances),
        advantages=gained.flatten(),
        returns=(gained + stacked[:-1]).flatten(),
        reward=float(torch.stack(rewards).mean()),
    )


def advantages_of(
    rewards: Tensor, values: Tensor, ended: Tensor, discount: float, trace: float
) -> Tensor:
    """Return how much better each step went than the values expected, float32 (T, B).

    Args:
        rewards: float32 (T, B).
        values: float32 (T + 1, B), of the frames before each step, and of the last ones.
        ended: bool (T, B), whether the step ended its episode.
        discount: γ, 0 to 1.
        trace: λ, 0 to 1: how far rewards are followed before the values are trusted.

    Source: generalized advantage estimation (Schulman et al. 2015).
    """
    goes_on = (~ended).float()
    gained = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[0])
    for step in reversed(range(len(rewards))):
        ahead = rewards[step] + discount * values[step + 1] * goes_on[step] - values[step]
        following = ahead + discount * trace * goes_on[step] * following
        gained[step] = following
    return gained
