"""Random keys on a world without weights: whatever is pressed, nothing breaks."""

import random

import pytest

from benchmarks.play.soak import press_something
from genie.session.log import Session


@pytest.mark.parametrize("seed", [0, 1])
def test_random_keys_break_nothing_and_the_log_holds_all_of_it(screen, player, workplace, seed):
    player.session.log_to(workplace / "s.session")
    rng = random.Random(seed)
    for number in range(400):
        for _ in range(4):
            press_something(screen, rng, number / 10)
        screen.tick()
        screen.game.state.quit = False
    screen.game.close()
    session = Session.read(workplace / "s.session")
    assert len(session) == len(player.session) > 50
    assert len(session.ends()) > 1
