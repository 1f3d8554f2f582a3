"""Sizes of frames that hold what moves in them."""

import numpy as np
import pytest

from corpus.background import smallest_moving_thing
from corpus.build import build_corpus
from corpus.frame_size import AUTO, choose_size, usual_sizes
from corpus.store import Corpus


def flying(tall, wide, height=210, width=160, frames=48, seed=0):
    """A bright ball flies over a plain ground, a corner counts: uint8 (S, H, W, 3)."""
    rng = np.random.default_rng(seed)
    pictures = np.full((frames, height, width, 3), (20, 60, 30), np.uint8)
    for number, picture in enumerate(pictures):
        row, column = rng.integers(20, height - 30), rng.integers(10, width - 20)
        picture[row : row + tall, column : column + wide] = 240
        picture[2:3, 8 * (number // 12) : 8 * (number // 12) + 1] = 200
    return pictures


@pytest.mark.parametrize(
    ("height", "width", "first"),
    [(210, 160, (72, 56)), (360, 640, (48, 88)), (512, 512, (64, 64)), (640, 360, (88, 48))],
)
def test_usual_sizes_keep_the_shape_and_grow(height, width, first):
    sizes = usual_sizes(height, width)
    assert sizes[0] == first
    assert all(side % 8 == 0 for size in sizes for side in size)
    assert sorted(sizes) == sizes
    assert 3 < np.prod(sizes[-1]) / np.prod(sizes[0]) < 5


@pytest.mark.parametrize(("height", "width"), [(64, 64), (60, 50), (20, 30)])
def test_no_size_is_larger_than_the_picture(height, width):
    assert all(size[0] <= height and size[1] <= width for size in usual_sizes(height, width))


def test_the_smaller_the_thing_the_larger_the_frames():
    large, small = choose_size([flying(12, 8)]), choose_size([flying(4, 2)])
    assert large.size == (72, 56) and not large.thing.lost and large.lost_at is None
    assert np.prod(small.size) > np.prod(large.size)
    assert f"at {small.lost_at[0][0]}x{small.lost_at[0][1]} it would be" in str(small)


def test_the_smallest_thing_of_all_recordings_counts():
    both = choose_size([flying(12, 8), flying(4, 2)])
    assert both.size == choose_size([flying(4, 2)]).size


def test_of_two_things_the_one_of_less_area_decides():
    line, ball = flying(30, 2), flying(4, 3)
    both, alone = choose_size([line, ball]), choose_size([ball])
    assert both.size == alone.size and both.thing.area < 30
    assert not choose_size([line]).thing.lost


def test_what_no_size_holds_is_said():
    choice = choose_size([flying(1, 1)])
    assert choice.size == usual_sizes(210, 160)[-1]
    assert "there and lost" in str(choice)


def test_a_camera_that_moves_asks_for_nothing():
    noise = np.random.default_rng(0).integers(0, 256, (20, 96, 96, 3), np.uint8)
    choice = choose_size([noise])
    assert choice.size == (64, 64) and "nothing small moves" in str(choice)


def test_a_digit_that_changes_in_its_place_does_not_move():
    pictures = flying(12, 8)
    assert smallest_moving_thing(pictures).width == pytest.approx(8, abs=0.5)


def test_a_build_takes_the_size_that_it_says_and_an_update_keeps_it(tmp_path, drawn):
    folder, said = tmp_path / "in", []
    drawn.write_video(folder / "a.mp4", flying(4, 2))
    out = build_corpus([folder], tmp_path / "out", AUTO, progress=False, tell=said.append)
    first = Corpus.open(out)
    assert f"--size auto takes {first.height}x{first.width}: " in said[0]
    assert (first.height, first.width) == choose_size([flying(4, 2)]).size
    drawn.write_video(folder / "b.mp4", flying(12, 8, frames=96, seed=1))
    build_corpus([folder], out, AUTO, update=True, progress=False, tell=said.append)
    assert Corpus.open(out).num_episodes == 2 and len(said) == 1
    assert (Corpus.open(out).height, Corpus.open(out).width) == (first.height, first.width)


def test_borders_are_not_counted_in_the_shape(tmp_path, drawn):
    pictures = np.zeros((48, 160, 160, 3), np.uint8)
    pictures[:, 40:120] = flying(12, 8, 80, 160)
    drawn.write_video(tmp_path / "in" / "a.mp4", pictures)
    out = build_corpus([tmp_path / "in"], tmp_path / "out", AUTO, progress=False)
    corpus = Corpus.open(out)
    assert (corpus.height, corpus.width) == usual_sizes(80, 160)[0] != usual_sizes(160, 160)[0]
