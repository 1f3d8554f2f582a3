import numpy as np
import pytest

from genie.evaluate.metrics.frechet import (
    DIMENSIONS,
    frame_features,
    frechet_distance,
    score_frechet,
)
from genie.evaluate.metrics.rollouts import decode_clips, sampled_clips, score_rollouts


def reference(one, other):
    """The textbook formula with a general matrix root."""
    from scipy.linalg import sqrtm

    apart = one.mean(axis=0) - other.mean(axis=0)
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    return apart @ apart + np.trace(first + second - 2 * sqrtm(first @ second).real)


def normal(count, dimensions, seed):
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(dimensions, dimensions)) / np.sqrt(dimensions)
    return rng.normal(size=(count, dimensions)) @ mixed + rng.normal(size=dimensions)


@pytest.mark.parametrize("dimensions", [2, 17, DIMENSIONS])
def test_the_distance_agrees_with_a_reference(dimensions):
    one, other = normal(500, dimensions, 0), normal(700, dimensions, 1)
    assert frechet_distance(one, other) == pytest.approx(reference(one, other), rel=1e-6)


def test_a_set_has_no_distance_to_itself_and_a_shift_costs_its_square():
    values = normal(300, 8, 0)
    assert frechet_distance(values, values) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(values, values + np.full(8, 2.0)) == pytest.approx(8 * 4)


def test_sets_without_spread_are_measured_by_their_means():
    still = np.ones((5, 3))
    assert frechet_distance(still, 3 * still) == pytest.approx(12)


@pytest.mark.parametrize("size", [(16, 16), (7, 10), (64, 96)])
def test_every_frame_but_the_first_has_the_same_features_whatever_its_size(size):
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, *size, 3), dtype=np.uint8)
    assert frame_features(frames).shape == (4, DIMENSIONS)
    assert np.isfinite(frame_features(frames)).all()


def test_features_know_brightness_colour_edges_and_change_by_place():
    flat = np.full((1, 2, 16, 16, 3), 51, np.uint8)
    features = frame_features(flat)[0]
    assert features[:16] == pytest.approx(0.2)
    assert features[16:] == pytest.approx(0, abs=1e-6)
    moved = flat.copy()
    moved[0, 1, :4, :4] += 51  # the first cell of the fine grid
    changed = frame_features(moved)[0] - features
    assert changed[0] == pytest.approx(0.2) and changed[1:16] == pytest.approx(0, abs=1e-9)
    assert changed[32] == pytest.approx(4 * 0.2)  # change
    assert changed[60] == pytest.approx(0.25)  # share of pixels of the first quarter
    red = flat.copy()
    red[..., 0] += 10
    assert frame_features(red)[0, 48:52] == pytest.approx(10 / 255)


def score(toy, corpus, rollout):
    context = toy.make_context(corpus, rollout, clips=96)
    return score_frechet(context, score_rollouts(context, random_draws=0))


def test_a_perfect_world_has_the_ceilings_distance_and_a_frozen_one_that_of_its_frame(
    toy, toy_corpus
):
    perfect = score(toy, toy_corpus, toy.PerfectRollout)
    assert perfect.value == pytest.approx(perfect.ceiling, abs=1e-9)
    assert perfect.n == 96 * 16 and perfect.d == 64 and perfect.feature == "blocks-1"
    frozen = score(toy, toy_corpus, toy.FrozenRollout)
    assert frozen.value > 5 * perfect.value
    assert frozen.value == pytest.approx(frozen.frozen, rel=0.2)
    assert frozen.frozen == perfect.frozen


def test_tokens_of_a_rollout_decode_to_its_frames(toy, toy_corpus):
    context = toy.make_context(toy_corpus, clips=8)
    scores, encoded = score_rollouts(context), context.encoded
    assert scores.ids.shape == (8, 5, 16, 2) and scores.ids.dtype == np.int32
    assert (scores.ids[:, 0] == encoded.ids[:, 4:].numpy()).all()
    frames = decode_clips(context.bundle, sampled_clips(context, scores, arm=2))
    assert (frames[:, 1:] == toy.draw(scores.ids[:, 2])).all()
    assert (frames[:, 0] == toy.draw(encoded.ids[:, 3])).all()
