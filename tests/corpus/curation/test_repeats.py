import numpy as np
import pytest

from corpus.curation.repeats import repeat_pattern


@pytest.mark.parametrize("times, factor", [(1, None), (2, 1 / 2), (3, 1 / 3)])
@pytest.mark.parametrize("game", ["scrolling", "pong"])
def test_repeated_frames_are_noticed(games, game, times, factor):
    frames = games.noisy(getattr(games, game)(1, 150).repeat(times, 0), level=1.0)
    assert repeat_pattern(games.measure(frames)) == factor


def test_pause_is_no_pattern(games):
    game = games.walking(1, 150)
    frames = np.concatenate([game[:75], game[74:75].repeat(60, 0), game[75:]])
    assert repeat_pattern(games.measure(frames)) is None


def test_uneven_repeats_are_no_pattern(games):
    times = np.random.default_rng(0).integers(1, 4, 150)
    assert repeat_pattern(games.measure(games.walking(1, 150).repeat(times, 0))) is None
