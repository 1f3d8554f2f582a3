import numpy as np
import pytest

from genie.evaluate.metrics.similarity import ssim


@pytest.mark.parametrize("size", [(64, 64), (24, 40)])
def test_ssim_agrees_with_scikit_image(size):
    from skimage.metrics import structural_similarity

    rng = np.random.default_rng(0)
    true = rng.integers(0, 256, (3, *size, 3), dtype=np.uint8)
    true[1] = 90  # a flat frame: its variance is nothing but rounding
    noise = rng.normal(0, 1, true.shape) * np.array([2, 20, 60])[:, None, None, None]
    got = (true + noise).clip(0, 255)
    got = got.astype(np.uint8)
    expected = [
        structural_similarity(
            a,
            b,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
        for a, b in zip(got, true, strict=True)
    ]
    assert ssim(got, true) == pytest.approx(expected, abs=1e-4)


def test_ssim_keeps_leading_axes_and_is_one_for_equal_frames():
    frames = np.random.default_rng(0).integers(0, 256, (2, 5, 16, 16, 3), dtype=np.uint8)
    assert ssim(frames, frames) == pytest.approx(np.ones((2, 5)), abs=1e-6)


def test_ssim_of_frames_below_the_window_is_absent():
    frames = np.zeros((1, 10, 32, 3), np.uint8)
    assert ssim(frames, frames) is None
