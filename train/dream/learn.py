"""An agent learns by proximal policy optimization, in a dream or in a game."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from corpus.progress import progress_bar
from genie.agents.policy import Policy, PolicyConfig, PolicyNetwork
from genie.device import pick_device
from genie.frames import to_models
from spacetime.seeds import seed_of
from train.dream.rollouts import ActorCritic, Rollouts, collect
from train.dream.task import Task
from train.loop.checkpoint import read_checkpoint, save_checkpoint
from train.loop.clock import Clock
from train.loop.module import FitModule, FitPlan
from train.loop.optim import MuonAdamW, update_ema
from train.policy.beginning import check_beginning, write_beginning
from train.recipe import FitConfig


@dataclass(frozen=True, kw_only=True)
class DreamMethod:
    """How an agent learns.

    Attributes:
        length: steps of each episode an update.
        epochs: how often an update goes through its steps.
        clip: how far the chance of an action may move within an update, as a fraction.
        discount: γ, of a reward a step later.
        trace: λ of the advantages.
        entropy: weight of the entropy of the choice, which keeps the agent trying.
        value: weight of the loss of the values.

    Source: Schulman et al. 2017, Proximal Policy Optimization Algorithms; the values are usual.
    """

    length: int = 32
    epochs: int = 4
    clip: float = 0.2
    discount: float = 0.95
    trace: float = 0.95
    entropy: float = 0.03
    value: float = 0.5


FIT = FitConfig(share=1.0, steps=60, batch=128, frames=2, lr=1e-3, ema=0.8, clip_norm=0.5)
"""How the network is fitted; a step is one update."""


class AgentModule(FitModule):
    """An agent that learns; a step of its clock is one update."""

    METHOD = DreamMethod

    def improve(self, rollouts: Rollouts, optimizer: MuonAdamW, generator: torch.Generator) -> None:
        """Go through the steps of one update."""
        for _ in range(self.method.epochs):
            order = torch.randperm(len(rollouts.actions), generator=generator)
            for rows in order.split(self.fit_config.batch):
                optimizer.zero_grad()
                self.loss_of(rollouts, rows).backward()
                weights = self.model.parameters()
                torch.nn.utils.clip_grad_norm_(weights, self.fit_config.clip_norm)
                optimizer.step()

    def loss_of(self, rollouts: Rollouts, rows: Tensor) -> Tensor:
        """Return the loss of some steps of an update."""
        method, device = self.method, self.device
        logits, values = self.model(to_models(rollouts.seen[rows.numpy()], device))
        chances = logits.log_softmax(dim=1)
        actions, before = rollouts.actions[rows].to(device), rollouts.log_chances[rows].to(device)
        gained = rollouts.advantages[rows].to(device)
        # A rest of one row has no spread, and its unbiased estimate would be 0 / 0.
        spread = gained.std(correction=min(1, len(rows) - 1))
        gained = (gained - gained.mean()) / (spread + 1e-6)
        moved = (chances.gather(1, actions[:, None])[:, 0] - before).exp()
        near = moved.clamp(1 - method.clip, 1 + method.clip)
        choice = -torch.minimum(moved * gained, near * gained).mean()
        entropy = -(chances.exp() * chances).sum(dim=1).mean()
        error = (values - rollouts.returns[rows].to(device)).square().mean()
        return choice + method.value * error - method.entropy * entropy


def learn(
    task: Task,
    size: tuple[int, int],
    folder: Path,
    *,
    updates: int = FIT.steps,
    method: DreamMethod | None = None,
    seed: int = 0,
    made_of: Mapping[str, str] | None = None,
) -> tuple[Policy, list[float]]:
    """Let an agent learn; a checkpoint in `folder` is gone on with if it was begun in the same way.

    What is resumed in a `Dream` comes to the same weights as what ran through.

    Args:
        task: where it acts.
        size: height and width of a frame.
        folder: where its checkpoint lies.
        updates: how many; each is `method.length` steps of every episode of the task.
        method: the numbers of the method.
        seed: of the weights and of every draw.
        made_of: texts that tell this task from others, such as the world's fingerprint and that of
            what is rewarded. They are noted in `folder`, with the numbers above.

    Returns:
        The policy, and the mean reward of a step for each update.

    Raises:
        ValueError: `updates` is less than 1, the checkpoint is damaged or of other sizes, it was
            begun with other numbers or in another task, or does not say so; or a weight is not a
            number.
    """
    if updates < 1:
        raise ValueError(f"updates is {updates}: an agent learns by 1 or more")
    noted = {
        **(made_of or {}),
        "seed": str(seed),
        "number of updates": str(updates),
        "method": str(method or DreamMethod()),
        "frame size": f"{size[0]}x{size[1]}",
    }
    check_beginning(folder, noted, "choose another folder")
    module = _new_module(task, size, updates, method, seed)
    write_beginning(folder, noted)
    optimizer, clock = MuonAdamW(module.model, module.fit_config), module.clock
    if (saved := read_checkpoint(folder, module)) is not None:
        module.load_state_dict(saved["state_dict"])
        optimizer.load_state_dict(saved["optimizer_states"][0])
    rewards = [module.extra[f"reward {update}"] for update in range(clock.step)]
    clock.start()
    with progress_bar(
        "learning", updates, unit="updates", status=lambda: f"reward {(rewards or [0])[-1]:.3f}"
    ) as tick:
        tick(clock.step)
        while not clock.finished:
            generator = torch.Generator().manual_seed(seed_of(seed, clock.step))
            optimizer.scale_lr(1 - clock.progress)
            act = module.method
            rollouts = collect(
                module.model, task, clock.step, act.length, act.discount, act.trace, generator
            )
            module.improve(rollouts, optimizer, generator)
            rewards.append(rollouts.reward)
            module.extra[f"reward {clock.step}"] = rollouts.reward
            clock.step += 1
            clock.read()
            update_ema(module.average, module.model, module.fit_config.ema, clock.step)
            save_checkpoint(folder, module, optimizer)
            tick(1)
    return Policy(network=module.average.policy.eval()), rewards


def _new_module(
    task: Task, size: tuple[int, int], updates: int, method: DreamMethod | None, seed: int
) -> AgentModule:
    torch.manual_seed(seed)
    config = PolicyConfig(height=size[0], width=size[1], num_actions=task.num_actions)
    plan = FitPlan(fit=FIT, clock=Clock(total_steps=updates), seed=seed, method=method)
    return AgentModule(ActorCritic(PolicyNetwork(config)), plan).to(pick_device())
