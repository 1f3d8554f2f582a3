"""The documents' pictures of the window: start screen, play, help and compare.

    python -m benchmarks.play.screenshots [WORLD] [--versus B] [--prompt I] [--steps M]

Everything is what the window paints at its own pace, on the display that SDL_VIDEODRIVER names (x11
under Xvfb, say), or else on SDL's dummy. The keys are the world's demo keys.
"""

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

SHOWN_AFTER = 32
"""Frames that have been played when the pictures are taken."""


def take(options: argparse.Namespace) -> None:
    """Paint and save every picture."""
    from genie.library.card import read_card, read_object
    from genie.library.catalog import find_world
    from genie.play.game.gallery import read_gallery
    from genie.play.game.start import StartState
    from genie.play.options import PlayOptions
    from genie.play.screen.display import start_display
    from genie.play.screen.drawing.draw import first_window_size
    from genie.play.screen.drawing.start import paint_start
    from genie.play.screen.window import Window
    from genie.play.setup import PlaySetup

    assert start_display()
    card = read_card(find_world(options.world))
    window = Window(first_window_size(card), card.title)
    start = StartState(read_gallery(), prompt=options.prompt)
    start.message = "ready"
    paint_start(window.surface, start)
    save(options, "start")
    keys = read_object(card.path / "world.json")["demo_keys"]
    setup = PlaySetup(card, PlayOptions(threads=options.threads, steps=options.steps, keys=keys))
    take_play(options, setup, window)
    take_compare(options, setup)


def take_play(options: argparse.Namespace, setup: Any, window: Any) -> None:
    """Play the keys in the window: a picture of play, and one of the help."""
    from genie.play.game.game import Game, GameOptions
    from genie.play.screen.loop import PlayScreen

    player = setup.player()
    player.start_from(options.prompt)
    game = Game(setup.card, player, GameOptions(script=setup.script(player), adaptive=False))
    screen = PlayScreen(window, game)
    for _ in range(SHOWN_AFTER + 1):
        screen.tick()
        window.wait(game.state.fps_wanted)
    save(options, "play")
    screen.controls.press("f1", time.monotonic())
    screen.show()
    save(options, "help")


def take_compare(options: argparse.Namespace, setup: Any) -> None:
    """Play the keys in two worlds, or in one with its own steps and with one: their picture."""
    from genie.play.compare.comparison import Comparison
    from genie.play.compare.opponents import open_opponent
    from genie.play.screen.drawing.compare import comparison_window_size, paint_comparison
    from genie.play.screen.window import Window

    card, player = setup.card, setup.player()
    other = replace(setup.options, versus=options.versus or str(card.path), steps=1)
    opponent = open_opponent(replace(setup, options=other), player)
    comparison = Comparison(card, player, opponent, setup.script(player))
    for _ in range(options.prompt):
        comparison.press("n", time.monotonic())
    window = Window(comparison_window_size(card.height, card.width), card.title)
    for _ in range(SHOWN_AFTER):
        comparison.tick(time.monotonic())
        comparison.commit_pending()
        window.wait(card.fps)
    paint_comparison(window.surface, comparison, "")
    save(options, "compare")


def save(options: argparse.Namespace, name: str) -> None:
    """Save what the window shows."""
    import pygame

    pygame.image.save(pygame.display.get_surface(), options.out / f"{name}.png")


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", nargs="?")
    parser.add_argument("--versus")
    parser.add_argument("--prompt", type=int, default=0, help="number of the picture to start from")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, default=Path("docs/player"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        os.environ["GENIE_HOME"] = folder
        os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
        take(options)


if __name__ == "__main__":
    main()
