"""Drift while playing: tokens that leave the corpus, and the way back."""

import numpy as np
import pytest

from genie.drift import TokenLayout, build_statistics
from genie.play.drift_meter import DriftTracker
from genie.play.game.controls import Controls
from genie.play.game.game import Game
from genie.play.game.view import view_of
from genie.play.player import Player


@pytest.fixture
def drifting(world):
    """Real episodes play action 2 at most; held long enough, action 3 leaves what they show."""
    rng = np.random.default_rng(0)
    episodes = []
    for _ in range(40):
        ids = np.zeros((160, 4), np.int64)
        ids[:, 0] = rng.integers(0, 3, 160)
        ids[:, 1] = np.arange(160)
        ids[:, 2], ids[:, 3] = 50, 5
        episodes.append(ids)
    ends = np.cumsum([len(ids) for ids in episodes])
    layout = TokenLayout(num_codes=256, num_actions=4, grid=(2, 2))
    actions = np.zeros(160 * len(episodes), np.int64)
    world.bundle.statistics = build_statistics(np.concatenate(episodes), actions, ends, layout)
    return world


@pytest.fixture
def game(card, drifting, workplace):
    return Game(card, Player(drifting, drifting.bundle.prompts, seed=5))


def play(game, key, frames):
    controls = Controls(game)
    controls.press(key, 0.0)
    for _ in range(frames):
        tick(game)
    controls.release(key)


def tick(game):
    action = game.begin_frame(0.1)
    game.end_frame(game.player.advance(action), action, 0.1)


def test_healthy_play_stays_below_the_threshold(game):
    rng = np.random.default_rng(1)
    for key in rng.choice(["1", "2", "0"], 64):
        play(game, key, 1)
    gauge = view_of(game, 0.0).hud.drift
    assert gauge.distance > 0
    assert not gauge.drifted


def test_drift_is_told_and_one_key_goes_back_to_the_last_healthy_frame(game, drifting):
    rng = np.random.default_rng(1)
    for key in rng.choice(["1", "2", "0"], 80):
        play(game, key, 1)
    play(game, "3", 112)
    assert game.drift.drifted
    assert any("drifted" in badge for badge in view_of(game, 0.0).badges)
    before = game.player.frame_number
    Controls(game).press("h", 0.0)
    assert 64 <= game.player.frame_number < before - 16
    assert not game.drift.drifted
    tick(game)  # and play goes on from there
    assert game.player.frame_number < before


def test_if_nothing_was_healthy_it_is_the_first_frame(game):
    play(game, "3", 128)
    assert game.drift.drifted
    Controls(game).press("h", 0.0)
    assert game.player.frame_number == 0


def test_a_world_without_statistics_shows_no_gauge(card, world, workplace):
    game = Game(card, Player(world, world.bundle.prompts))
    assert DriftTracker.of({}) is None
    assert view_of(game, 0.0).hud.drift is None
    Controls(game).press("h", 0.0)
    assert "no statistics" in game.state.message(0.0)


class Line:
    """A session of one line of frames."""

    def __init__(self, ids):
        self._ids = ids

    def line(self, head, length=None):
        return np.arange(head + 1)[-(length or head + 1) :]

    def ids(self, records):
        return self._ids[np.asarray(records)]

    def actions(self, records):
        return np.zeros(len(records), int)


def test_a_frame_that_no_key_moves_is_no_place_to_go_back_to():
    """As in an endless wall: each picture is like those of the corpus, and none is left."""
    corpus = (np.arange(4000)[:, None] // 2 * 7 + np.arange(4)) % 64
    layout = TokenLayout(num_codes=64, num_actions=2, grid=(2, 2))
    statistics = build_statistics(corpus, np.zeros(4000, int), np.arange(1, 21) * 200, layout)
    tracker = DriftTracker.of(statistics)
    tracker.threshold = 100.0  # nothing counts as unlike the corpus
    moving = (np.arange(150)[:, None] // 2 * 7 + np.arange(4)) % 64
    stuck = np.concatenate([moving, np.repeat(moving[-1:], 60, axis=0)])
    found = tracker.last_healthy(Line(stuck), len(stuck) - 1)
    assert found < 150 and (stuck[found] != stuck[found - 1]).all()
