"""The README's pictures of the window: start screen, play, help, compare.

    python -m genie.play.portraits [WORLD] [--versus B] [--out docs/player] [--threads N]

Everything is what the window paints under SDL's dummy driver, at its own pace.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

KEYS = "right*16 up*6 right*14 none*4 left*14 up*6 left*14"
SHOWN_AFTER = 69
"""Frames of the keys that have been played when the picture of play is taken."""


def take(options: argparse.Namespace) -> None:
    """Paint and save every picture."""
    import pygame

    from genie.catalog import find_world
    from genie.play.display import start_display
    from genie.play.draw import first_window_size
    from genie.play.draw_duel import duel_window_size, paint_duel
    from genie.play.draw_start import paint_start
    from genie.play.duel_run import make_duel
    from genie.play.gallery import read_gallery
    from genie.play.game import Game, GameOptions
    from genie.play.keys import parse_keys
    from genie.play.loop import PlayScreen
    from genie.play.options import PlayOptions
    from genie.play.run import load_world, make_player
    from genie.play.start import StartState
    from genie.play.window import Window
    from genie.world_card import read_card

    def save(name: str) -> None:
        pygame.image.save(pygame.display.get_surface(), options.out / f"{name}.png")

    assert start_display()
    card = read_card(find_world(options.world))
    window = Window(first_window_size(card), card.title)
    start = StartState(read_gallery(), prompt=1)
    start.message = "ready"
    paint_start(window.surface, start)
    save("start")

    plain = PlayOptions(threads=options.threads, steps=options.steps)
    world = load_world(card.path, plain)
    script = parse_keys(KEYS, world.bundle.keymap)
    game = Game(card, make_player(card, world, plain), GameOptions(script=script, governed=False))
    screen = PlayScreen(window, game)
    for _ in range(SHOWN_AFTER + 1):
        screen.turn()
        window.wait(game.state.fps_wanted)
    save("play")
    game.press("f1", time.monotonic())
    screen.show()
    save("help")

    rival = PlayOptions(versus=options.versus or str(card.path), steps=1, keys=KEYS)
    duel = make_duel(card, world, rival, load_world)
    window = Window(duel_window_size(card.height, card.width), card.title)
    for _ in range(SHOWN_AFTER):
        duel.turn(time.monotonic())
        window.wait(card.fps)
    paint_duel(window.surface, duel, "")
    save("compare")


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", nargs="?")
    parser.add_argument("--versus")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--out", type=Path, default=Path("docs/player"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"SDL_VIDEODRIVER": "dummy", "GENIE_HOME": folder}
        os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
        take(options)


if __name__ == "__main__":
    main()
