"""Steps a second of a world as an environment, alone and in batches, beside `World.step`.

    python benchmarks/speed/env_rate.py [WORLD ...] [--batches 1 16 256] [--rounds R] [--json FILE]

The variants take turns in one process, so their ratios hold on a busy machine. Agents press random
keys, and no episode ends. A round has --frames frames, or two steps where a batch has more.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from genie.device import pick_device
from genie.env import WorldEnv, WorldVectorEnv
from genie.library.bundle import Bundle, load_bundle
from genie.library.catalog import find_world, list_worlds
from genie.world import World


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast one variant is.

    Attributes:
        variant: "World.step", or the environment and B.
        steps_per_second: frames of all episodes, median over the rounds.
        ratio: to `World.step` in the same round, median.
    """

    variant: str
    steps_per_second: float
    ratio: float


def world_steps(bundle: Bundle) -> Callable[[np.ndarray], object]:
    """Return what steps a plain world once."""
    world = World(bundle)
    world.reset(bundle.prompts[0])
    return lambda actions: world.step(int(actions[0]))


def env_steps(bundle: Bundle) -> Callable[[np.ndarray], object]:
    """Return what steps a single environment once."""
    env = WorldEnv(bundle)
    env.reset(seed=0)
    return lambda actions: env.step(int(actions[0]))


def vector_steps(bundle: Bundle, count: int) -> Callable[[np.ndarray], object]:
    """Return what steps a vector environment once."""
    env = WorldVectorEnv(count, world=bundle)
    env.reset(seed=0)
    return env.step


def rate(step: Callable[[np.ndarray], object], count: int, steps: int, actions: int) -> float:
    """Return frames a second of so many steps; frames are on the CPU when a step returns."""
    keys = np.random.default_rng(0).integers(0, actions, (steps, count))
    begin = time.perf_counter()
    for row in keys:
        step(row)
    return steps * count / (time.perf_counter() - begin)


def measure(bundle: Bundle, batches: list[int], frames: int, rounds: int) -> list[Rate]:
    """Let all variants take turns."""
    variants = {"World.step": (world_steps(bundle), 1), "WorldEnv": (env_steps(bundle), 1)}
    for count in batches:
        variants[f"WorldVectorEnv, B = {count}"] = (vector_steps(bundle, count), count)
    found = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, (step, count) in variants.items():
            steps = max(2, frames // count) if number else 1  # the first round warms up
            measured = rate(step, count, steps, bundle.num_actions)
            if number:
                found[name].append(measured)
    plain = np.array(found["World.step"])
    return [
        Rate(
            variant=name,
            steps_per_second=statistics.median(rates),
            ratio=float(np.median(np.array(rates) / plain)),
        )
        for name, rates in found.items()
    ]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("worlds", nargs="*", help="names or folders; default: all that ship")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16, 256])
    parser.add_argument("--frames", type=int, default=64, help="frames of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, help="CPU threads; default: torch's choice")
    parser.add_argument("--json", type=Path, help="write the result here as well")
    return parser.parse_args()


def main() -> None:
    """Measure worlds and print a row for each variant."""
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    record = {
        "device": str(pick_device(args.device)),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "torch": torch.__version__,
        "worlds": {},
    }
    print({name: value for name, value in record.items() if name != "worlds"})
    for name in args.worlds or [card.alias for card in list_worlds()]:
        bundle = load_bundle(find_world(name), pick_device(args.device))
        rates = measure(bundle, args.batches, args.frames, args.rounds)
        record["worlds"][name] = [asdict(row) for row in rates]
        for row in rates:
            speed = f"{row.steps_per_second:8.1f} /s  {row.ratio:6.2f}"
            print(f"{name:10} {row.variant:24} {speed}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
