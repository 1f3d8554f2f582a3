"""How often a plan that is made in a world reaches its goal in the real game.

    python -m benchmarks.plans crafter miner [--steps 8 16 32] [--goals N] [--json FILE]

Worlds: crafter miner, each as the one that ships or as NAME=FOLDER. The file is written after each
score.

A goal is the picture after so many steps of real random play, with keys held for up to 16 steps in
Crafter and 4 in Miner, from a moment of real random play on levels that no world was trained on;
goals that look like the start are left out. A plan is made from the two pictures alone, and its
keys are pressed in the real game, played again to the same moment. It reached the goal if the
player stands where it stood then. Crafter knows that. Of Miner the picture tells: laid over the
goal's without a shift at least `SAME` of its pixels are the same, and more than with any shift by
whole cells. What was dug on the way may differ.

Or it looks up after each key, and plans anew from all that it has seen, for twice as many keys.

Beside the search stand random shooting (as many imagined frames, the best end by its tokens), the
action model (it reads the action that leads to the goal off two pictures, time and again), and the
search by looks alone: by tokens, by pixels, or by an encoder that the yardstick has fitted with
`python -m benchmarks.latent_actions run GAME jepa`, whose run --encoder names.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from benchmarks.plans.goals import GAMES, goals
from benchmarks.plans.planners import ANEW, BY_ENCODER, PLANNERS, by_encoder
from benchmarks.plans.score import Score, score, try_again, try_plan
from corpus.progress import progress_bar
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world
from genie.plan import PlanLimits
from spacetime.weights import write_json


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.plans", description=__doc__.split("\n")[0]
    )
    known = f"of {', '.join(GAMES)}, or NAME=FOLDER with one of these names"
    found.add_argument("worlds", nargs="+", type=_world, help=known, metavar="WORLD")
    found.add_argument("--steps", type=int, nargs="+", default=[8, 16, 32])
    found.add_argument("--goals", type=int, default=100, metavar="N")
    choices = [*PLANNERS, BY_ENCODER]
    found.add_argument("--planners", nargs="+", choices=choices, default=list(PLANNERS))
    found.add_argument("--encoder", type=Path, metavar="RUN", help=f"of '{BY_ENCODER}'")
    found.add_argument("--json", type=Path, metavar="FILE", help="written after each score")
    return found


def _world(word: str) -> tuple[str, str]:
    """Return the name of a game, and the folder of its world or nothing."""
    name, _, folder = word.partition("=")
    if name not in GAMES:
        raise argparse.ArgumentTypeError(
            f"plans are judged in {', '.join(GAMES)}, not in {name!r}: name one of these, or "
            "NAME=FOLDER for another world of it"
        )
    return name, folder


def main(arguments: list[str] | None = None) -> None:
    """Print a line for each world, distance and planner."""
    given = parser().parse_args(arguments)
    if BY_ENCODER in given.planners and given.encoder is None:
        parser().error(f"'{BY_ENCODER}' needs --encoder RUN")
    planners = PLANNERS | ({BY_ENCODER: by_encoder(given.encoder)} if given.encoder else {})
    scores = []
    for name, folder in given.worlds:
        bundle, game = load_bundle(folder or find_world(name)), GAMES[name]
        for steps in given.steps:
            found = list(goals(game, steps, given.goals))
            for planner in given.planners:
                limits = PlanLimits(steps=2 * steps)
                one = try_again if planner == ANEW else try_plan
                with progress_bar(planner, len(found)) as done:
                    tries = []
                    for goal in found:
                        tries.append(one(bundle, game, goal, planners[planner], limits))
                        done(1)
                scores.append(score(name, steps, planner, tries))
                print(_line(scores[-1]), flush=True)
                if given.json is not None:  # after each one: all of them take hours
                    write_json(given.json, [asdict(each) for each in scores], indent=1)


def _line(score: Score) -> str:
    low, high = score.interval
    return (
        f"{score.world}, {score.steps} steps, {score.planner}: reached {score.reached:.2f} "
        f"({low:.2f} to {high:.2f}), claimed {score.claimed:.2f}, {score.keys:.1f} keys, "
        f"{score.imagined:.0f} frames, {score.seconds:.2f} s"
    )


if __name__ == "__main__":
    main()
