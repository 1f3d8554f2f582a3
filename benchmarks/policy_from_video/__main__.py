"""A policy from unlabelled video, judged in the real game.

    python -m benchmarks.policy_from_video record GAME --data DIR [--frames N]
    python -m benchmarks.policy_from_video run GAME --data DIR --out FILE.jsonl [--seeds S ...]
    python -m benchmarks.policy_from_video table FILE.jsonl [--picture FILE.png]

Games: miner coinrun. Procgen must be installed.
"""

import argparse
import sys
from pathlib import Path

import torch

from benchmarks.lines import add_line, read_lines
from benchmarks.policy_from_video.games import GAMES
from benchmarks.policy_from_video.judge import COPIES
from benchmarks.policy_from_video.record import record_expert
from benchmarks.policy_from_video.report import draw_curve, markdown, newest
from benchmarks.policy_from_video.run import run_seed
from corpus.store import Corpus
from train.policy.method import FIT


def parser() -> argparse.ArgumentParser:
    """Return the parser of the commands."""
    raw = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.policy_from_video", description=__doc__, formatter_class=raw
    )
    commands = found.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="record expert play")
    run = commands.add_parser("run", help="clone and judge, seed by seed")
    for command in (record, run):
        command.add_argument("game", choices=list(GAMES))
        command.add_argument("--data", type=Path, required=True)
    record.add_argument("--frames", type=int, default=40_000)
    run.add_argument("--out", type=Path, required=True, help="a file of lines, one a seed")
    run.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    run.add_argument("--steps", type=int, default=FIT.steps, help="of each fit")
    run.add_argument("--copies", type=int, default=COPIES, help="of the game, for each player")
    table = commands.add_parser("table", help="print the tables as Markdown")
    table.add_argument("file", type=Path)
    table.add_argument("--picture", type=Path, help="a PNG file to draw the curve into")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    given = parser().parse_args(arguments)
    try:
        if given.command == "table":
            records = newest(read_lines(given.file))
            print(markdown(records))
            if given.picture is not None:
                draw_curve(records, given.picture)
            return 0
        game, path = GAMES[given.game], given.data / f"{given.game}-expert"
        if given.command == "record":
            print(f"recorded {record_expert(game, path, given.frames)}")
            return 0
        torch.set_num_threads(1)
        for seed in given.seeds:
            found = run_seed(game, Corpus.open(path), seed, given.steps, given.copies)
            add_line(given.out, found)
            print(f"{given.game}, seed {seed}: in {given.out}", flush=True)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
