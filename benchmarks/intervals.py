"""How often 95 % intervals hold the true value, on the scores of a real world.

    python benchmarks/intervals.py WORLD CORPUS [--clips N] [--frames T] [--json FILE]

The scored clips are the population, so the true value is known; many samples of 256
give an interval each.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from corpus.progress import progress_bar
from corpus.store import Corpus
from genie.evaluate.clips import CLIPS_WANTED, HORIZON
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.metrics.errors import ErrorTable
from genie.evaluate.metrics.rollouts import RANDOM_DRAWS, score_rollouts
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world

SIMULATIONS = 2000
AT_ONCE = 250
DIGITS = 4


def coverage(
    errors: ErrorTable, t: int, clips: int = CLIPS_WANTED, simulations: int = SIMULATIONS
) -> tuple[float, float]:
    """Count how often intervals of samples hold the value of the population.

    Args:
        errors: squared errors of the population.
        t: at which frame, from 1.
        clips: in a sample, with replacement.
        simulations: how many samples.

    Returns:
        Share of the intervals of delta PSNR, and of the rollout PSNR, that hold the truth.
    """
    population = errors.squared[:, :, t - 1]  # (population, arms)
    held = np.zeros(2)
    for block in range(0, simulations, AT_ONCE):
        count = min(AT_ONCE, simulations - block)
        rng = np.random.default_rng([t, block])
        chosen = population[rng.integers(0, len(population), (clips, count))]
        # Simulations take the axis of frames: each has an interval of its own.
        sample = ErrorTable(squared=chosen.transpose(0, 2, 1), arms=errors.arms)
        truths = errors.delta()[t - 1], errors.psnr("inferred")[t - 1]
        bounds = sample.delta_interval(block), sample.psnr_interval("inferred", block)
        held += [
            ((low <= truth) & (truth <= high)).sum()
            for truth, (low, high) in zip(truths, (each.T for each in bounds), strict=True)
        ]
    return tuple(held / simulations)


def write_errors(errors: ErrorTable, meta: dict, path: Path) -> None:
    """Write squared errors as json, four digits each."""
    rounded = [
        [[float(f"{value:.{DIGITS}g}") for value in row] for row in clip] for clip in errors.squared
    ]
    path.write_text(json.dumps({**meta, "arms": list(errors.arms), "squared": rounded}) + "\n")


def read_errors(path: Path) -> ErrorTable:
    """Read what `write_errors` wrote."""
    record = json.loads(path.read_text())
    return ErrorTable(squared=np.array(record["squared"]), arms=tuple(record["arms"]))


def main() -> None:
    """Read the command line, score the clips, simulate, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--clips", type=int, default=CLIPS_WANTED)
    parser.add_argument("--frames", type=int, default=HORIZON)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    bundle, corpus = load_bundle(find_world(options.world)), Corpus.open(options.corpus)
    context = EvalContext.of_bundle(bundle, corpus, EvalConfig(clips=options.clips))
    total = len(context.choice) * options.frames * (1 + RANDOM_DRAWS)
    with progress_bar("rollouts", total) as tick:
        errors = score_rollouts(context, horizon=options.frames, tick=tick).errors
    if options.json:
        meta = {"world": bundle.fingerprint, "corpus": corpus.fingerprint}
        write_errors(errors, meta, options.json)
    table = Table("t", "delta PSNR, dB", "coverage", "rollout PSNR, dB", "coverage")
    for t in range(1, options.frames + 1):
        delta, psnr = coverage(errors, t)
        figures = (errors.delta()[t - 1], errors.psnr("inferred")[t - 1])
        table.add_row(
            str(t), f"{figures[0]:.2f}", f"{delta:.1%}", f"{figures[1]:.2f}", f"{psnr:.1%}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
