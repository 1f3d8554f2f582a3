"""Random keys on a world without weights: whatever is pressed, nothing breaks."""

import random

import pygame
import pytest

from benchmarks.soak import Sample, press_something, summarize
from genie.play.game.game import Game, GameOptions
from genie.play.screen.loop import PlayScreen
from genie.play.screen.window import Window
from genie.session.log import Session


@pytest.mark.parametrize("seed", [0, 1])
def test_random_keys_break_nothing_and_the_log_holds_all_of_it(
    card, player, workplace, monkeypatch, seed
):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    try:
        player.session.log_to(workplace / "s.session")
        game = Game(card, player, GameOptions(folder=workplace))
        screen, rng = PlayScreen(Window((640, 400), "Toy"), game), random.Random(seed)
        for number in range(400):
            for _ in range(4):
                press_something(game, rng, number / 10)
            screen.turn()
            game.state.quit = False
        game.close()
    finally:
        pygame.quit()
    session = Session.read(workplace / "s.session")
    assert len(session) == len(player.session) > 50
    assert len(session.ends()) > 1


def test_growth_and_rates_are_taken_after_the_warm_up():
    samples = [
        Sample(
            seconds=10.0 * i,
            frames=int(200 * i if i < 50 else 10_000 + 100 * (i - 50)),
            megabytes=500.0 if i < 2 else 600.0 + i,
        )
        for i in range(101)
    ]
    found = summarize(samples, 7)
    assert found.growth_mb == 98
    assert (found.fps_early, found.fps_late) == (20, 10)
    assert found.records == 7
