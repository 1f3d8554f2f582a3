"""Worlds in onnxruntime-web beside PyTorch: tokens that are equal, milliseconds a frame, sizes.

    python benchmarks/play/web_page.py [WORLD ...] [--frames F] [--seed S] [--json FILE]

Each world is exported (the extra web) and played in node, with WASM on one thread, by the page's
own modules. Teacher-forced: each frame follows those that PyTorch sampled, so that one token that
differs counts once. Then freely, until the first frame that differs.
"""

import argparse
import json
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genie.library.catalog import find_world, list_worlds
from genie.web.export import export_page
from genie.world import World

PLAY = Path(__file__).parents[2] / "tests" / "genie" / "web" / "play.mjs"


@dataclass(frozen=True, kw_only=True)
class Page:
    """One world as a page.

    Attributes:
        world: its name.
        megabytes: of its files, without onnxruntime-web.
        equal: fraction of teacher-forced tokens that PyTorch samples, too.
        first_difference: number of the first frame of free play that differs, or None.
        milliseconds: a frame in WASM on one thread, the mean of free play, node's start included.
        torch_milliseconds: the same in PyTorch on one thread, in the same minute.
    """

    world: str
    megabytes: float
    equal: float
    first_difference: int | None
    milliseconds: float
    torch_milliseconds: float


def play_page(page: Path, seed: int, deeds: list[dict[str, Any]]) -> list[list[int]]:
    """Return the tokens of each frame that a page's modules sample."""
    done = subprocess.run(
        ["node", "--no-warnings", str(PLAY), str(page)],
        input=json.dumps({"seed": seed, "deeds": deeds}),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [frame["ids"] for frame in json.loads(done.stdout)]


def measure(name: str, frames: int, seed: int) -> Page:
    """Export a world and play it both ways."""
    world = World.load(find_world(name))
    with tempfile.TemporaryDirectory() as folder:
        page = export_page(find_world(name), Path(folder) / "page")
        world.reset(world.bundle.prompts[0], seed)
        keys = np.random.default_rng(3).integers(0, world.bundle.num_actions, frames).tolist()
        begin, played = time.perf_counter(), []
        for key in keys:
            world.step(key)
            played.append(world.session[world.head].ids.tolist())
        torch_seconds = time.perf_counter() - begin
        pairs = zip(keys, played, strict=True)
        forced = play_page(page, seed, [{"action": key, "truth": ids} for key, ids in pairs])
        begin = time.perf_counter()
        free = play_page(page, seed, [{"action": key} for key in keys])
        seconds = time.perf_counter() - begin
        size = sum(file.stat().st_size for file in (page / "world").iterdir())
    return Page(
        world=name,
        megabytes=size / 1e6,
        equal=float(np.mean(np.array(forced) == np.array(played))),
        first_difference=next((n for n in range(frames) if free[n] != played[n]), None),
        milliseconds=1000 * seconds / frames,
        torch_milliseconds=1000 * torch_seconds / frames,
    )


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("worlds", nargs="*", metavar="WORLD")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    pages = []
    for name in options.worlds or [card.alias for card in list_worlds()]:
        pages.append(measure(name, options.frames, options.seed))
        print(json.dumps(asdict(pages[-1])), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(page) for page in pages], indent=2) + "\n")


if __name__ == "__main__":
    main()
