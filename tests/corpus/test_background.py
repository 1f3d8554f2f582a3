import numpy as np
import pytest

from corpus.background import (
    MovingThing,
    smallest_moving_thing,
    still_background,
)
from corpus.frame_size import size_warning


class Frames:
    """A corpus of frames in memory."""

    def __init__(self, frames):
        self.frames, self.num_frames = frames, len(frames)
        self.height, self.width = frames.shape[1:3]
        self.episode_ends = [len(frames)]

    def read(self, start, stop):
        return self.frames[start:stop]


def walking(tall, wide, frames=60, scale=4, side=32):
    """A bright box walks over a striped ground; drawn `scale` times as large and averaged down."""
    rng = np.random.default_rng(0)
    ground = np.repeat(np.arange(side) * 3, scale)[None, :, None].repeat(side * scale, 0)
    pictures = np.repeat(ground.repeat(3, axis=2)[None].astype(float), frames, axis=0)
    for picture in pictures:
        row, column = rng.integers(0, (side - 8) * scale, 2)
        picture[row : row + round(tall * scale), column : column + round(wide * scale)] = 250
    parts = pictures.reshape(frames, side, scale, side, scale, 3).mean(axis=(2, 4))
    return Frames(parts.round().astype(np.uint8))


def test_the_background_is_what_stands_still():
    corpus = walking(4, 4)
    background = still_background(corpus)
    np.testing.assert_array_equal(background, walking(0, 0, frames=1).frames[0])


def test_an_even_number_of_frames_makes_no_new_colours():
    corpus = Frames(np.array([[[[0, 0, 0]]], [[[200, 100, 50]]]], np.uint8))
    assert still_background(corpus).ravel().tolist() == [0, 0, 0]


@pytest.mark.parametrize(("tall", "wide"), [(5, 3), (2, 6)])
def test_the_size_of_a_thing_is_measured_across_pixels(tall, wide):
    found = smallest_moving_thing(walking(tall, wide).frames)
    assert found.height == pytest.approx(tall, abs=0.3)
    assert found.width == pytest.approx(wide, abs=0.3)
    assert not found.lost and size_warning(found, 32, 32) is None


def test_the_smallest_of_several_counts():
    large, small = walking(6, 6), walking(3, 2)
    joined = np.concatenate([large.frames, small.frames])
    found = smallest_moving_thing(joined)
    assert found.height == pytest.approx(3, abs=0.3) and found.width == pytest.approx(2, abs=0.3)


def test_what_is_under_a_pixel_is_said_to_be_lost_and_which_size_holds_it():
    found = smallest_moving_thing(walking(0.9, 0.5).frames)
    assert found.lost and found.width < 1.2
    assert not smallest_moving_thing(walking(3, 0.9).frames).lost
    line = size_warning(MovingThing(width=1.0, height=1.4), 64, 64)
    assert "1.0x1.4 pixels at 64x64: it will be lost" in line and "--size 96x96" in line


def test_nothing_is_said_where_nothing_moves_or_everything_does():
    rng = np.random.default_rng(0)
    assert smallest_moving_thing(np.zeros((9, 8, 8, 3), np.uint8)) is None
    assert smallest_moving_thing(rng.integers(0, 256, (9, 8, 8, 3), np.uint8)) is None


def test_parts_that_touch_at_a_corner_are_one_thing_and_frames_are_apart():
    frames = np.zeros((5, 12, 12, 3), np.uint8)
    for step in range(4):
        frames[0, 2 + step, 2 + step] = 255
        frames[1, 2 + step, 9 - step] = 255
    found = smallest_moving_thing(frames)
    assert (found.width, found.height) == (4, 4)
