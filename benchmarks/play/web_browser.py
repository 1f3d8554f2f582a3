"""Worlds as pages in a headless Chromium: what the README's keys show, and the time of a frame.

    python benchmarks/play/web_browser.py [WORLD ...] [--pages DIR] [--frames F] [--json FILE]

Each world is exported (the extra web) and opened with WASM on one thread, by a link that holds keys
and seed 1: those of the README's command for the default world, their own demo for others. Beside
it `genie play --headless --record` plays the same, and both are compared frame by frame. Then the
page plays on as fast as it can, in turns with native onnxruntime, which runs the same graphs on one
thread: as many drafts as the world has refinement steps, one commit and one decode a frame.
"""

import argparse
import importlib.util
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from genie.library.bundle import Bundle, load_bundle
from genie.library.catalog import find_world, list_worlds
from genie.play.scripted_keys import parse_keys
from genie.session.log import Session
from genie.web.export import export_page

ROOT = Path(__file__).parents[2]
SEED = 1
ROUNDS = 5
WARM_UP_FRAMES = 3  # of each round, not counted
SHOWN = "game.player.session.line(game.player.head).map(r => game.player.session.frames[r])"
STEP_TIMES = """
game.times = [];
const step = game.player.step.bind(game.player);
game.player.step = (action) => {
    game.times.push(performance.now());
    return step(action);
};
game.pace = 1000;
"""


@dataclass(frozen=True, kw_only=True)
class Played:
    """One world in the browser.

    Attributes:
        world: its name.
        frames: that were compared.
        first_difference: number of the first one whose tokens differ, or None.
        pixel_error: mean difference of levels, 0 to 255, up to there.
        worst_error: the greatest.
        rate: frames a second in the page, by the median frame.
        milliseconds: a frame in the page, the median.
        quick_milliseconds: the 10 % quantile.
        native_milliseconds: the median of native onnxruntime.
        native_quick_milliseconds: the 10 % quantile.
    """

    world: str
    frames: int
    first_difference: int | None
    pixel_error: float
    worst_error: int
    rate: float
    milliseconds: float
    quick_milliseconds: float
    native_milliseconds: float
    native_quick_milliseconds: float


def readme_keys() -> str:
    """Return the keys of the README's command."""
    command = rf'^genie play --headless --keys "([^"]+)" --seed {SEED} --record'
    return re.search(command, (ROOT / "README.md").read_text(), re.MULTILINE)[1]


def load_driver() -> ModuleType:
    """Return what drives Chromium in the tests."""
    path = ROOT / "tests" / "genie" / "web" / "driver.py"
    spec = importlib.util.spec_from_file_location("driver", path)
    driver = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(driver)
    return driver


def link_of(bundle: Bundle, actions: list[int]) -> str:
    """Return the part of a link behind the "#" that plays actions from the first picture."""
    deeds = "*".join(f"{action}x1" for action in actions)
    return f"w={bundle.fingerprint[:16]}&s={SEED}&p=0&k={deeds}"


