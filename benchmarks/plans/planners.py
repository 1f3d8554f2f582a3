"""What makes plans: the search, and simpler ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.latent_actions.entries import find_entry
from genie.frames import encode_prompt
from genie.library.bundle import Bundle
from genie.plan import Plan, PlanLimits, find_plan
from genie.plan.guides import REACHED, share_of
from genie.plan.imagination import Moment, imagine
from genie.rollouts.rollout import Rollout
from train.export import load_model

Planner = Callable[[Bundle, np.ndarray, np.ndarray, PlanLimits], Plan]


def shoot(bundle: Bundle, start: np.ndarray, goal: np.ndarray, limits: PlanLimits) -> Plan:
    """Imagine random held keys, and take those whose frame has most of the goal's tokens."""
    steps = limits.steps
    rollout, here, there = _begin(bundle, start, goal, count := max(1, limits.frames // steps))
    rng = np.random.default_rng(0)
    actions = np.zeros((count, steps), np.int64)
    for row in actions:
        at = 0
        while at < steps:
            held = int(rng.integers(1, steps + 1))
            row[at : at + held] = rng.integers(bundle.num_actions)
            at += held
    best = (share_of(here, there), 0, 0)
    for step in range(steps):
        column = torch.from_numpy(actions[:, step].copy())
        ids = rollout.draw(column)
        rollout.commit(ids, column)
        for row, one in enumerate(ids.cpu()):
            best = max(best, (share_of(one, there), row, step + 1))
    share, row, length = best
    chosen = tuple(int(action) for action in actions[row, :length])
    return Plan(actions=chosen, reached=share >= REACHED, share=share, imagined=count * steps)


def follow(bundle: Bundle, start: np.ndarray, goal: np.ndarray, limits: PlanLimits) -> Plan:
    """Take, again and again, the action that the action model reads off a picture and the goal."""
    rollout, here, there = _begin(bundle, start, goal, 1)
    moment = Moment(ids=here, rollout=rollout)
    target = torch.from_numpy(goal).to(bundle.device).movedim(-1, 0)[None].float() / 255
    while moment.depth < limits.steps and share_of(moment.ids, there) < REACHED:
        with torch.inference_mode():
            shown = bundle.tokenizer.decode(moment.ids[None, None].to(bundle.device))[:, 0]
            action = int(bundle.lam.infer(torch.stack([shown, target], dim=1))[0, 0])
        (moment,) = imagine([moment], [action])
    share = share_of(moment.ids, there)
    return Plan(
        actions=moment.actions, reached=share >= REACHED, share=share, imagined=moment.depth
    )


def by_encoder(run: Path) -> Planner:
    """Return the search by the distances of a learned encoder.

    Args:
        run: folder in which the yardstick has fitted its entry `jepa`.
    """
    find_entry("jepa").register()
    encoder = load_model(run / "lam", "lam").encoder.frames.eval().requires_grad_(False)
    return lambda *given: find_plan(*given, distance=encoder)


def _begin(
    bundle: Bundle, start: np.ndarray, goal: np.ndarray, count: int
) -> tuple[Rollout, torch.Tensor, torch.Tensor]:
    here, there = (encode_prompt(bundle, each[None])[0][0, 0] for each in (start, goal))
    rollout = Rollout(bundle, [0] * count, bundle.settings)
    rollout.reset(here.expand(count, 1, -1), here.new_zeros((count, 0)))
    return rollout, here.cpu(), there.cpu()


ANEW = "search, anew after each key"
BY_ENCODER = "search by encoder"
PLANNERS: dict[str, Planner] = {
    "search": find_plan,
    ANEW: find_plan,
    "search by tokens": lambda *given: find_plan(*given, distance="tokens"),
    "search by pixels": lambda *given: find_plan(*given, distance="pixels"),
    "random shooting": shoot,
    "action model": follow,
}
