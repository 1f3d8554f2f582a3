"""Video files: whatever FFmpeg reads, one frame in memory at a time.

PyAV is imported inside the functions, so that a machine without it can still train.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from corpus.readers.base import ReadOptions, Source
from corpus.readers.ffmpeg.colours import HDR
from corpus.readers.ffmpeg.cut_off import ends_early
from corpus.readers.ffmpeg.filter_graph import Deinterlacer
from corpus.readers.ffmpeg.opening import check_sides, limits, opened
from corpus.readers.ffmpeg.timing import read_timing
from corpus.readers.shaper import SQUARE, VideoPicture

SUFFIXES = (".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg")
SUFFIXES += (".mts", ".ogv", ".ts", ".webm", ".wmv", ".y4m")
MARKS = {0: (b"\x1aE\xdf\xa3", b"FLV", b"GIF8", b"\0\0\1\xba", b"YUV4MPEG2", b"0&\xb2u")}
MARKS |= {4: (b"ftyp", b"moov", b"mdat"), 8: (b"AVI ",)}  # offset -> first bytes of its formats
COMPLETE = 0.9  # less than this fraction of the duration that the header names is a cut-off file
MIN_FRAMES = 2  # a latent action needs a frame and the next one
PROGRESSIVE, UNSPECIFIED = 1, 2  # AVFieldOrder; AVColorPrimaries and -TransferCharacteristic


@dataclasses.dataclass(frozen=True, kw_only=True)
class VideoFacts:
    """What the header of a video file says.

    Attributes:
        path: the file.
        width: stored width in pixels, before rotation.
        height: stored height in pixels, before rotation.
        fps: average frames per second; often wrong for recordings, see ``timing``.
        frames: about how many frames there should be, or 0 if nothing is known.
        seconds: how long the images should last at least, or 0 if nothing is known.
        cut_short: the index points beyond the end of the file.
    """

    path: Path
    width: int
    height: int
    fps: Fraction
    frames: int
    seconds: Fraction
    cut_short: bool


class VideoReader:
    """Reads the first video stream of a file."""

    name = "video"

    def matches(self, path: Path) -> bool:
        """Whether a file is named like a video, or begins like one."""
        if path.suffix.lower() in SUFFIXES:
            return path.is_file()
        try:
            with path.open("rb") as file:
                head = file.read(16)
        except OSError:
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
            raise ValueError(_cut_short(facts, timing.frames))
        if timing.whole and 0 < timing.frames < MIN_FRAMES:
            raise ValueError(_too_short(path, timing.frames))
        if timing.damaged is not None:
            raise ValueError(_broken(facts, timing.damaged, "a packet is damaged"))
        height, width, notes = _first_look(facts)
        fps = timing.fps or facts.fps
        frames = timing.frames if timing.whole else round(facts.seconds * fps) or timing.frames
        notes = ((timing.note,) if timing.note else ()) + notes
        return [
            Source(
                name=name,
                path=path,
                reader=self.name,
                height=height,
                width=width,
                fps=fps,
                frames=frames or facts.frames,
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
        return _timed(probe(source.path), options.threads)

    def spread(
        self, source: Source, options: ReadOptions, count: int
    ) -> Iterator[tuple[Fraction, VideoPicture]]:
        """Yield the key frames that are nearest before evenly spread times; fewer if they repeat.

        Damaged places are passed over.
        """
        import av

        seen: set[int] = set()
        with opened(source.path) as (container, stream):
            _prepare(stream, options.threads)
            first = stream.start_time or 0
            length = _duration(container, stream) or Fraction(source.frames) / (source.fps or 30)
            for number in range(count):
                at = first + int(length * (2 * number + 1) / (2 * count) / stream.time_base)
                try:
                    container.seek(at, stream=stream)
                    frame = next(container.decode(stream), None)
                except av.error.FFmpegError as error:
                    if isinstance(error, MemoryError):
                        raise
                    continue
                if frame is None or frame.is_corrupt or frame.pts is None or frame.pts in seen:
                    continue
                seen.add(frame.pts)
                yield frame.pts * Fraction(frame.time_base), _picture(frame, _aspect(stream))

    def actions(self, source: Source, options: ReadOptions) -> np.ndarray | None:
        """Return None: the actions of a video lie in a file beside it."""
        return None


def probe(path: str | Path) -> VideoFacts:
    """Read the header of a video and refuse a file that cannot become an episode.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is empty, unreadable, has no images, or is known to hold fewer than
            two frames.
    """
    path = Path(path)
    with opened(path) as (container, stream):
        context = stream.codec_context
        check_sides(path, context)
        if stream.frames and stream.frames < MIN_FRAMES:
            raise ValueError(_too_short(path, stream.frames))
        fps = stream.average_rate or stream.guessed_rate or stream.base_rate
        if not fps:
            raise ValueError(
                f"{path} does not say its frame rate: "
                "convert it first (ffmpeg -r FPS -i IN OUT.mkv)"
            )
        last = max((entry.pos + entry.size for entry in stream.index_entries), default=0)
        beyond = bool(stream.frames) and last > path.stat().st_size
        return VideoFacts(
            path=path,
            width=context.width,
            height=context.height,
            fps=Fraction(fps),
            frames=stream.frames or round(_duration(container, stream) * fps),
            # A file with an index is judged by it: edit lists may shorten what is shown.
            seconds=Fraction(0) if stream.frames else _duration(container, stream),
            cut_short=beyond or ends_early(path),
        )


def _first_look(facts: VideoFacts) -> tuple[int, int, tuple[str, ...]]:
    """Decode one frame: (height and width as shown, what the user should know)."""
    with opened(facts.path) as (container, stream):
        _prepare(stream, threads=1)
        frame = next(_decoded(facts, container, stream), None)
        if frame is None:
            raise ValueError(_too_short(facts.path, 0))
        interlaced = frame.interlaced_frame or stream.codec_context.field_order > PROGRESSIVE
        picture = _picture(frame, _aspect(stream))
    height, width = frame.height, round(frame.width * picture.aspect)
    if round(frame.rotation / 90) % 2:
        height, width = width, height
    notes = []
    if picture.transfer:
        notes.append(f"HDR ({HDR[picture.transfer]}): tone-mapped to SDR")
    if interlaced:
        notes.append("interlaced: made whole pictures by bwdif")
    return height, width, tuple(notes)


def _prepare(stream: object, threads: int) -> None:
    """Set how a stream is decoded."""
    stream.thread_type = "AUTO"
    stream.thread_count = threads
    stream.codec_context.options = limits()  # frames may grow behind the header


def _picture(frame: object, aspect: Fraction) -> VideoPicture:
    """Keep with a frame what is said of it."""
    transfer = int(frame.color_trc)
    # swscale refuses reserved values of these two, and else ignores them here.
    frame.color_trc, frame.color_primaries = UNSPECIFIED, UNSPECIFIED
    return VideoPicture(frame, aspect, transfer if transfer in HDR else 0)


def _aspect(stream: object) -> Fraction:
    """The width of a stored pixel over its height."""
    aspect = Fraction(stream.sample_aspect_ratio or SQUARE)
    return aspect if aspect > 0 else SQUARE


def _decoded(facts: VideoFacts, container: object, stream: object) -> Iterator[object]:
    """Yield the frames of a stream as they are stored; refuse a damaged one."""
    import av

    count = 0
    try:
        for frame in container.decode(stream):
            if frame.is_corrupt:
                raise ValueError(_broken(facts, count, "a frame is damaged"))
            yield frame
            count += 1
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        raise ValueError(_broken(facts, count, error.strerror)) from error


def _whole(frames: Iterator[object]) -> Iterator[object]:
    """Deinterlace where needed."""
    deinterlace = Deinterlacer()
    for frame in frames:
        yield from deinterlace(frame)
    yield from deinterlace.rest()


def _timed(facts: VideoFacts, threads: int) -> Iterator[tuple[Fraction, VideoPicture]]:
    """Yield (seconds, picture) for each frame of a file; refuse a broken or short one."""
    count, start, seconds, step = 0, None, None, 1 / facts.fps
    with opened(facts.path) as (container, stream):
        _prepare(stream, threads)
        aspect = _aspect(stream)
        for frame in _whole(_decoded(facts, container, stream)):
            seconds = _time_of(frame, seconds, step)
            start = seconds if start is None else start
            yield seconds, _picture(frame, aspect)
            count += 1
    shown = seconds + step - start if count else Fraction(0)
    if facts.cut_short or (count and shown < facts.seconds * COMPLETE):
        raise ValueError(_cut_short(facts, count))
    if count < MIN_FRAMES:
        raise ValueError(_too_short(facts.path, count))


def _time_of(frame: object, before: Fraction | None, step: Fraction) -> Fraction:
    """Seconds at which a frame is shown; a missing or falling time becomes one step later."""
    if frame.pts is None or frame.time_base is None:
        return Fraction(0) if before is None else before + step
    seconds = frame.pts * frame.time_base
    return seconds if before is None or seconds > before else before + step


def _duration(container: object, stream: object) -> Fraction:
    """Seconds that the images last, by the header; 0 if nothing is known."""
    if stream.duration is not None:
        return stream.duration * Fraction(stream.time_base)
    if container.duration is not None and len(container.streams) == 1:
        return Fraction(container.duration, 1_000_000)
    return Fraction(0)


def _broken(facts: VideoFacts, good: int, reason: str) -> str:
    """The message for a file with damage inside."""
    of = f" of {facts.frames}" if facts.frames else ""
    return (
        f"{facts.path} is corrupt or truncated: {reason} after {good}{of} frames; patch it over "
        f"(ffmpeg -i IN OUT.mkv), cut it off (ffmpeg -t {_floor(good / facts.fps)} -i IN OUT.mkv) "
        "or leave it out"
    )


def _floor(seconds: Fraction) -> str:
    """Write seconds with two digits, rounded down."""
    return f"{int(seconds * 100) / 100:g}"


def _cut_short(facts: VideoFacts, good: int) -> str:
    """The message for a file that ends in the middle."""
    of = f" of {facts.frames}" if facts.frames * COMPLETE > good else ""
    return (
        f"{facts.path} is corrupt or truncated: the file is cut short after {good}{of} frames; "
        "keep what is there (ffmpeg -i IN OUT.mkv) or leave it out"
    )


def _too_short(path: Path, frames: int) -> str:
    """The message for a file with too few frames."""
    return f"{path} has {frames} frame{'s' * (frames != 1)}; an episode needs at least {MIN_FRAMES}"
