"""Agents that learned inside a world, judged in the real game.

    python -m benchmarks.dream_agents record GAME --data DIR [--frames N]
    python -m benchmarks.dream_agents run GAME --data DIR --out FILE.jsonl [--seeds S ...]
    python -m benchmarks.dream_agents table FILE.jsonl [--picture FILE.png]

Games: miner crafter coinrun. Procgen and crafter must be installed. `run` keeps its agents and
films of what the world pays and the game does not in DIR/agents, and goes on with agents there.
"""

import argparse
import sys
from pathlib import Path

import torch

from benchmarks.dream_agents.games import GAMES
from benchmarks.dream_agents.record import load_play, record_play, save_play
from benchmarks.dream_agents.report import draw_curves, markdown
from benchmarks.dream_agents.run import UPDATES, run_seed
from benchmarks.lines import add_line, read_lines
from benchmarks.policy_from_video.report import newest
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world


def parser() -> argparse.ArgumentParser:
    """Return the parser of the commands."""
    raw = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.dream_agents", description=__doc__, formatter_class=raw
    )
    commands = found.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="record random play, with what it earns")
    run = commands.add_parser("run", help="let agents learn and play, seed by seed")
    for command in (record, run):
        command.add_argument("game", choices=list(GAMES))
        command.add_argument("--data", type=Path, required=True)
    record.add_argument("--frames", type=int, default=80_000)
    run.add_argument("--out", type=Path, required=True, help="a file of lines, one a seed")
    run.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    run.add_argument("--updates", type=int, default=UPDATES, help="of each agent")
    run.add_argument("--copies", type=int, default=256, help="of the game, for each player")
    table = commands.add_parser("table", help="print the table as Markdown")
    table.add_argument("file", type=Path)
    table.add_argument("--picture", type=Path, help="a PNG file to draw the learning into")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    given = parser().parse_args(arguments)
    try:
        if given.command == "table":
            records = newest(read_lines(given.file))
            print(markdown(records))
            if given.picture is not None:
                draw_curves(records, given.picture)
            return 0
        game, path = GAMES[given.game], given.data / f"{given.game}-play.npz"
        if given.command == "record":
            save_play(path, record_play(game, given.frames))
            print(f"recorded {path}")
            return 0
        torch.set_num_threads(1)
        bundle, play = load_bundle(find_world(game.world)), load_play(path)
        agents = given.data / "agents"
        for seed in given.seeds:
            add_line(
                given.out, run_seed(game, bundle, play, agents, seed, given.updates, given.copies)
            )
            print(f"{given.game}, seed {seed}: in {given.out}", flush=True)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
