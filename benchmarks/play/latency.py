"""From a key to a changed frame in the real window; do the adaptive steps hold the pace?

    python -m benchmarks.play.latency [WORLD] [--presses N] [--fps F] [--steps M] [--threads N]

The window is SDL's dummy, its clock the real one. A key goes down at a random time between two
frames; the time is taken until the window shows a frame that was sampled under it. --steps sets the
wanted steps, of which play may take some away; the rate that it holds is printed too.
"""

import argparse
import os
import random
import tempfile
import time

import numpy as np


class Pace:
    """The window's waiting, and the key that goes down somewhere in it."""

    def __init__(self, fps: float, rng: random.Random) -> None:
        """Keep a rate; `rng` chooses when the key goes down."""
        self._frame, self._rng, self._due = 1 / fps, rng, time.perf_counter()

    def wait(self, press: object = None) -> float | None:
        """Wait until the next frame is due; `press` is called on the way. Returns when it was."""
        self._due = max(self._due + self._frame, time.perf_counter())
        pressed = None
        if press is not None:
            now = time.perf_counter()
            self._sleep_until(now + self._rng.random() * max(self._due - now, 0.0))
            pressed = time.perf_counter()
            press()
        self._sleep_until(self._due)
        return pressed

    @staticmethod
    def _sleep_until(due: float) -> None:
        left = due - time.perf_counter()
        if left > 0:
            time.sleep(left)


def measure(options: argparse.Namespace) -> None:
    """Play, press, and print the figures."""
    import pygame

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
    card = read_card(find_world(options.world))
    begin = time.perf_counter()
    player = PlaySetup(card, PlayOptions(threads=options.threads, steps=options.steps)).player()
    print(f"from the choice to play, where nothing was warm: {time.perf_counter() - begin:.1f} s")
    game = Game(card, player, GameOptions())
    game.state.fps_wanted = options.fps
    screen = PlayScreen(Window(first_window_size(card), card.title), game)
    pace, taken = Pace(options.fps, random.Random(0)), []
    for _ in range(45):  # until the adaptive steps are steady
        screen.tick()
        pace.wait()
    begin, first = time.perf_counter(), game.state.total
    for number in range(options.presses):
        key = (pygame.K_RIGHT, pygame.K_LEFT)[number % 2]
        down = pygame.event.Event(pygame.KEYDOWN, key=key)
        pressed = pace.wait(lambda event=down: pygame.event.post(event))
        screen.tick()
        taken.append(time.perf_counter() - pressed)
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))
        for _ in range(3):
            pace.wait()
            screen.tick()
    held = (game.state.total - first) / (time.perf_counter() - begin)
    p50, p95 = np.percentile(taken, (50, 95)) * 1000
    print(f"key to changed frame: p50 {p50:.1f} ms, p95 {p95:.1f} ms over {len(taken)} presses")
    steps = f"{game.adaptive_steps.steps} of {game.adaptive_steps.wanted} steps"
    slow = ", the window says that this is too slow"
    warning = slow if game.adaptive_steps.too_slow(options.fps) else ""
    print(f"pace: {held:.2f} of {options.fps:g} frames a second with {steps}{warning}")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("world", nargs="?")
    parser.add_argument("--presses", type=int, default=100)
    parser.add_argument("--fps", type=float, default=15.0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"SDL_VIDEODRIVER": "dummy", "GENIE_HOME": folder}
        os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
        measure(parser.parse_args())


if __name__ == "__main__":
    main()
