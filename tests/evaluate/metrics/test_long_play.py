import numpy as np
import pytest

from genie.drift import DriftMeter
from genie.evaluate.context import EvalConfig
from genie.evaluate.metrics.long_play import (
    held_keys,
    inferred_keys,
    long_rollouts,
    real_moving_share,
    score_long_play,
)
from genie.frames import moving_share


@pytest.fixture
def meter(statistics):
    return DriftMeter(statistics)


def make_context(toy, corpus, rollout, frames=600):
    return toy.make_context(corpus, rollout, EvalConfig(clips=16, long_frames=frames))


def play(toy, corpus, rollout, meter=None, frames=600):
    return score_long_play(make_context(toy, corpus, rollout, frames), meter)


def test_a_world_that_holds_moves_and_obeys_to_the_end(toy, toy_corpus, meter):
    half = play(toy, toy_corpus, toy.PerfectRollout, meter)["random"]
    assert half.left_at is None
    assert half.round_trip == (1.0,) * 6 and len(half.moving_share) == 6
    assert half.moving_share[-1] == pytest.approx(half.moving_share[0], rel=0.2)
    real = real_moving_share(make_context(toy, toy_corpus, toy.PerfectRollout), 20)
    assert half.moving_share[0] == pytest.approx(real, rel=0.2)


def test_a_world_that_falls_apart_is_dated(toy, toy_corpus, meter):
    half = play(toy, toy_corpus, toy.NoisyFromRollout, meter)["random"]
    assert 236 < half.left_at <= 316
    assert half.round_trip[0] == 1.0 and half.round_trip[-1] < 0.6


def test_a_frozen_world_does_not_move(toy, toy_corpus, meter):
    half = play(toy, toy_corpus, toy.FrozenRollout, meter)["random"]
    assert half.moving_share == (0.0,) * 6 and half.left_at == 0


def test_two_clips_make_one_short_rollout_of_each_half(toy, toy_corpus, meter):
    done, config = [], EvalConfig(clips=2)
    context = toy.make_context(toy_corpus, toy.PerfectRollout, config)
    halves = score_long_play(context, meter, done.append)
    assert sum(done) == long_rollouts(config) * config.played_frames == 2 * 100
    for half in halves.values():
        assert half.round_trip == (1.0,) and len(half.left_at_each) == 1
    assert long_rollouts(EvalConfig(clips=2, long_frames=600)) == 2


def test_without_statistics_there_is_no_distance(toy, toy_corpus):
    half = play(toy, toy_corpus, toy.PerfectRollout, frames=100)["held"]
    assert half.distance is None and half.left_at is None and half.threshold is None


def test_inferred_keys_are_the_true_ones_and_go_on_in_the_next_episode(toy, toy_corpus):
    keys = inferred_keys(toy.make_context(toy_corpus), start=150, episode=0, length=100)
    expected = np.concatenate([toy_corpus.actions[150:179], toy_corpus.actions[180:251]])
    assert (keys == expected).all()


def test_a_corpus_that_is_too_short_for_the_keys_is_read_again(toy):
    corpus = toy.make_corpus(episodes=2, length=30)
    keys = inferred_keys(toy.make_context(corpus), start=0, episode=0, length=500)
    assert keys.shape == (500,)


def test_held_keys_change_every_30_frames_and_begin_elsewhere():
    keys = held_keys(1, 4, 150)
    assert keys.reshape(5, 30).tolist() == [[k] * 30 for k in (1, 2, 3, 0, 1)]


def test_pixels_move_where_a_channel_changes_by_more_than_the_ripple():
    frames = np.zeros((2, 2, 4, 3), np.uint8)
    frames[1, 0, 0, 2] = 9
    frames[1, 1, 1] = 8
    assert moving_share(frames).tolist() == [1 / 8]
    assert moving_share(frames[::-1]).tolist() == [1 / 8]
