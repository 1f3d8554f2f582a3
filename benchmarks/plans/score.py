"""Plans tried in the real game."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.plans.goals import Game, Goal, Shown, play
from benchmarks.plans.planners import Planner
from genie.library.bundle import Bundle
from genie.plan import Plan, PlanLimits

DRAWS = 2000


@dataclass(frozen=True, kw_only=True)
class Try:
    """One planner on its way to one goal.

    Attributes:
        plan: the keys that were pressed.
        reached: whether they lead to the goal in the real game.
        seconds: that a plan took.
    """

    plan: Plan
    reached: bool
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Score:
    """How one planner did.

    Attributes:
        world: where plans were made.
        steps: how far away the goals were.
        planner: its name.
        goals: how many.
        reached: fraction of them that the plan reached in the real game.
        interval: of it, 95 %, over goals.
        claimed: fraction of them that the planner took to be reached.
        keys: mean length of a plan.
        imagined: mean number of frames that were imagined.
        seconds: median time of a plan.
    """

    world: str
    steps: int
    planner: str
    goals: int
    reached: float
    interval: tuple[float, float]
    claimed: float
    keys: float
    imagined: float
    seconds: float


def try_plan(bundle: Bundle, game: Game, goal: Goal, planner: Planner, limits: PlanLimits) -> Try:
    """Press the keys of one plan, all without looking up."""
    began = time.perf_counter()
    plan = planner(bundle, goal.start, goal.goal.picture, limits)
    seconds = time.perf_counter() - began
    shown = play(game, goal.seed, goal.before + _buttons(bundle, game, plan.actions))
    return Try(plan=plan, reached=_there(shown, goal, game), seconds=seconds)


def try_again(bundle: Bundle, game: Game, goal: Goal, planner: Planner, limits: PlanLimits) -> Try:
    """Press the first key of a plan, and make another one from all that was seen, until there."""
    pressed, seconds, imagined = [], 0.0, 0
    while True:
        shown = play(game, goal.seed, goal.before + pressed)
        if shown is None:
            break
        began = time.perf_counter()
        seen = np.stack([each.picture for each in shown[len(goal.before) :]])
        plan = planner(bundle, seen, goal.goal.picture, limits)
        seconds += time.perf_counter() - began
        imagined += plan.imagined
        if not plan.actions or len(pressed) == limits.steps:
            break
        pressed += _buttons(bundle, game, plan.actions[:1])
    # Only a planner that has no more key to press takes itself to be there.
    arrived = plan.reached and not plan.actions
    plan = replace(plan, actions=tuple(pressed), reached=arrived, imagined=imagined)
    seconds /= len(pressed) + 1
    return Try(plan=plan, reached=_there(shown, goal, game), seconds=seconds)


def _buttons(bundle: Bundle, game: Game, actions: Sequence[int]) -> list[int]:
    return [game.buttons[bundle.keymap.names[action]] for action in actions]


def _there(shown: list[Shown] | None, goal: Goal, game: Game) -> bool:
    return shown is not None and shown[-1].is_at(goal.goal, game.world_rows)


def score(world: str, steps: int, planner: str, tries: Sequence[Try]) -> Score:
    """Sum up how a planner did."""
    reached = np.array([each.reached for each in tries])
    drawn = np.random.default_rng(0).choice(reached, (DRAWS, len(reached))).mean(axis=1)
    return Score(
        world=world,
        steps=steps,
        planner=planner,
        goals=len(tries),
        reached=float(reached.mean()),
        interval=tuple(np.percentile(drawn, (2.5, 97.5)).round(3).tolist()),
        claimed=float(np.mean([each.plan.reached for each in tries])),
        keys=float(np.mean([len(each.plan.actions) for each in tries])),
        imagined=float(np.mean([each.plan.imagined for each in tries])),
        seconds=float(np.median([each.seconds for each in tries])),
    )
