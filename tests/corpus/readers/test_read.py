from fractions import Fraction

import numpy as np
import pytest

from corpus.readers import shaper
from corpus.readers.base import ReadOptions, Source
from corpus.readers.layout import Shaping
from corpus.readers.read import read_frames, sample_pictures
from corpus.readers.registry import READERS
from corpus.readers.video import VideoReader


class Numbered:
    """A reader of arrays: picture n is grey n, ten a second."""

    name = "numbered"

    def __init__(self, count):
        self.count = count

    def pictures(self, source, options):
        for number in range(self.count):
            yield Fraction(number, 10), np.full((30, 40, 3), number % 256, np.uint8)


@pytest.fixture
def numbered(tmp_path, monkeypatch):
    def make(count):
        monkeypatch.setitem(READERS, "numbered", Numbered(count))
        return Source(
            name="a",
            path=tmp_path,
            reader="numbered",
            height=30,
            width=40,
            fps=Fraction(10),
            frames=0,
        )

    return make


@pytest.mark.parametrize(("fps", "shaped"), [(None, 30), (5, 15), (20, 30), (Fraction(1, 3), 1)])
def test_left_out_pictures_are_not_shaped_and_repeated_ones_once(
    numbered, monkeypatch, fps, shaped
):
    calls = []
    push = shaper._Arrays.push

    def counted(self, picture):
        calls.append(int(picture[0, 0, 0]))
        push(self, picture)

    monkeypatch.setattr(shaper._Arrays, "push", counted)
    fps = fps and Fraction(fps)
    read = list(read_frames(numbered(30), ReadOptions(), Shaping(size=(3, 4)), fps))
    assert len(calls) == len(set(calls)) == shaped
    assert len(read) == round(30 * (fps or 10) / 10)
    shown = [int(frame[0, 0, 0]) for frame in read]
    assert shown == sorted(shown) and set(shown) == set(calls)


@pytest.mark.parametrize("count", [1, 5, 7, 100, 2900])
def test_samples_of_arrays_are_spread_evenly(numbered, count):
    samples = sample_pictures(numbered(count), ReadOptions(), 6)
    assert samples.scale == 1 and len(samples.pictures) == min(count, 6)
    if count < 256:
        found = [int(picture[0, 0, 0]) for picture in samples.pictures]
        assert found == sorted(found) and found[-1] - found[0] >= (count - 1) * 0.6


def _video(path, drawn, gop, height=60, width=1000):
    ramp = np.arange(120, dtype=np.uint8) * 2
    pictures = np.broadcast_to(ramp[:, None, None, None], (120, height, width, 3))
    codec = ("libx264", "yuv420p", {"crf": "10", "g": str(gop)})
    path = drawn.write_video(path, pictures, codec=codec)
    return VideoReader().sources(path, path.name, ReadOptions())[0]


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
def test_samples_of_a_video_are_sought_and_always_the_same(tmp_path, drawn, monkeypatch, name):
    source = _video(tmp_path / name, drawn, gop=10)
    monkeypatch.setattr(VideoReader, "pictures", None)  # nothing is read from end to end
    samples = sample_pictures(source, ReadOptions(), 6)
    again = sample_pictures(source, ReadOptions(threads=1), 6)
    levels = [picture.mean() for picture in samples.pictures]
    assert len(levels) >= 5 and min(np.diff(levels)) > 20 and levels[-1] - levels[0] > 140
    assert (np.array(samples.pictures) == again.pictures).all()
    assert samples.pictures[0].shape == (29, 480, 3) and samples.scale == 0.48
    assert samples.shown((0, 48, 24, 240)) == (0, 100, 50, 500)


def test_samples_of_a_video_with_one_key_frame_are_decoded(tmp_path, drawn):
    source = _video(tmp_path / "a.mkv", drawn, gop=10_000)
    levels = [picture.mean() for picture in sample_pictures(source, ReadOptions(), 6).pictures]
    assert len(levels) == 6 and min(np.diff(levels)) > 20


def test_samples_of_a_damaged_video_are_those_before_the_damage(tmp_path, drawn):
    source = _video(tmp_path / "a.mkv", drawn, gop=10_000)
    data = bytearray(source.path.read_bytes())
    data[len(data) * 2 // 3 :] = bytes(len(data) - len(data) * 2 // 3)
    source.path.write_bytes(data)
    assert sample_pictures(source, ReadOptions(), 6).pictures
