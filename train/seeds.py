"""Fits of an action model from several seeds, of which the best by its criterion is kept."""

import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from rich import get_console

from spacetime.weights import write_json
from train.fit_lam import ActionModule
from train.run_directory import RunDirectory


def fit_seeds(
    run: RunDirectory, make: Callable[[RunDirectory, int], ActionModule], folder: str = "lam"
) -> bool:
    """Fit an action model from several seeds, each in a folder of its own; keep the best.

    The minutes of the stage are divided evenly. RUN/lam/seeds.json holds each seed's criterion.

    Args:
        run: its options name the number of seeds; the first is the run's own.
        make: makes the module of a seed.
        folder: of the best one, in the run's.

    Returns:
        Whether all fits are finished, and the folder holds the best.

    Raises:
        ValueError: if the model's kind has no criterion.
    """
    count, criteria = run.options.seeds, {}
    run = run.with_minutes(count)
    for seed in range(run.seed, run.seed + count):
        torch.manual_seed(seed)
        module = make(run, seed)
        name = f"{folder}-seeds/{seed}"
        if not run.fit(module, "lam", name):
            return False
        criterion = module.criterion()
        if criterion is None:
            raise ValueError(
                f"a {type(module.model).__name__} has no criterion to compare seeds by: give "
                f"its module one, or fit a single seed"
            )
        criteria[seed] = criterion
    run.ranks.first(lambda: _keep_best(run.out, folder, criteria))
    return True


def _keep_best(out: Path, folder: str, criteria: dict[int, float]) -> None:
    best = max(criteria, key=criteria.get)
    for file in (out / f"{folder}-seeds/{best}").glob("*.*"):
        (out / folder).mkdir(exist_ok=True)
        shutil.copy2(file, out / folder / file.name)
    write_json(out / folder / "seeds.json", {"chosen": best, "criterion": criteria})
    values = ", ".join(f"{seed}: {value:.3f}" for seed, value in criteria.items())
    get_console().print(f"of seeds {values}: seed {best} is kept")
