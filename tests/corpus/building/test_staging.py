"""One recording: what is looked for before and while it is read."""

import re

import numpy as np
import pytest

from corpus.building.staging import StageOptions, open_staged, stage
from corpus.readers.base import ReadOptions
from corpus.readers.video import VideoReader


def _wall(count, height=48, width=64):
    """A wall that passes by, which differs everywhere from any black bar."""
    wall = np.random.default_rng(0).integers(60, 256, (height // 8, 200, 3), np.uint8)
    wall = wall.repeat(8, 0).repeat(8, 1)
    return np.stack([wall[:, 3 * step : 3 * step + width] for step in range(count)])


def _barred(pictures, start=0):
    pictures = pictures.copy()
    pictures[start:, :8] = pictures[start:, -8:] = 0
    return pictures


@pytest.fixture
def staged(tmp_path, drawn, monkeypatch):
    """Stage a video with one key frame, or one in ten; say how often it was decoded."""

    def run(pictures, gop):
        codec = ("libx264rgb", "rgb24", {"qp": "0", "g": str(gop)})
        path = drawn.write_video(tmp_path / f"{gop}.mkv", pictures, codec=codec)
        (source,) = VideoReader().sources(path, path.name, ReadOptions())
        decoded, pictures = [], VideoReader.pictures
        monkeypatch.setattr(
            VideoReader, "pictures", lambda *given: decoded.append(0) or pictures(*given)
        )
        stage(source, StageOptions(size=(16, 32)), tmp_path / f"staged{gop}")
        monkeypatch.undo()
        return len(decoded), open_staged(tmp_path / f"staged{gop}")

    return run


def test_a_video_with_few_key_frames_is_decoded_once(staged):
    times, whole = staged(_wall(90), gop=1000)
    assert times == 1 and "borders" not in str(whole.notes) and whole.frames.num_frames == 90


def test_bars_that_key_frames_do_not_show_are_cut(staged):
    pictures = _barred(_wall(90))
    times, few = staged(pictures, gop=1000)
    assert times == 2 and "borders of one colour are cut: kept 64:32:0:8" in few.notes
    times, many = staged(pictures, gop=2)
    assert times == 1 and many.notes == few.notes
    assert (few.frames.read(0, 90) == many.frames.read(0, 90)).all()
    assert few.measurements.change.tobytes() == many.measurements.change.tobytes()


def test_bars_of_a_picture_with_an_odd_side_are_cut(staged):
    """Its samples have half of 443 lines, which are 222."""
    pictures = _wall(12, 448, 96)[:, :443].repeat(10, 2)
    pictures[:, :, :96] = 0
    _, whole = staged(pictures, gop=1)
    assert any(re.search(r"are cut: kept 8[0-9]{2}:443:[0-9]+:0$", note) for note in whole.notes)


def test_bars_that_only_some_key_frames_show_are_not_cut(staged):
    """Three of them look barred; the pictures between, of the second before, do not."""
    pictures = _barred(_wall(90))
    pictures[10:30] = _wall(90)[10:30]
    times, whole = staged(pictures, gop=30)
    assert times == 2 and "borders" not in str(whole.notes) and whole.frames.num_frames == 90
