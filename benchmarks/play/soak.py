"""Random keys in the real window at full speed, to see if anything breaks, grows or slows down.

    python -m benchmarks.play.soak [WORLD] [--minutes M] [--threads N] [--seed S] [--json FILE]

The window is SDL's dummy; keys, saves, rewinds, branches and films come at random.
Everything is written below a temporary folder.
"""

import argparse
import json
import os
import random
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ACTION_KEYS = ("left", "right", "up", "down", "a", "d", "w", "s", "space", "0", "1", "2", "3")
COMMAND_KEYS = (
    *("p", "p", ".", ",", "backspace", "b", "h", "r", "n", "f5", "f9", "l", "g", "k", "tab"),
    *("f1", "f2", "f11", "=", "-", "[", "]", "page up", "page down", "return", "escape", "f12"),
)
COMMAND_FRACTION = 0.02
MOST_FILMS = 40
WARM_UP_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One measurement: seconds since the beginning, frames so far, resident memory in MB."""

    seconds: float
    frames: int
    megabytes: float


@dataclass(frozen=True, kw_only=True)
class Soak:
    """The figures of a soak."""

    samples: list[Sample]  # one about every ten seconds
    growth_mb: float  # of resident memory since the warm-up
    fps_early: float  # in the first fifth after the warm-up
    fps_late: float  # in the last fifth
    records: int  # in the session at the end


def resident_megabytes() -> float:
    """Return the resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def soak(world: str | None, minutes: float, seed: int, folder: Path, threads: int | None) -> Soak:
    """Play random keys for some minutes; whatever raises, raises."""
    from genie.library.card import read_card
    from genie.library.catalog import find_world
    from genie.play.game.game import Game, GameOptions
    from genie.play.options import PlayOptions
    from genie.play.screen.display import start_display
    from genie.play.screen.drawing.draw import first_window_size
    from genie.play.screen.loop import PlayScreen
    from genie.play.screen.window import Window
    from genie.play.setup import PlaySetup

    assert start_display()
    card = read_card(find_world(world))
    player = PlaySetup(card, PlayOptions(threads=threads)).player()
    player.session.log_to(folder / "soak.session")
    game = Game(card, player, GameOptions(folder=folder))
    screen = PlayScreen(Window(first_window_size(card), card.title), game)
    rng, begin, samples = random.Random(seed), time.monotonic(), []
    while (now := time.monotonic() - begin) < minutes * 60:
        press_something(screen, rng, now)
        screen.tick()
        game.state.quit = False
        if not samples or now - samples[-1].seconds > 10:
            samples.append(
                Sample(seconds=now, frames=game.state.total, megabytes=resident_megabytes())
            )
            keep_few_films(folder)
    game.close()
    return summarize(samples, len(player.session))


def press_something(screen: Any, rng: random.Random, now: float) -> None:
    """Press or release one of the keys, mostly those of the actions."""
    game, controls = screen.game, screen.controls
    if rng.random() < COMMAND_FRACTION:
        key = rng.choice(COMMAND_KEYS)
        if key != "escape" or game.panel is not None:
            controls.press(key, now)
        if key == "backspace" and rng.random() < 0.7:
            controls.release(key)
    elif game.panel is not None and rng.random() < 0.3:
        controls.press(rng.choice(("left", "right", "up", "down", "return", "escape")), now)
    elif game.state.paused and rng.random() < 0.2:
        controls.press("p", now)
    elif rng.random() < 0.2:
        controls.press(rng.choice(ACTION_KEYS), now)
    else:
        controls.release(rng.choice((*ACTION_KEYS, "backspace")))


def keep_few_films(folder: Path) -> None:
    """Remove the oldest films, so that a long soak does not fill the disk."""
    films = sorted(folder.glob("*.gif"), key=lambda path: path.stat().st_mtime)
    for path in films[:-MOST_FILMS]:
        path.unlink()


def summarize(samples: list[Sample], records: int) -> Soak:
    """Compare the beginning after the warm-up with the end."""
    warm = [sample for sample in samples if sample.seconds >= WARM_UP_SECONDS] or samples
    fifth = max(1, len(warm) // 5)

    def rate(first: Sample, last: Sample) -> float:
        return (last.frames - first.frames) / max(last.seconds - first.seconds, 1e-9)

    return Soak(
        samples=samples,
        growth_mb=warm[-1].megabytes - warm[0].megabytes,
        fps_early=rate(warm[0], warm[min(fifth, len(warm) - 1)]),
        fps_late=rate(warm[max(len(warm) - 1 - fifth, 0)], warm[-1]),
        records=records,
    )


def main() -> None:
    """Read the command line, soak, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", nargs="?")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"SDL_VIDEODRIVER": "dummy", "GENIE_HOME": folder}
        os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
        found = soak(options.world, options.minutes, options.seed, Path(folder), options.threads)
    print(f"{found.samples[-1].frames} frames sampled, {found.records} records, no exception")
    print(f"memory: {found.growth_mb:+.1f} MB since the warm-up")
    print(f"frames a second: {found.fps_early:.1f} early, {found.fps_late:.1f} late")
    if options.json:
        options.json.write_text(json.dumps(asdict(found), indent=2) + "\n")


if __name__ == "__main__":
    main()
