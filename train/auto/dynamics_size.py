"""How large a dynamics the minutes of its fit pay for."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from genie.device import pick_device
from spacetime.weights import read_json, write_json
from train.loop.hardware import pick_precision
from train.loop.module import FitModule
from train.processes.ranks import Ranks
from train.run_directory import RunDirectory

ENOUGH_STEPS = 2000
"""A larger model that gets fewer predicts worse than a smaller one that gets more (lab notes,
2026-11-30)."""
TIMED_STEPS = 2
RECORD = "dynamics_size"
"""In run.json."""

NewModule = Callable[[dict[str, Any]], FitModule]


def pick_size(run: RunDirectory, new_module: NewModule) -> dict[str, Any]:
    """Return the values of the dynamics' model: the recipe's, or those of a smaller one.

    The largest is taken that gets enough steps in the minutes of the fit on this machine, and the
    smallest if none does. A fit that is counted in steps has the recipe's size, and a run keeps the
    size that it was begun with.

    Args:
        run: its recipe lists the smaller sizes.
        new_module: makes what is fitted, of the values of its model.
    """
    stage, path = run.recipe.dynamics, run.out / "run.json"
    record = read_json(path)
    if RECORD in record:
        return dict(record[RECORD])
    if not stage.smaller or run.minutes is None or (run.out / "dynamics").exists():
        return stage.model
    sizes = [stage.model, *(stage.model | smaller for smaller in stage.smaller)]
    chosen = _first_with_enough(sizes, new_module, run.minutes * 60, run.ranks)
    run.ranks.first(lambda: write_json(path, record | {RECORD: chosen}))
    return chosen


def _first_with_enough(
    sizes: Sequence[dict[str, Any]], new_module: NewModule, seconds: float, ranks: Ranks
) -> dict[str, Any]:
    say = print if ranks.is_first else lambda _: None
    for size in sizes:
        with torch.random.fork_rng():
            module = new_module(size)
            # All take the steps, whose loss is one of all processes, and go by the first one's.
            steps = seconds / ranks.agree(seconds_of_step(module))
        weights = sum(weight.numel() for weight in module.model.parameters())
        seen = f"a dynamics of {weights / 1e6:.2g} million weights gets about {steps:,.0f} steps"
        if steps >= ENOUGH_STEPS:
            say(f"{seen}: it is taken")
            return size
        say(f"{seen}: too few")
    say("the smallest one is taken: more minutes would pay")
    return sizes[-1]


def seconds_of_step(module: FitModule) -> float:
    """Time the forward and backward passes of a step; of two after a first one, the faster."""
    device, times = pick_device(), []
    module.to(device)
    batch = [part.to(device) for part in module.draw(0)]
    mixed = pick_precision() == "bf16-mixed"
    for _ in range(1 + TIMED_STEPS):
        began = time.perf_counter()
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed):
            loss, _ = module(*batch)
        loss.backward()
        float(loss.detach())  # a GPU has finished
        times.append(time.perf_counter() - began)
    module.zero_grad(set_to_none=True)
    return min(times[1:])
