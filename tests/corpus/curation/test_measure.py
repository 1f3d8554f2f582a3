import numpy as np
import pytest

from corpus.curation.grids import BATCH, pooling
from corpus.curation.measure import Measurements, Measurer


def equal(a: Measurements, b: Measurements) -> bool:
    return all(np.array_equal(vars(a)[name], vars(b)[name]) for name in vars(a))


def test_pieces_of_any_size_measure_the_same(games):
    frames = games.scrolling(1, 2 * BATCH + 9)
    measurer = Measurer()
    for start in range(0, len(frames), 7):
        measurer.add(frames[start : start + 7])
    assert equal(measurer.result(), games.measure(frames))


def test_frame_takes_at_most_64_bytes(games):
    measured = games.measure(games.scrolling(1, 40))
    assert sum(array.nbytes for array in vars(measured).values()) <= 64 * len(measured)


def test_change_is_the_mean_absolute_difference(games):
    frames = games.noisy(games.scrolling(3, 20))
    change = np.abs(np.diff(frames.astype(int), axis=0)).mean((1, 2, 3))
    measured = games.measure(frames)
    assert measured.change[0] == 0
    assert np.allclose(measured.change[1:], change, rtol=2e-3)


def test_motion_explains_a_pan_and_not_another_scene(games):
    pan, other = games.scrolling(4, 12), games.scrolling(5, 12)
    measured = games.measure(np.concatenate([pan, other]))
    within = np.delete(measured.unexplained, 12).max()
    assert measured.unexplained[12] > 4 * within
    assert measured.change[12] < 8 * np.median(measured.change)


@pytest.mark.parametrize("size", [(40, 40), (64, 64), (48, 90), (128, 72)])
def test_any_size_and_shape(games, size):
    still = np.repeat(games.texture(2, *size)[None], 30, axis=0)
    moved = still.copy()
    moved[15:, : size[0] // 2, : size[1] // 2] = 255
    measured = games.measure(moved)
    assert len(measured) == 30
    assert np.flatnonzero(measured.peak > 1).tolist() == [15]
    y, x = measured.where[15]
    assert 0.1 < y < 0.4 and 0.1 < x < 0.4


def test_file_gives_back_what_was_saved(games, tmp_path):
    measured = games.measure(games.scrolling(1, 30))
    measured.save(tmp_path / "m.npz")
    assert equal(Measurements.load(tmp_path / "m.npz"), measured)


def test_file_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "m.npz", change=np.zeros(3))
    with pytest.raises(ValueError, match="measure again"):
        Measurements.load(tmp_path / "m.npz")


def test_frames_of_another_kind_or_size_are_refused():
    measurer = Measurer()
    with pytest.raises(ValueError, match="float32"):
        measurer.add(np.zeros((2, 64, 64, 3), np.float32))
    measurer.add(np.zeros((2, 64, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="among those of"):
        measurer.add(np.zeros((2, 32, 64, 3), np.uint8))


def test_no_frames_measure_nothing():
    assert len(Measurer().result()) == 0


def test_pooling_keeps_the_mean():
    assert np.allclose(pooling(45, 16).sum(0), 1)
    assert np.allclose(pooling(45, 16).sum(1), 16 / 45)