def play_page(browser: Any, address: str, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Open a link and wait until it is played; returns tokens (T, N) and pictures (T, H, W, 3)."""
    browser.open(address)
    browser.wait("!game.script.length")
    browser.js("game.commands.pause(true)")
    browser.wait("!game.busy")
    line = browser.js(f"{SHOWN}.slice(1, {frames + 1}).map(f => [[...f.ids], [...f.picture]])")
    height, width = browser.js("[game.world.height, game.world.width]")
    pictures = np.array([picture for _, picture in line], np.uint8)
    return np.array([ids for ids, _ in line]), pictures.reshape(-1, height, width, 3)


def play_headless(name: str, keys: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Run the README's command, into a log and into pictures; returns as `play_page` does."""
    log, shown = folder / "play.session", folder / "play.png"
    for target in (log, shown):
        command = [name, "--headless", "--keys", keys, "--seed", str(SEED), "--record", target]
        subprocess.run(
            [sys.executable, ROOT / "play.py", *command], check=True, capture_output=True
        )
    session = Session.read(log)
    files = sorted(file for file in folder.rglob("*.png") if file.is_file())
    return session.ids(range(1, len(session))), np.stack([Image.open(f) for f in files])


def native_frame(page: Path) -> Callable[[], None]:
    """Return what runs the graphs of one frame in onnxruntime, on one thread."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    record = json.loads((page / "world" / "world.json").read_text())
    runs = []
    for name in [*["draft"] * record["settings"]["steps"], "decode", "commit"]:
        session = onnxruntime.InferenceSession(page / "world" / f"{name}.onnx", options)
        inputs = {
            key: np.zeros(value["shape"], value["type"])
            for key, value in record["graphs"][name].items()
        }
        runs.append((session, inputs))
    return lambda: [session.run(None, inputs) for session, inputs in runs]


def page_times(browser: Any, frames: int) -> list[float]:
    """Let the page play on; returns the milliseconds of each frame."""
    browser.js("game.times.length = 0")
    browser.js("game.commands.pause(false)")
    browser.wait(f"game.times.length > {frames + WARM_UP_FRAMES}")
    browser.js("game.commands.pause(true)")
    browser.wait("!game.busy")
    times = browser.js("game.times")[WARM_UP_FRAMES : frames + WARM_UP_FRAMES + 1]
    return [after - before for before, after in zip(times, times[1:], strict=False)]


def native_times(frame: Callable[[], None], frames: int) -> list[float]:
    """Return the milliseconds of each frame."""
    times = []
    for _ in range(frames + WARM_UP_FRAMES):
        begin = time.perf_counter()
        frame()
        times.append(1000 * (time.perf_counter() - begin))
    return times[WARM_UP_FRAMES:]


def measure(driver: ModuleType, name: str, keys: str, page: Path, frames: int) -> Played:
    """Play a world's page."""
    bundle = load_bundle(find_world(name))
    actions = parse_keys(keys, bundle.keymap)
    with tempfile.TemporaryDirectory() as folder:
        true_ids, true_pictures = play_headless(name, keys, Path(folder))
    browser = driver.Browser()
    try:
        with driver.served(page) as address:
            link = f"{address}?backend=wasm#{link_of(bundle, actions)}"
            ids, pictures = play_page(browser, link, len(actions))
            frame = native_frame(page)
            browser.js(STEP_TIMES)
            in_page, native = [], []
            for _ in range(ROUNDS):
                in_page += page_times(browser, frames // ROUNDS)
                native += native_times(frame, frames // ROUNDS)
    finally:
        browser.close()
    differ = np.flatnonzero((ids != true_ids).any(axis=1))
    same = int(differ[0]) if len(differ) else len(ids)
    scale = true_pictures.shape[1] // pictures.shape[1]  # a film's pixels are enlarged
    error = np.abs(pictures[:same].astype(int) - true_pictures[:same, ::scale, ::scale])
    return Played(
        world=name,
        frames=len(ids),
        first_difference=same if len(differ) else None,
        pixel_error=float(error.mean()),
        worst_error=int(error.max()),
        rate=1000 / statistics.median(in_page),
        milliseconds=statistics.median(in_page),
        quick_milliseconds=float(np.quantile(in_page, 0.1)),
        native_milliseconds=statistics.median(native),
        native_quick_milliseconds=float(np.quantile(native, 0.1)),
    )


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("worlds", nargs="*", metavar="WORLD")
    parser.add_argument("--pages", type=Path, help="keep exported pages here, or take them up")
    parser.add_argument("--frames", type=int, default=50, help="to be timed")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    driver, played = load_driver(), []
    cards = {card.alias: card for card in list_worlds()}
    with tempfile.TemporaryDirectory() as folder:
        pages = options.pages or Path(folder)
        for name in options.worlds or cards:
            if not (pages / name).exists():
                export_page(find_world(name), pages / name)
            default = name in cards and cards[name].default
            keys = readme_keys() if default else load_bundle(find_world(name)).demo_keys
            played.append(measure(driver, name, keys, pages / name, options.frames))
            print(json.dumps(asdict(played[-1])), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(each) for each in played], indent=2) + "\n")


if __name__ == "__main__":
    main()
