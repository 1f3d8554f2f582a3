import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from corpus.readers import shaper
from corpus.readers.base import ReadOptions, Source
from corpus.readers.layout import Shaping
from corpus.readers.read import Sampler, Samples, read_frames, read_stacks, seek_samples
from corpus.readers.registry import READERS
from corpus.readers.shaper import Shaper
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


def _sampled(source, count):
    """Read a recording, and take samples by the way."""
    sampler = Sampler(source, count)
    for _ in read_stacks(source, ReadOptions(), Shaping(size=(3, 4)), sampler=sampler):
        pass
    return sampler.samples()


@pytest.mark.parametrize("announced", [0, 0.5, 1, 2])
@pytest.mark.parametrize("count", [1, 5, 7, 100, 255])
def test_samples_are_spread_evenly(numbered, count, announced):
    source = dataclasses.replace(numbered(count), frames=round(announced * count))
    samples = _sampled(source, 6)
    least = 3 if announced == 2 else 6
    assert samples.scale == 1 and min(count // 2, least) <= len(samples.pictures) <= 6
    found = [int(picture[0, 0, 0]) for picture in samples.pictures]
    assert found == sorted(found) and found[-1] - found[0] >= (count - 1) * 0.6


def test_few_pictures_are_shaped_as_samples(numbered, monkeypatch):
    shaped = []
    monkeypatch.setattr(Shaper, "__call__", lambda self, picture: shaped.append(0) or picture)
    _sampled(dataclasses.replace(numbered(2900), frames=2900), 6)
    assert len(shaped) <= 7


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
    samples = seek_samples(source, ReadOptions(), 6)
    again = seek_samples(source, ReadOptions(threads=1), 6)
    levels = [picture.mean() for picture in samples.pictures]
    assert len(levels) >= 5 and min(np.diff(levels)) > 20 and levels[-1] - levels[0] > 140
    assert (np.array(samples.pictures) == again.pictures).all()
    assert samples.pictures[0].shape == (29, 480, 3) and samples.scale == 0.48
    assert samples.shown((0, 48, 24, 240)) == (0, 100, 50, 500)


def test_a_box_of_a_sample_lies_inside_the_picture():
    """886 lines at a quarter are 221.5, of which a sample makes 222."""
    sample = np.zeros((222, 480, 3), np.uint8)
    samples = Samples([sample], 0.25, (886, 1920))
    assert samples.shown((0, 25, 222, 455)) == (0, 100, 886, 1820)
    assert samples.shown((22, 0, 200, 480)) == (88, 0, 798, 1920)
    for box in ((885, 1919, 1, 1), (0, 0, 1, 1920), (880, 0, 6, 1920)):
        (part,) = samples.within(box)
        assert part.size


def test_a_video_with_one_key_frame_is_sampled_while_it_is_read(tmp_path, drawn):
    source = _video(tmp_path / "a.mkv", drawn, gop=10_000)
    assert len(seek_samples(source, ReadOptions(), 6).pictures) == 1
    levels = [picture.mean() for picture in _sampled(source, 6).pictures]
    assert len(levels) == 6 and min(np.diff(levels)) > 20
