from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from corpus.readers.base import Source
from corpus.readers.ffmpeg.colours import PQ
from corpus.readers.layout import SQUARE, Shaping, lost_share, parse_box, show_box
from corpus.readers.shaper import Shaper, VideoPicture, shape_all


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


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_masks_are_black_wherever_they_touch_and_nowhere_else(fit):
    white = np.full((40, 60, 3), 255, np.uint8)
    plain = Shaper(Shaping(size=(20, 20), fit=fit))(white)
    mask = (11, 25, 6, 9)  # rows 11 to 16, columns 25 to 33
    masked = Shaper(Shaping(size=(20, 20), fit=fit, masks=(mask, (0, 0, 1, 1))))(white)
    # crop: 2 pixels a target pixel, 10 columns cut off each side; pad: 3, below 3 black lines
    rows, columns = ((5, 9), (7, 12)) if fit == "crop" else ((6, 9), (8, 12))
    expected = plain.copy()
    expected[rows[0] : rows[1], columns[0] : columns[1]] = 0
    if fit == "pad":
        expected[3, 0] = 0
    assert (masked == expected).all() and (plain == 255).any()


def test_a_crop_box_is_cut_out_first():
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[10:20, 20:50] = 255
    box = (10, 20, 10, 30)
    assert (Shaper(Shaping(size=(5, 15), crop=box))(picture) == 255).all()
    assert (Shaper(Shaping(size=(10, 30), crop=box))(picture) == 255).all()
    padded = Shaper(Shaping(size=(30, 30), crop=box, fit="pad"))(picture)
    assert (padded[10:20] == 255).all() and (padded[:10] == 0).all() and (padded[20:] == 0).all()


@pytest.mark.parametrize("box", [(0, 0, 41, 10), (0, 51, 10, 10), (-1, 0, 5, 5), (0, 0, 0, 5)])
def test_a_crop_box_outside_the_picture_is_refused(box):
    with pytest.raises(ValueError, match="crop box"):
        Shaper(Shaping(size=(8, 8), crop=box))(np.zeros((40, 60, 3), np.uint8))


def test_boxes_are_written_as_ffmpeg_does():
    assert parse_box("640:480:10:20") == parse_box("crop=640:480:10:20") == (20, 10, 480, 640)
    assert parse_box(show_box((1, 2, 3, 4))) == (1, 2, 3, 4)
    for text in ("", "1:2:3", "0:5:1:1", "a:1:1:1", "1:1:-1:0", "640x480", "1:1:1:999999"):
        with pytest.raises(ValueError, match="is no box"):
            parse_box(text)


def test_the_share_that_is_lost_is_known_before():
    atari = Source(
        name="a", path=Path("a"), reader="video", height=210, width=160, fps=None, frames=0
    )
    height, width = lost_share(atari, Shaping(size=(64, 64)))
    assert abs(height - 50 / 210) < 1e-9 and width == 0
    assert lost_share(atari, Shaping(size=(64, 64), fit="pad")) == (0, 0)
    assert lost_share(atari, Shaping(size=(64, 64), crop=(30, 0, 160, 160))) == (0, 0)


def test_pictures_may_change_their_size_between(drawn):
    shaper = Shaper(Shaping(size=(8, 8)))
    for height, width in ((16, 16), (8, 8), (31, 17), (16, 16)):
        assert shaper(np.full((height, width, 3), 90, np.uint8)).tolist() == [[[90] * 3] * 8] * 8


def _frames(drawn, pix_fmt, counts, transfer=0):
    """Runs of frames whose sizes change from one run to the next."""
    import av

    for number, count in enumerate(counts):
        for picture in drawn.noise(count, 20 + 10 * number, 36, seed=number):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            yield VideoPicture(frame.reformat(format=pix_fmt), SQUARE, transfer)


@pytest.mark.parametrize(("pix_fmt", "transfer"), [("yuv420p", 0), ("yuv420p10le", PQ)])
@pytest.mark.parametrize("shape", [{}, {"fit": "pad", "masks": ((1, 2, 5, 6),)}])
@pytest.mark.parametrize("most", [1, 4, 5])
def test_stacks_hold_what_is_shaped_one_by_one(drawn, monkeypatch, pix_fmt, transfer, shape, most):
    shaping = Shaping(size=(9, 11), **shape)
    monkeypatch.setattr("corpus.readers.shaper.STACK_PIXELS", most * 9 * 11)
    pictures = list(_frames(drawn, pix_fmt, (5, 1, 8, 3), transfer))
    pictures[2:2] = 7 * [pictures[1]]  # shown eight times
    stacks = list(shape_all(pictures, shaping, "a"))
    assert max(len(stack) for stack in stacks) == most
    shaper = Shaper(shaping)
    assert (np.concatenate(stacks) == [shaper(picture) for picture in pictures]).all()


def test_what_is_given_is_not_written_to(drawn):
    (picture,) = drawn.noise(1)
    before = picture.copy()
    Shaper(Shaping(size=picture.shape[:2], masks=((0, 0, 5, 5),)))(picture)
    assert (picture == before).all()
