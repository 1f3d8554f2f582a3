"""A law of the loss over the cost of training, for the dynamics and the tokenizer.

    python -m benchmarks.scaling run --data DIR --out FILE.jsonl [--parts …] [--budgets …]
    python -m benchmarks.scaling law FILE.jsonl [--picture FILE.png]

Miner's footage, 300 minutes of it, is recorded if DIR lacks it, so Procgen must be installed. Costs
are floating-point operations, counted. A fit that the file has is skipped.
"""

import argparse
import sys
from itertools import product
from pathlib import Path

import torch

from benchmarks.lines import add_line, read_lines
from benchmarks.scaling.report import describe, draw, laws, markdown, points_of
from benchmarks.scaling.run import TooDearError, run_size
from benchmarks.scaling.sizes import BUDGETS, SIZES
from genie.evaluate.report.provenance import machine_and_date
from genie.provenance import commit_of

CLIPS = 128
PARTS = ("dynamics", "tokenizer")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the commands."""
    raw = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling", description=__doc__, formatter_class=raw
    )
    commands = found.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="fit and measure, the cheapest first")
    run.add_argument("--data", type=Path, required=True, help="footage and runs")
    run.add_argument("--out", type=Path, required=True, help="a file of lines, one a fit")
    run.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    run.add_argument("--budgets", type=float, nargs="+", default=list(BUDGETS))
    run.add_argument("--clips", type=int, default=CLIPS)
    run.add_argument("--seed", type=int, default=0)
    law = commands.add_parser("law", help="print the fits and the laws as Markdown")
    law.add_argument("file", type=Path)
    law.add_argument("--picture", type=Path, help="a PNG file to draw them into")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    given = parser().parse_args(arguments)
    try:
        if given.command == "run":
            torch.set_num_threads(1)
            fit_all(given)
            return 0
        records = read_lines(given.file)
        print(markdown(records))
        for part, (law, others) in laws(records).items():
            print(f"\n{part}: {describe(law, others, points_of(records, part))}")
        if given.picture is not None:
            draw(records, given.picture)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def fit_all(given: argparse.Namespace) -> None:
    """Add a line to the file for each fit that it lacks."""
    for budget, (part, name) in product(sorted(given.budgets), SIZES):
        key = {"part": part, "size": name, "budget": budget, "seed": given.seed}
        known = any(key.items() <= record.items() for record in read_lines(given.out))
        if part not in given.parts or known:
            continue
        try:
            found = run_size(SIZES[part, name], budget, given.data, given.clips, given.seed)
        except TooDearError as error:
            print(f"{part} {name} is left out: {error}", flush=True)
            continue
        commit = {"commit": commit_of(Path(__file__).parent), **machine_and_date()}
        add_line(given.out, key | found | commit)
        print(f"{part} {name}, {budget:.0e} operations: in {given.out}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
