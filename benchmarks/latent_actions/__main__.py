"""The yardstick for latent actions.

    python -m benchmarks.latent_actions record [GAME …] --data DIR
    python -m benchmarks.latent_actions run GAME ENTRY --data DIR --out FILE.jsonl [--seed S]
    python -m benchmarks.latent_actions labels GAME RUN|WORLD --data DIR [--counts N …]
    python -m benchmarks.latent_actions table FILE.jsonl [--picture FILE.png]

Games: pong breakout mspacman coinrun climber miner bigfish caveflyer plunder vizdoom crafter
spaceinvaders ninja freeway fruitbot.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.latent_actions.entries import ENTRIES
from benchmarks.latent_actions.games import GAMES, find_game
from benchmarks.latent_actions.labels import label_curve, load_actions
from benchmarks.latent_actions.record import SPLITS, record_game
from benchmarks.latent_actions.run import run_entry
from benchmarks.latent_actions.table import draw_table, markdown
from benchmarks.lines import read_lines


def parser() -> argparse.ArgumentParser:
    """Return the parser of the commands."""
    raw = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.latent_actions", description=__doc__, formatter_class=raw
    )
    commands = found.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="record the splits that are missing")
    record.add_argument("games", nargs="*", metavar="GAME", help="default: all")
    record.add_argument("--data", type=Path, required=True)
    record.add_argument("--splits", nargs="+", choices=list(SPLITS), default=list(SPLITS))
    run = commands.add_parser("run", help="train and measure one entry on one game")
    run.add_argument("game", choices=list(GAMES))
    run.add_argument("entry", choices=list(ENTRIES))
    run.add_argument("--data", type=Path, required=True)
    run.add_argument("--out", type=Path, required=True, help="a file of lines, one a run")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--minutes", type=float, help="of training; default: the entry's steps")
    run.add_argument("--steps", type=int, help="of training")
    run.add_argument("--split", choices=["dev", "test"], default="test")
    labels = commands.add_parser("labels", help="agreement of a fitted model by number of labels")
    labels.add_argument("game", choices=list(GAMES))
    labels.add_argument("model", metavar="RUN|WORLD", help="whose action model is refined")
    labels.add_argument("--data", type=Path, required=True)
    labels.add_argument("--counts", type=int, nargs="+", default=[64, 256, 1000])
    labels.add_argument("--draws", type=int, default=3, help="of labels, for each count")
    labels.add_argument("--split", choices=["dev", "test"], default="test")
    table = commands.add_parser("table", help="print the tables of full runs as Markdown")
    table.add_argument("file", type=Path)
    table.add_argument("--split", choices=["dev", "test"], default="test")
    table.add_argument("--picture", type=Path, help="a PNG file to draw them into")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    given = parser().parse_args(arguments)
    try:
        if given.command == "record":
            for name in given.games or GAMES:
                for made in record_game(find_game(name), given.data, given.splits):
                    print(f"recorded {made}")
        elif given.command == "run":
            record = run_entry(
                given.game, given.entry, given.data, given.out, seed=given.seed,
                minutes=given.minutes, steps=given.steps, split=given.split,
            )  # fmt: skip
            print(f"{given.out} has this run" if record is None else json.dumps(record))
        elif given.command == "labels":
            base, game = load_actions(given.model), find_game(given.game)
            for found in label_curve(
                base, game, given.data, given.counts, given.draws, given.split
            ):
                print(json.dumps(found), flush=True)
        else:
            runs = read_lines(given.file)
            print(markdown(runs, given.split))
            if given.picture is not None:
                draw_table(runs, given.picture, given.split)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
