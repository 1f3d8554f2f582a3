"""Video files: whatever FFmpeg reads, one frame in memory at a time.

PyAV is imported inside the functions, so that a machine without it can still train.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import ClassVar

import numpy as np

from corpus.readers.base import ReadOptions, Source
from corpus.readers.ffmpeg.colours import HDR, settle_matrix
from corpus.readers.ffmpeg.decoding import (
    COMPLETE,
    MIN_FRAMES,
    VideoFacts,
    decode,
    header_seconds,
    pixel_aspect,
    prepare,
    probe,
    say_broken,
    say_cut_short,
    say_too_short,
    timed_pictures,
    to_picture,
)
from corpus.readers.ffmpeg.opening import opened
from corpus.readers.ffmpeg.timing import read_timing
from corpus.readers.shaper import VideoPicture

SUFFIXES = (".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg")
SUFFIXES += (".mts", ".ogv", ".ts", ".webm", ".wmv", ".y4m")
MARKS = {0: (b"\x1aE\xdf\xa3", b"FLV", b"GIF8", b"\0\0\1\xba", b"YUV4MPEG2", b"0&\xb2u")}
MARKS |= {4: (b"ftyp", b"moov", b"mdat"), 8: (b"AVI ",)}  # offset -> first bytes of its formats
PICTURES = (b"avif", b"heic", b"heix", b"mif1")  # of the same container as MP4
PROGRESSIVE = 1  # AVFieldOrder; larger ones are interlaced


class VideoReader:
    """Reads the first video stream of a file."""

    name: ClassVar[str] = "video"
    takes_subfolders: ClassVar[bool] = False

    def matches(self, path: Path) -> bool:
        """Whether a file is named like a video, or begins like one."""
        try:
            if path.suffix.lower() in SUFFIXES:
                return path.is_file()
            with path.open("rb") as file:
                head = file.read(16)
        except OSError:
            return False
        if head[8:12] in PICTURES:
            return False
        return any(head.startswith(marks, at) for at, marks in MARKS.items())

    def sources(self, path: Path, name: str, options: ReadOptions) -> list[Source]:
        """Describe a video by its header, its time stamps and its first frame.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is empty, unreadable, cut short, without pictures, or starts with
                a damaged one; one line that names the file, the reason and a remedy.
        """
        facts = probe(path)
        with opened(path) as (container, stream):
            timing = read_timing(container, stream, path.stat().st_size)
        ends_before = timing.whole and timing.seconds < facts.seconds * COMPLETE
        if facts.cut_short or ends_before:
            raise ValueError(say_cut_short(facts, timing.frames))
        if timing.whole and 0 < timing.frames < MIN_FRAMES:
            raise ValueError(say_too_short(path, timing.frames))
        if timing.damaged is not None:
            raise ValueError(say_broken(facts, timing.damaged, "a packet is damaged"))
        height, width, notes = _first_look(facts)
        fps = timing.fps or facts.fps
        notes = ((timing.note,) if timing.note else ()) + notes
        return [
            Source(
                name=name,
                path=path,
                reader=self.name,
                height=height,
                width=width,
                fps=fps,
                frames=timing.frames or facts.frames,
                notes=notes,
            )
        ]

    def pictures(
        self, source: Source, options: ReadOptions
    ) -> Iterator[tuple[Fraction, VideoPicture]]:
        """Yield (seconds, picture) of each frame, deinterlaced where it is interlaced.

        Raises:
            ValueError: a frame is damaged, or the file is cut short; the line says after how many
                frames.
        """
        return timed_pictures(probe(source.path), options.threads)

    def spread(
        self, source: Source, options: ReadOptions, count: int
    ) -> Iterator[tuple[Fraction, VideoPicture]]:
        """Yield the key frames that are nearest before evenly spread times; fewer if they repeat.

        Damaged places are passed over.
        """
        import av

        seen: set[tuple] = set()
        with opened(source.path) as (container, stream):
            prepare(stream, options.threads)
            first = stream.start_time or 0
            length = max(header_seconds(container, stream), source.frames / (source.fps or 30))
            for number in range(count):
                at = first + int(length * (2 * number + 1) / (2 * count) / stream.time_base)
                try:
                    container.seek(at, stream=stream)
                    frame = _next_frame(container.demux(stream), seen)
                except av.error.FFmpegError as error:
                    if isinstance(error, MemoryError):
                        raise
                    continue
                if frame is None or frame.is_corrupt or frame.pts is None:
                    continue
                settle_matrix(frame)
                yield frame.pts * Fraction(frame.time_base), to_picture(frame, pixel_aspect(stream))

    def actions(self, source: Source, options: ReadOptions) -> np.ndarray | None:
        """Return None: the actions of a video lie in a file beside it."""
        return None


def _next_frame(packets: Iterator[object], seen: set[tuple]) -> object | None:
    """Decode one frame, unless the packets begin where they did before."""
    first = next(packets)
    place = first.pts, first.dts, first.pos
    if place in seen:
        return None
    seen.add(place)
    for packet in chain([first], packets):
        for frame in packet.decode():
            return frame
    return None


def _first_look(facts: VideoFacts) -> tuple[int, int, tuple[str, ...]]:
    """Decode one frame: (height and width as shown, what the user should know)."""
    with opened(facts.path) as (container, stream):
        prepare(stream, threads=1)
        frame = next(decode(facts, container, stream), None)
        if frame is None:
            raise ValueError(say_too_short(facts.path, 0))
        interlaced = frame.interlaced_frame or stream.codec_context.field_order > PROGRESSIVE
        picture = to_picture(frame, pixel_aspect(stream))
    height, width = frame.height, round(frame.width * picture.aspect)
    if round(frame.rotation / 90) % 2:
        height, width = width, height
    notes = []
    if picture.transfer:
        notes.append(f"HDR ({HDR[picture.transfer]}): tone-mapped to SDR")
    if interlaced:
        notes.append("interlaced: made whole pictures by bwdif")
    return height, width, tuple(notes)
