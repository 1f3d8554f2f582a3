"""One size at one budget: fitted by the public path, and measured on dev levels."""

import csv
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.going_on.games import GAMES, dev_corpus, train_corpus
from benchmarks.going_on.measure import measure_tokenizer, measure_world
from benchmarks.going_on.ways import SHORTENED
from benchmarks.scaling.sizes import GAME, RECIPE, WORLD, Size, build, count_weights, flops_of_clip
from corpus.store import Corpus
from genie.library.bundle import Bundle, load_bundle
from genie.library.catalog import find_world
from train import train
from train.export import load_model
from train.recipe import FOLDER, load_recipe

MINUTES = 300.0
"""Of footage: 144,000 frames and more, which the longest fits see four times."""
LOSSES = {"dynamics": "cross_entropy_mean", "tokenizer": "held_out_psnr"}


class TooDearError(ValueError):
    """A budget pays for too few steps of a size."""


def run_size(size: Size, budget: float, data: Path, clips: int, seed: int) -> dict[str, Any]:
    """Fit and measure one size.

    Args:
        size: of the model.
        budget: floating-point operations of the fit.
        data: folder of footage and runs.
        clips: that are measured.
        seed: of every draw.
    """
    game, bundle = GAMES[GAME], load_bundle(find_world(WORLD))
    corpus, dev = train_corpus(game, data, MINUTES, seed), Corpus.open(dev_corpus(game, data))
    out = data / "runs" / f"{size.part}-{size.name}-{budget:.0e}-{seed}"
    planned = plan(size, budget, bundle, out.with_name(f"{out.name}.yaml"))
    began = time.process_time()
    options = {"corpus": corpus, "recipe": str(out.with_name(f"{out.name}.yaml")), "out": out}
    options |= {"seed": seed, "resume": True, "allow_collapsed": True}
    if size.part == "dynamics":
        train("encode", start=WORLD, **options)
        train("dynamics", start=WORLD, fresh=True, **options)
        found = measure_world(out / "world", dev, clips)
    else:
        train("tokenizer", **options)
        found = measure_tokenizer(load_model(out / "tokenizer", "tokenizer"), dev, clips)
    loss = last_figure(out / "logs" / size.part / "held-out.csv", LOSSES[size.part])
    seconds = round(time.process_time() - began)
    return planned | {"held_out": loss, "seconds": seconds, "clips": clips} | found


def plan(size: Size, budget: float, bundle: Bundle, path: Path) -> dict[str, Any]:
    """Write the recipe of a size, as long as the budget pays for; say what that is.

    Raises:
        TooDearError: the budget pays for fewer than 20 steps.
    """
    record = yaml.safe_load((FOLDER / f"{RECIPE}.yaml").read_text(encoding="utf-8"))
    stage = record[size.part]
    stage["model"] = stage["model"] | dict(size.model)
    record["dynamics"]["method"] = SHORTENED
    stage["fit"] |= {"checks": 1}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(record), encoding="utf-8")
    recipe = load_recipe(str(path))
    fit, model = getattr(recipe, size.part).fit, build(size, recipe, bundle)
    of_step = fit.batch * flops_of_clip(model, fit, bundle)
    if (steps := round(budget / of_step)) < 20:
        raise TooDearError(
            f"{budget:.0e} operations pay for {steps} steps of {size.name}: give more"
        )
    stage["fit"]["steps"] = steps
    path.write_text(yaml.safe_dump(record), encoding="utf-8")
    return {
        "part": size.part, "size": size.name, "budget": budget, "steps": steps,
        "weights": count_weights(model), "frames": steps * fit.batch * fit.frames,
        "flops": steps * of_step, "fit": {"batch": fit.batch, "frames": fit.frames},
    }  # fmt: skip


def last_figure(path: Path, name: str) -> float:
    """Return the last value of a column of a log."""
    with open(path, newline="", encoding="utf-8") as file:
        return float(list(csv.DictReader(file))[-1][name])
