from fractions import Fraction

import numpy as np
import pytest

from corpus.readers.shaper import Shaper, Shaping, VideoPicture


def _shape(picture, size, fit="crop"):
    return Shaper(Shaping(size=size, fit=fit))(picture)


def _box(size, target):
    """Area weights, the slow and obvious way: how much of each source pixel lies in each target."""
    weights = np.zeros((target, size))
    for i in range(target):
        low, high = i * size / target, (i + 1) * size / target
        for j in range(size):
            weights[i, j] = max(0.0, min(high, j + 1) - max(low, j))
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("target", [(60, 80), (30, 40), (45, 60), (12, 16)])
def test_scaling_down_averages_areas(drawn, target):
    (picture,) = drawn.noise(1, 120, 160)
    boxes = _box(120, target[0]), _box(160, target[1])
    expected = np.einsum("ij,jkc,lk->ilc", boxes[0], picture, boxes[1], optimize=True)
    got = _shape(picture, target)
    assert got.shape == (*target, 3) and np.abs(got - expected).max() <= 1


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_a_picture_of_the_asked_size_is_untouched(drawn, fit):
    (picture,) = drawn.noise(1, 15, 23)
    assert (_shape(picture, (15, 23), fit) == picture).all()


def _thirds(height, width, axis):
    """Red, green, blue thirds along an axis."""
    picture = np.zeros((height, width, 3), np.uint8)
    for index, part in enumerate(np.array_split(np.arange((height, width)[axis]), 3)):
        picture[(part, slice(None)) if axis == 0 else (slice(None), part)] = np.eye(3)[index] * 255
    return picture


def test_crop_keeps_the_middle_of_a_wide_picture():
    got = _shape(_thirds(20, 60, axis=1), (10, 10))
    assert (got == [0, 255, 0]).all()


def test_crop_keeps_the_middle_of_a_high_picture():
    got = _shape(_thirds(60, 20, axis=0), (10, 10))
    assert (got == [0, 255, 0]).all()


def test_pad_keeps_the_whole_wide_picture_between_black_bars():
    got = _shape(np.full((20, 60, 3), 200, np.uint8), (30, 30), "pad")
    assert (got[10:20] == 200).all() and (got[:10] == 0).all() and (got[20:] == 0).all()


def test_pad_keeps_the_whole_high_picture_between_black_bars():
    got = _shape(np.full((60, 20, 3), 200, np.uint8), (30, 30), "pad")
    assert (got[:, 10:20] == 200).all() and (got[:, :10] == 0).all() and (got[:, 20:] == 0).all()


def test_pad_shows_all_three_thirds():
    got = _shape(_thirds(60, 30, axis=0), (30, 30), "pad")
    assert {tuple(c) for c in got[::5, 15]} >= {(255, 0, 0), (0, 255, 0), (0, 0, 255)}


def _wide(picture):
    """A frame whose pixels are twice as wide as high."""
    import av

    return VideoPicture(av.VideoFrame.from_ndarray(picture, format="rgb24"), Fraction(2))


def test_wide_pixels_are_made_square():
    stored = np.full((40, 20, 3), 200, np.uint8)  # shown as 40 x 40
    padded = _shape(_wide(stored), (40, 40), "pad")
    assert (padded == 200).all()
    cropped = _shape(_wide(_thirds(40, 20, axis=0)), (20, 20))
    assert (cropped[2] == [255, 0, 0]).all() and (cropped[-3] == [0, 0, 255]).all()


@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (3, 3), (481, 853)])
def test_any_shape_fits(drawn, fit, shape):
    (picture,) = drawn.noise(1, *shape)
    assert _shape(picture, (16, 24), fit).shape == (16, 24, 3)
