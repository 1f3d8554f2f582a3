"""Pictures of any recording: all of them in one size, or a few to look at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

import numpy as np

from corpus.readers.base import Box, ReadOptions, Source
from corpus.readers.layout import Shaping
from corpus.readers.registry import READERS
from corpus.readers.shaper import Picture, Shaper, shape_all

MOST_SECONDS = 3600  # that one frame may stay on when a recording is resampled
SAMPLE_SIDE = 480  # pixels of the longer side of a sample
LOOK_STEP = 8  # of the pictures at the beginning of a recording that cannot be sought


def read_stacks(
    source: Source,
    options: ReadOptions,
    shaping: Shaping,
    fps: Fraction | None = None,
    sampler: Sampler | None = None,
) -> Iterator[np.ndarray]:
    """Read a recording, some pictures at a time.

    Pictures that the rate leaves out are not shaped, and one that it repeats is shaped once.

    Args:
        source: the recording.
        options: what the user says of it.
        shaping: how pictures are made to fit.
        fps: frames per second to resample to; without it, every picture is passed on.
        sampler: takes samples of the pictures meanwhile.

    Yields:
        uint8 (n, H, W, 3), RGB 0-255.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is unreadable, damaged, cut short, or holds fewer than two frames.
    """
    timed = READERS[source.reader].pictures(source, options)
    if sampler is not None:
        timed = sampler.watch(timed)
    if fps is None:
        chosen = (picture for _, picture in timed)
    else:
        chosen = resample(timed, fps, 1 / (source.fps or fps))
    yield from shape_all(chosen, shaping, source.path)


def read_frames(
    source: Source, options: ReadOptions, shaping: Shaping, fps: Fraction | None = None
) -> Iterator[np.ndarray]:
    """Read a recording as ``read_stacks`` does, but one picture at a time: uint8 (H, W, 3)."""
    for stack in read_stacks(source, options, shaping, fps):
        yield from stack


def resample(
    timed: Iterable[tuple[Fraction, object]], fps: Fraction, last_duration: Fraction
) -> Iterator[object]:
    """Choose the picture nearest to each tick of an output clock; of two equally near, the earlier.

    Args:
        timed: (seconds, picture) with rising times; the clock starts at the first.
        fps: ticks per second.
        last_duration: seconds that the last picture stays on.

    Yields:
        A picture per tick, from the first to the end of the last.
    """
    tick, start, before = 0, Fraction(0), None
    for seconds, frame in timed:
        if before is None:
            start = seconds
        else:
            if seconds - before[0] > MOST_SECONDS:
                raise ValueError(
                    f"a frame stays on for {float(seconds - before[0]):.0f} seconds: allowed are "
                    f"{MOST_SECONDS}; leave --fps out, or cut the video there"
                )
            middle = (before[0] + seconds) / 2 - start
            while tick / fps <= middle:
                yield before[1]
                tick += 1
        before = (seconds, frame)
    while before is not None and tick / fps < before[0] - start + last_duration:
        yield before[1]
        tick += 1


Timed = tuple[Fraction, Picture]  # seconds, and what is shown from then on


class Samples(NamedTuple):
    """Some pictures of a recording.

    Attributes:
        pictures: uint8 (h, w, 3), whole, upright and with square pixels; the longer side is at most
            ``SAMPLE_SIDE``.
        scale: their pixels per pixel of the picture as it is shown.
        size: (height, width) of the picture as it is shown, in pixels.
    """

    pictures: list[np.ndarray]
    scale: float
    size: tuple[int, int]

    def shown(self, box: Box) -> Box:
        """Turn a box that was found in a sample into one of the picture as it is shown."""
        top, left, height, width = box
        top, bottom, left, right = (
            min(round(edge / self.scale), side)  # a sample's side is rounded, too
            for start, length, side in zip((top, left), (height, width), self.size, strict=True)
            for edge in (start, start + length)
        )
        return top, left, bottom - top, right - left

    def within(self, box: Box | None) -> list[np.ndarray]:
        """Return what of the samples lies wholly inside a box of the picture as it is shown.

        It is a pixel at least, also of a box that is smaller than that.
        """
        if box is None:
            return self.pictures
        slices = []
        for start, length, side in zip(box[:2], box[2:], self.size, strict=True):
            last = max(1, round(side * self.scale)) - 1
            first = min(math.ceil(start * self.scale), last)
            slices.append(slice(first, max(first + 1, math.floor((start + length) * self.scale))))
        return [picture[tuple(slices)] for picture in self.pictures]


class Sampler:
    """Takes a few pictures out of all that pass by, evenly spread."""

    def __init__(self, source: Source, count: int) -> None:
        """Take ``count`` pictures of a recording, fewer if it has fewer."""
        self._shaper, self._scale = _sample_shaper(source)
        self._size = source.height, source.width
        self._count, self._step = count, max(1, source.frames // count)
        self._found: list[np.ndarray] = []

    def watch(
        self, timed: Iterable[tuple[Fraction, Picture]]
    ) -> Iterator[tuple[Fraction, Picture]]:
        """Pass pictures on."""
        for number, (seconds, picture) in enumerate(timed):
            if number % self._step == self._step // 2:
                self._found.append(self._shaper(picture))
            if len(self._found) == 4 * self._count:  # there are more than were announced
                self._found, self._step = self._found[::2], 2 * self._step
            yield seconds, picture

    def samples(self) -> Samples:
        """Return what was taken."""
        found, count = self._found, min(self._count, len(self._found))
        places = ((2 * number + 1) * len(found) // (2 * count) for number in range(count))
        return Samples([found[place] for place in places], self._scale, self._size)


def seek_samples(source: Source, options: ReadOptions, count: int) -> Samples:
    """Read a few pictures, evenly spread over a recording, the same ones each time.

    Videos are sought through their key frames, of which there may be few: screen recordings may
    have one alone. Other recordings cannot be sought, and give none.
    """
    shaper, scale = _sample_shaper(source)
    reader = READERS[source.reader]
    spread = reader.spread(source, options, count) if hasattr(reader, "spread") else ()
    pictures = [shaper(picture) for _, picture in spread]
    return Samples(pictures, scale, (source.height, source.width))


def look(source: Source, options: ReadOptions, count: int) -> Samples:
    """Read up to ``count`` pictures: spread over the recording, or every eighth of its beginning.

    Raises:
        ValueError: the recording is damaged there.
    """
    samples = seek_samples(source, options, count)
    if len(samples.pictures) > count / 2:
        return samples
    shaper, scale = _sample_shaper(source)
    step = max(1, min(LOOK_STEP, source.frames // count))
    timed = islice(READERS[source.reader].pictures(source, options), 0, count * step, step)
    pictures = [shaper(picture) for _, picture in timed]
    return Samples(pictures, scale, (source.height, source.width))


def _sample_shaper(source: Source) -> tuple[Shaper, float]:
    """Makes samples of pictures: (how, samples' pixels per pixel as shown)."""
    scale = min(1.0, SAMPLE_SIDE / max(source.height, source.width))
    size = max(1, round(source.height * scale)), max(1, round(source.width * scale))
    return Shaper(Shaping(size=size)), scale
