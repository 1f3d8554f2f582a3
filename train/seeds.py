"""Several fits of an action model, of which the best by its own criterion is kept."""

import shutil
from collections.abc import Callable

import torch
from rich import get_console

from spacetime.weights import write_json
from train.fit_lam import ActionModule
from train.run_directory import RunDirectory


def fit_seeds(run: RunDirectory, make: Callable[[RunDirectory, int], ActionModule]) -> bool:
    """Fit an action model from several seeds, each in a folder of its own; keep the best.

    The minutes of the stage are shared out evenly. What each seed reached stands in
    RUN/lam/seeds.json.

    Args:
        run: its options name the number of seeds; the first is the run's own.
        make: makes the module of a seed.

    Returns:
        Whether all fits are at their ends, and RUN/lam holds the best.

    Raises:
        ValueError: if the model's kind has no criterion.
    """
    count, reached = run.options.seeds, {}
    for seed in range(run.seed, run.seed + count):
        torch.manual_seed(seed)
        module = make(run.with_minutes(count), seed)
        name = f"lam-seeds/{seed}"
        if not run.fit(module, "lam", name):
            return False
        criterion = module.criterion()
        if criterion is None:
            raise ValueError(
                f"a {type(module.model).__name__} has no criterion to compare seeds by: give "
                f"its module one, or fit a single seed"
            )
        reached[seed] = criterion
    best = max(reached, key=reached.get)
    for file in (run.out / f"lam-seeds/{best}").glob("*.*"):
        (run.out / "lam").mkdir(exist_ok=True)
        shutil.copy2(file, run.out / "lam" / file.name)
    write_json(run.out / "lam" / "seeds.json", {"chosen": best, "criterion": reached})
    said = ", ".join(f"{seed}: {value:.3f}" for seed, value in reached.items())
    get_console().print(f"of seeds {said}: seed {best} is kept")
    return True
