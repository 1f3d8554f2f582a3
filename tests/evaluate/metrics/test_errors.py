import numpy as np
import pytest

from genie.evaluate.metrics.errors import (
    ErrorTable,
    mean_frame_psnr,
    paired_difference,
    psnr,
    resample_means,
    squared_error,
)

ARMS = ("inferred", "random0", "random1", "frozen", "ceiling")


def table(clips=300, seed=0, inferred=0.01, random=0.02):
    scale = np.array([inferred, random, random, 0.03, 0.005])[None, :, None]
    spread = np.random.default_rng(seed).gamma(4, 0.25, (clips, len(ARMS), 3))
    return ErrorTable(squared=scale * spread, arms=ARMS)


def test_psnr_agrees_with_scikit_image():
    from skimage.metrics import peak_signal_noise_ratio

    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 16, 20, 3), dtype=np.uint8)
    assert float(psnr(squared_error(a, b))) == pytest.approx(
        peak_signal_noise_ratio(b, a, data_range=255), abs=1e-4
    )


def test_psnr_of_a_set_pools_errors_and_does_not_average_decibels():
    errors = np.array([1e-2, 1e-4])
    assert float(psnr(errors.mean())) == pytest.approx(22.967, abs=1e-3)
    assert float(psnr(errors).mean()) == pytest.approx(30.0)


def test_equal_frames_have_a_finite_psnr_and_a_capped_frame_mean():
    same = np.zeros((2, 4, 4, 3), np.uint8)
    assert psnr(squared_error(same, same)).tolist() == [100.0, 100.0]
    assert mean_frame_psnr(squared_error(same, same)) == 60.0


def test_random_psnr_is_the_mean_of_the_draws_decibels():
    squared = np.ones((4, 5, 1)) * np.array([0.01, 0.1, 0.001, 0.1, 0.1])[None, :, None]
    known = ErrorTable(squared=squared, arms=ARMS)
    assert known.random_psnr() == pytest.approx([20.0])
    assert known.delta() == pytest.approx([0.0], abs=1e-9)


def test_interval_surrounds_delta_and_narrows_with_more_clips():
    widths = []
    for errors in (table(clips=40), table(clips=4000)):
        low, high = errors.delta_interval(seed=1, draws=1000).T
        assert (low < errors.delta()).all() and (errors.delta() < high).all()
        widths.append((high - low).mean())
    assert widths[1] < widths[0] / 5


def test_interval_covers_the_truth_about_as_often_as_it_says():
    truth = 10 * np.log10(2)  # the random arms err twice as much
    hits = []
    for seed in range(200):
        low, high = table(clips=60, seed=seed).delta_interval(seed=seed, draws=300).T
        hits.append((low < truth) & (truth < high))
    assert 0.90 < np.mean(hits) < 0.98


def test_interval_is_the_same_for_the_same_seed():
    assert (table().delta_interval(seed=3) == table().delta_interval(seed=3)).all()
    assert (table().delta_interval(seed=3) != table().delta_interval(seed=4)).any()


def test_a_difference_that_every_clip_shows_has_an_interval_without_width():
    one = table(clips=40)
    half = ErrorTable(squared=one.squared / 2, arms=ARMS)
    apart = paired_difference(half, one, seed=1)
    assert apart.psnr == pytest.approx(np.full(3, 10 * np.log10(2)))
    assert apart.psnr_ci == pytest.approx(np.full((3, 2), 10 * np.log10(2)))
    assert apart.delta == pytest.approx(np.zeros(3), abs=1e-9)
    assert np.ptp(one.psnr_interval("inferred", seed=1), axis=1).min() > 0.3


def test_a_difference_by_chance_has_an_interval_around_zero():
    inside = []
    for seed in range(40):
        one, other = table(clips=100, seed=seed), table(clips=100, seed=seed + 1000)
        low, high = paired_difference(one, other, seed=seed, draws=200).delta_ci.T
        inside.append((low < 0) & (high > 0))
    assert 0.85 < np.mean(inside) < 1


def test_worlds_scored_on_different_clips_cannot_be_paired():
    with pytest.raises(ValueError, match="same clips"):
        paired_difference(table(clips=40), table(clips=41))


def test_the_interval_of_random_actions_surrounds_their_psnr():
    errors = table(clips=60)
    low, high = errors.random_interval(seed=2).T
    assert (low < errors.random_psnr()).all() and (errors.random_psnr() < high).all()


def test_resampling_keeps_the_mean():
    values = np.random.default_rng(0).normal(size=(50, 2))
    drawn = resample_means(values, 0, 4000)
    assert drawn.mean(axis=0) == pytest.approx(values.mean(axis=0), abs=0.02)


def test_frames_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        ErrorTable(squared=np.full((2, 5, 1), np.nan), arms=ARMS)
