"""Compare settings of a world: steps, order and temperature, on the same clips and seeds.

    python benchmarks/settings.py WORLD CORPUS [--clips N] [--threads N] [--json FILE]

Use clips that the world was not trained on, and that its card is not measured on.
"""

import argparse
import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from corpus.progress import track
from corpus.store import Corpus
from genie.evaluate.context import EvalConfig, EvalContext
from genie.evaluate.metrics.errors import FROZEN, INFERRED
from genie.evaluate.metrics.rollouts import score_rollouts
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world
from genie.rollouts.rollout import Rollout
from genie.settings import Settings

CHOICES = (
    (1, "random", 0.5),
    (2, "confidence", 0.0),
    (2, "confidence", 0.5),
    (2, "confidence", 0.8),
    (2, "anchored", 0.8),
    (2, "random", 0.5),
    (3, "confidence", 0.5),
    (3, "confidence", 0.8),
    (3, "anchored", 0.8),
    (3, "random", 0.5),
    (6, "confidence", 0.8),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """How one choice of settings does.

    Attributes:
        settings: the choice.
        psnr_4: rollout PSNR at t = 4 under inferred actions, dB.
        psnr_10: the same at t = 10.
        delta_4: Δ_4PSNR, dB, one draw of random actions.
        over_frozen_4: psnr_4 above the frozen frame, dB.
    """

    settings: Settings
    psnr_4: float
    psnr_10: float
    delta_4: float
    over_frozen_4: float


def score(context: EvalContext, settings: Settings) -> Row:
    """Score one choice of settings; the same clips and seeds for every choice."""
    make_rollout = partial(Rollout, context.bundle, settings=settings)
    errors = score_rollouts(replace(context, make_rollout=make_rollout), random_draws=1).errors
    psnr, frozen = errors.psnr(INFERRED), errors.psnr(FROZEN)
    return Row(
        settings=settings,
        psnr_4=float(psnr[3]),
        psnr_10=float(psnr[9]),
        delta_4=float(errors.delta()[3]),
        over_frozen_4=float(psnr[3] - frozen[3]),
    )


def show(rows: list[Row]) -> Table:
    """Lay the rows out."""
    table = Table("steps", "order", "temperature", "PSNR 4", "PSNR 10", "Δ 4", "over frozen 4")
    for row in rows:
        s = row.settings
        figures = (row.psnr_4, row.psnr_10, row.delta_4, row.over_frozen_4)
        table.add_row(
            str(s.steps),
            s.unmask_order,
            f"{s.temperature:g}",
            *(f"{value:.2f}" for value in figures),
        )
    return table


def main() -> None:
    """Read the command line, score every choice, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    bundle, corpus = load_bundle(find_world(options.world)), Corpus.open(options.corpus)
    context = EvalContext.of_bundle(bundle, corpus, EvalConfig(clips=options.clips, seed=1))
    rows = []
    for steps, order, temperature in track(CHOICES, "settings", unit="choices"):
        settings = replace(
            bundle.settings, steps=steps, unmask_order=order, temperature=temperature
        )
        rows.append(score(context, settings))
    Console().print(show(rows))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
