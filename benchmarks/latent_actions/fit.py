"""Fitting an entry on a game, by the public path."""

from pathlib import Path

import yaml
from torch import nn

from benchmarks.latent_actions.entries.entry import Entry
from train import train
from train.export import load_model

# A run fits its action model only, but a recipe has all stages.
_OTHERS = {
    "tokenizer": {
        "fit": {"share": 1, "steps": 1, "batch": 1, "frames": 2},
        "model": {"patch": 8, "levels": [3, 3], "dim": 8, "heads": 2},
    },
    "dynamics": {
        "fit": {"share": 1, "steps": 1, "batch": 1, "frames": 4},
        "model": {"dim": 8, "heads": 2, "layers": 1, "band": 2},
    },
    "settings": {"steps": 1, "order": "random", "temperature": 1.0, "prompt_frames": 1},
}


def write_recipe(entry: Entry, path: Path, steps: int | None = None) -> None:
    """Write the recipe that trains an entry; `steps` None: as many as it asks for."""
    stage = entry.stage()
    if steps is not None:
        stage["fit"] = stage["fit"] | {"steps": steps}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"about": entry.about, "lam": stage, **_OTHERS}))


def fit_entry(
    entry: Entry,
    corpus: Path,
    out: Path,
    seed: int = 0,
    minutes: float | None = None,
    steps: int | None = None,
) -> nn.Module:
    """Train an entry, or go on with a training that was interrupted.

    Args:
        entry: the method.
        corpus: the training split.
        out: the run's folder.
        seed: of every draw.
        minutes: length of the training; None: the steps.
        steps: its length in steps; None: the entry's.

    Raises:
        ValueError: the method finds no actions in this game.
    """
    entry.register()
    recipe = out.with_name(f"{out.name}.yaml")
    write_recipe(entry, recipe, steps)
    train("lam", corpus, str(recipe), out, minutes=minutes, seed=seed, resume=out.exists())
    return load_model(out / "lam", "lam")


def count_parameters(lam: nn.Module) -> int:
    """Count all numbers that were learnt, averages of them included."""
    return sum(weight.numel() for weight in lam.parameters())
