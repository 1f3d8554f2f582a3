"""A world from a few minutes of new video: from nothing, and going on from a world.

    python -m benchmarks.going_on run GAME --data DIR --out FILE.jsonl [--minutes M ...]
    python -m benchmarks.going_on table FILE.jsonl [--picture FILE.png]

GAME is `same`, the game of the world Miner, `plain`, the same in other art, or `maze`, a sibling
game. Footage that DIR lacks is recorded, so Procgen must be installed. A fit that the file has is
skipped: for other lengths give another DIR and FILE.
"""

import argparse
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

import torch

from benchmarks.going_on.games import GAMES, MINUTES, Game, dev_corpus, train_corpus
from benchmarks.going_on.measure import measure_actions, measure_tokenizer, measure_world
from benchmarks.going_on.report import (
    COLUMNS,
    Record,
    differences,
    draw_curves,
    markdown,
)
from benchmarks.going_on.ways import WAYS, Steps, Way, fit_until, write_recipe
from benchmarks.lines import add_line, read_lines
from corpus.store import Corpus
from genie.evaluate.clips import CLIPS_WANTED
from genie.library.bundle import load_bundle
from genie.library.catalog import find_world
from train.export import load_model

STEPS = Steps(tokenizer=200, lam=200, dynamics=400)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the commands."""
    raw = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.going_on", description=__doc__, formatter_class=raw
    )
    commands = found.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="fit and measure, world by world")
    run.add_argument("game", choices=list(GAMES))
    run.add_argument("--data", type=Path, required=True, help="footage and runs")
    run.add_argument("--out", type=Path, required=True, help="a file of lines, one a world")
    run.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    run.add_argument("--minutes", type=float, nargs="+", default=list(MINUTES))
    run.add_argument("--seeds", type=int, nargs="+", default=[0])
    run.add_argument("--stage", choices=list(COLUMNS), default="dynamics", help="the last one")
    run.add_argument("--clips", type=int, default=CLIPS_WANTED)
    for stage, count in asdict(STEPS).items():
        run.add_argument(f"--{stage}-steps", type=int, default=count)
    table = commands.add_parser("table", help="print the figures as Markdown")
    table.add_argument("file", type=Path)
    table.add_argument("--base", choices=list(WAYS), default="nothing", help="is subtracted")
    table.add_argument("--game", choices=list(GAMES), default="plain", help="of the picture")
    table.add_argument("--picture", type=Path, help="a PNG file to draw the curves into")
    return found


def run_way(
    game: Game, way: Way, stage: str, footage: tuple[float, int], steps: Steps, data: Path
) -> tuple[Path, float]:
    """Fit all stages up to one.

    Args:
        game: whose footage is new.
        way: what is fitted, and from where.
        stage: the last one.
        footage: its minutes, and the seed of recording and fits.
        steps: of the fits.
        data: folder of footage and runs.

    Returns:
        The run's folder, and seconds of the processor that this call took.
    """
    minutes, seed = footage
    corpus = train_corpus(game, data, minutes, seed)
    out = data / "runs" / f"{game.name}-{minutes:g}-{seed}-{way.name}"
    recipe = write_recipe(game.recipe, steps, out.with_name(f"{out.name}.yaml"))
    return out, fit_until(stage, way, corpus, game.world, recipe, out, seed)


def measure(stage: str, world: str, out: Path, corpus: Corpus, clips: int) -> Record:
    """Measure the last stage of a run; what it keeps is the world's."""
    if stage == "dynamics":
        return measure_world(out / "world", corpus, clips)
    if (out / stage).exists():
        model = load_model(out / stage, stage)
    else:
        model = getattr(load_bundle(find_world(world)), stage)
    return {"tokenizer": measure_tokenizer, "lam": measure_actions}[stage](model, corpus, clips)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    given = parser().parse_args(arguments)
    try:
        if given.command == "table":
            records = read_lines(given.file)
            print(markdown(records))
            print(differences(records, given.base))
            if given.picture is not None:
                draw_curves(records, given.picture, given.game)
            return 0
        torch.set_num_threads(1)
        fit_and_measure(given)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def fit_and_measure(given: argparse.Namespace) -> None:
    """Add a line to the file for each fit that it lacks."""
    game = GAMES[given.game]
    steps = Steps(
        tokenizer=given.tokenizer_steps, lam=given.lam_steps, dynamics=given.dynamics_steps
    )
    for seed, minutes, way in product(given.seeds, given.minutes, given.ways):
        key = {
            "game": game.name, "stage": given.stage, "way": way, "minutes": minutes, "seed": seed,
        }  # fmt: skip
        if any(key.items() <= record.items() for record in read_lines(given.out)):
            continue
        footage = (minutes, seed)
        out, seconds = run_way(game, WAYS[way], given.stage, footage, steps, given.data)
        dev = Corpus.open(dev_corpus(game, given.data))
        found = measure(given.stage, game.world, out, dev, given.clips)
        cost = {"steps": asdict(steps), "seconds": round(seconds), "clips": given.clips}
        add_line(given.out, key | cost | found)
        print(f"{way}, {minutes:g} minutes, seed {seed}: in {given.out}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
