"""How often a plan that is made in a world reaches its goal in the real game.

    python -m benchmarks.plans crafter miner [--steps 8 16 32] [--goals N] [--json FILE]

A goal is the picture after so many steps of real random play, with keys held for up to 16 steps in
Crafter and 4 in Miner, from a moment of real random play on levels that no world was trained on;
goals that look like the start are left out. A plan is made from the two pictures alone, and its
keys are pressed in the real game, played again to the same moment. It reached the goal if the
picture shows the same place: laid over the goal's without a shift at least `SAME` of its pixels are
the same, and more than with any shift by whole cells. What was dug on the way may differ.

Or it looks up after each key, and plans anew from all that it has seen, for twice as many keys.

Beside the search stand random shooting (as many imagined frames, the best end by its tokens), the
action model (it reads the action that leads to the goal off two pictures, time and again), and the
search by looks alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from corpus.games.base import Games
from corpus.games.crafter import CrafterGames
from corpus.games.policy import HeldActions
from corpus.games.procgen import ProcgenGames
from corpus.progress import progress_bar
from genie.frames import encode_prompt
from genie.library.bundle import Bundle, load_bundle
from genie.library.catalog import find_world
from genie.plan import Plan, PlanLimits, find_plan
from genie.plan.guides import REACHED, share_of
from genie.plan.imagination import Moment, imagine
from genie.rollout import Rollout

SAME = 0.8
LEVEL_OFFSET = 4_000_000
CELL = 8
SAME_LEVELS = 24  # of 255: a pixel that differs by less is the same
WARM_UP = (10, 60)
DRAWS = 2000


@dataclass(frozen=True, kw_only=True)
class Game:
    """A real game, and which of its buttons do what the world's actions are called.

    Attributes:
        kind: makes copies of it.
        env: its name.
        hold: the longest time that random play holds a button.
        actions: A, B: random play presses buttons A to B − 1.
        buttons: by the name of the action.
        world_rows: rows of cells that show the world, not what the player carries.
    """

    kind: Callable[..., Games]
    env: str
    hold: int
    actions: tuple[int, int]
    buttons: dict[str, int]
    world_rows: int


GAMES = {
    "crafter": Game(
        kind=CrafterGames,
        env="crafter:day",
        hold=16,
        actions=(0, 6),
        buttons={"none": 0, "left": 1, "right": 2, "up": 3, "down": 4},
        world_rows=7,
    ),
    "miner": Game(
        kind=ProcgenGames,
        env="procgen:miner:memory",
        hold=4,
        actions=(2, 7),
        buttons={"none": 4, "left": 1, "right": 7, "down": 3, "up": 5},
        world_rows=7,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Goal:
    """Two moments of real play.

    Attributes:
        seed: of the game.
        before: buttons that lead to the first one.
        start: uint8 (H, W, 3), its picture.
        goal: uint8 (H, W, 3), the picture of the second one.
    """

    seed: int
    before: list[int]
    start: np.ndarray
    goal: np.ndarray


def play(game: Game, seed: int, buttons: list[int]) -> list[np.ndarray] | None:
    """Play buttons in a game of a seed; its frames, or None if it ended on the way."""
    games = game.kind(game.env, 1, (LEVEL_OFFSET + seed, LEVEL_OFFSET + seed + 1), seed)
    frames = [games.observe().frames[0]]
    for button in buttons:
        games.act(np.array([button]))
        shown = games.observe()
        if shown.first[0]:
            return None
        frames.append(shown.frames[0])
    games.close()
    return frames


def goals(game: Game, steps: int, wanted: int) -> Iterator[Goal]:
    """Yield goals that are so many steps of play away."""
    seed = 0
    while wanted:
        seed += 1
        rng = np.random.default_rng([steps, seed])
        first, stop = game.actions
        policy = HeldActions(1, stop - first, game.hold, rng, first)
        before = int(rng.integers(*WARM_UP))
        buttons = [int(policy.next()[0]) for _ in range(before + steps)]
        frames = play(game, seed, buttons)
        if frames is None or is_same_place(frames[before], frames[-1], game.world_rows):
            continue
        wanted -= 1
        yield Goal(seed=seed, before=buttons[:before], start=frames[before], goal=frames[-1])


def is_same_place(picture: np.ndarray, goal: np.ndarray, rows: int) -> bool:
    """Say whether two pictures, uint8 (H, W, 3), show the same place; see the module."""
    picture, goal = (each[: rows * CELL].astype(np.int16) for each in (picture, goal))
    height, width = picture.shape[:2]
    unmoved = _same(picture, goal)
    shares = [0.0]
    for down in range(-(rows // 2) * CELL, (rows // 2) * CELL + 1, CELL):
        for right in range(-width // 2 // CELL * CELL, width // 2 + 1, CELL):
            if down or right:
                a = picture[max(0, down) : height + down, max(0, right) : width + right]
                b = goal[max(0, -down) : height - down, max(0, -right) : width - right]
                shares.append(_same(a, b))
    return unmoved >= SAME and unmoved > max(shares)


def _same(a: np.ndarray, b: np.ndarray) -> float:
    return float((np.abs(a - b).max(axis=-1) < SAME_LEVELS).mean())


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


def _begin(
    bundle: Bundle, start: np.ndarray, goal: np.ndarray, count: int
) -> tuple[Rollout, torch.Tensor, torch.Tensor]:
    here, there = (encode_prompt(bundle, each[None])[0][0, 0] for each in (start, goal))
    rollout = Rollout(bundle, [0] * count, bundle.settings)
    rollout.reset(here.expand(count, 1, -1), here.new_zeros((count, 0)))
    return rollout, here.cpu(), there.cpu()


ANEW = "search, anew after each key"
PLANNERS: dict[str, Callable[[Bundle, np.ndarray, np.ndarray, PlanLimits], Plan]] = {
    "search": find_plan,
    ANEW: find_plan,
    "search by tokens": lambda *given: find_plan(*given, distance="tokens"),
    "search by pixels": lambda *given: find_plan(*given, distance="pixels"),
    "random shooting": shoot,
    "action model": follow,
}


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


def try_plan(bundle: Bundle, game: Game, goal: Goal, planner: str, limits: PlanLimits) -> Try:
    """Press the keys of one plan, all without looking up."""
    began = time.perf_counter()
    plan = PLANNERS[planner](bundle, goal.start, goal.goal, limits)
    seconds = time.perf_counter() - began
    frames = play(game, goal.seed, goal.before + _buttons(bundle, game, plan.actions))
    return Try(plan=plan, reached=_there(frames, goal, game), seconds=seconds)


def try_again(bundle: Bundle, game: Game, goal: Goal, planner: str, limits: PlanLimits) -> Try:
    """Press the first key of a plan, and make another one from all that was seen, until there."""
    pressed, seconds, imagined = [], 0.0, 0
    while True:
        frames = play(game, goal.seed, goal.before + pressed)
        if frames is None:
            break
        began = time.perf_counter()
        seen = np.stack(frames[len(goal.before) :])
        plan = PLANNERS[planner](bundle, seen, goal.goal, limits)
        seconds += time.perf_counter() - began
        imagined += plan.imagined
        if not plan.actions or len(pressed) == limits.steps:
            break
        pressed += _buttons(bundle, game, plan.actions[:1])
    plan = replace(plan, actions=tuple(pressed), imagined=imagined)
    seconds /= len(pressed) + 1
    return Try(plan=plan, reached=_there(frames, goal, game), seconds=seconds)


def _buttons(bundle: Bundle, game: Game, actions: Sequence[int]) -> list[int]:
    return [game.buttons[bundle.keymap.names[action]] for action in actions]


def _there(frames: list[np.ndarray] | None, goal: Goal, game: Game) -> bool:
    return frames is not None and is_same_place(frames[-1], goal.goal, game.world_rows)


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


def main() -> None:
    """Print a line for each world, distance and planner."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("worlds", nargs="+", help=f"of {', '.join(GAMES)}, or NAME=FOLDER")
    parser.add_argument("--steps", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--goals", type=int, default=100, metavar="N")
    parser.add_argument("--planners", nargs="+", choices=PLANNERS, default=list(PLANNERS))
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    scores = []
    for word in given.worlds:
        name, _, folder = word.partition("=")
        bundle, game = load_bundle(folder or find_world(name)), GAMES[name]
        for steps in given.steps:
            found = list(goals(game, steps, given.goals))
            for planner in given.planners:
                limits = PlanLimits(steps=2 * steps)
                one = try_again if planner == ANEW else try_plan
                with progress_bar(planner, len(found)) as done:
                    tries = []
                    for goal in found:
                        tries.append(one(bundle, game, goal, planner, limits))
                        done(1)
                scores.append(score(name, steps, planner, tries))
                print(_line(scores[-1]), flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(each) for each in scores], indent=1))


def _line(score: Score) -> str:
    low, high = score.interval
    return (
        f"{score.world}, {score.steps} steps, {score.planner}: reached {score.reached:.2f} "
        f"({low:.2f} to {high:.2f}), claimed {score.claimed:.2f}, {score.keys:.1f} keys, "
        f"{score.imagined:.0f} frames, {score.seconds:.2f} s"
    )


if __name__ == "__main__":
    main()
