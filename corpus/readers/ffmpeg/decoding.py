"""Decodes a video file from end to end, and says what is wrong with it.

PyAV is imported inside the functions, so that a machine without it can still train.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from corpus.readers.ffmpeg.colours import HDR, settle_matrix
from corpus.readers.ffmpeg.cut_off import ends_early
from corpus.readers.ffmpeg.filter_graph import Deinterlacer
from corpus.readers.ffmpeg.opening import check_sides, limits, opened
from corpus.readers.layout import SQUARE
from corpus.readers.shaper import VideoPicture

COMPLETE = 0.9  # less than this fraction of the duration that the header names is a cut-off file
MIN_FRAMES = 2  # a latent action needs a frame and the next one
UNSPECIFIED = 2  # AVColorPrimaries, AVColorTransferCharacteristic


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
            raise ValueError(say_too_short(path, stream.frames))
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
            frames=stream.frames or round(header_seconds(container, stream) * fps),
            # A file with an index is judged by it: edit lists may shorten what is shown.
            seconds=Fraction(0) if stream.frames else header_seconds(container, stream),
            cut_short=beyond or ends_early(path),
        )


def prepare(stream: object, threads: int) -> None:
    """Set how a stream is decoded."""
    stream.thread_type = "AUTO"
    stream.thread_count = threads
    stream.codec_context.options = limits()  # frames may grow behind the header


def to_picture(frame: object, aspect: Fraction) -> VideoPicture:
    """Keep with a frame what is said of it."""
    transfer = int(frame.color_trc)
    # swscale refuses reserved values of these two, and else ignores them here.
    frame.color_trc, frame.color_primaries = UNSPECIFIED, UNSPECIFIED
    return VideoPicture(frame, aspect, transfer if transfer in HDR else 0)


def pixel_aspect(stream: object) -> Fraction:
    """The width of a stored pixel over its height."""
    aspect = Fraction(stream.sample_aspect_ratio or SQUARE)
    return aspect if aspect > 0 else SQUARE


def decode(facts: VideoFacts, container: object, stream: object) -> Iterator[object]:
    """Yield the frames of a stream as they are stored; refuse a damaged one."""
    import av

    count, first, last = 0, None, None

    def broken(reason: str) -> ValueError:
        seconds = None if last is None else float((last - first) * stream.time_base)
        return ValueError(say_broken(facts, count, reason, seconds))

    try:
        for frame in container.decode(stream):
            if frame.is_corrupt:
                raise broken("a frame is damaged")
            settle_matrix(frame)
            yield frame
            if frame.pts is not None:
                first, last = frame.pts if first is None else first, frame.pts
            count += 1
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        raise broken(error.strerror) from error


def timed_pictures(facts: VideoFacts, threads: int) -> Iterator[tuple[Fraction, VideoPicture]]:
    """Yield (seconds, picture) for each frame of a file; refuse a broken or short one."""
    count, start, seconds, step = 0, None, None, 1 / facts.fps
    with opened(facts.path) as (container, stream):
        prepare(stream, threads)
        aspect, clock = pixel_aspect(stream), _Clock(Fraction(stream.time_base), step)
        for frame in Deinterlacer()(decode(facts, container, stream)):
            seconds = clock(frame.pts)
            start = seconds if start is None else start
            yield seconds, to_picture(frame, aspect)
            count += 1
    shown = seconds + step - start if count else Fraction(0)
    if facts.cut_short or (count and shown < facts.seconds * COMPLETE):
        raise ValueError(say_cut_short(facts, count))
    if count < MIN_FRAMES:
        raise ValueError(say_too_short(facts.path, count))


class _Clock:
    """Turns the time stamps of frames into rising seconds.

    Args:
        base: seconds a tick.
        step: seconds from a frame to the next whose time is missing or falls.
    """

    def __init__(self, base: Fraction, step: Fraction) -> None:
        """Begin before the first frame; see the class."""
        self._base, self._step = base, step
        self._before: int | None = None  # the last time stamp if it rose: integers compare fast
        self._seconds: Fraction | None = None

    def __call__(self, pts: int | None) -> Fraction:
        """Seconds at which the next frame is shown."""
        rises = pts is not None and self._before is not None and pts > self._before
        if pts is not None and (rises or self._seconds is None or pts * self._base > self._seconds):
            self._before = pts
            self._seconds = Fraction(pts * self._base.numerator, self._base.denominator)
        else:
            self._before = None
            self._seconds = Fraction(0) if self._seconds is None else self._seconds + self._step
        return self._seconds


def header_seconds(container: object, stream: object) -> Fraction:
    """Seconds that the images last, by the header; 0 if nothing is known."""
    if stream.duration is not None:
        return stream.duration * Fraction(stream.time_base)
    if container.duration is not None and len(container.streams) == 1:
        return Fraction(container.duration, 1_000_000)
    return Fraction(0)


def say_broken(facts: VideoFacts, good: int, reason: str, seconds: float | None = None) -> str:
    """The message for a file with damage inside, after so many frames and seconds."""
    seconds = float(good / facts.fps) if seconds is None else seconds
    of = f" of {facts.frames}" if facts.frames else ""
    until = f"{int(seconds * 100) / 100:g}"
    return (
        f"{facts.path} is corrupt or truncated: {reason} after {good}{of} frames; patch it over "
        f"(ffmpeg -i IN OUT.mkv), cut it off (ffmpeg -t {until} -i IN OUT.mkv) "
        "or leave it out"
    )


def say_cut_short(facts: VideoFacts, good: int) -> str:
    """The message for a file that ends in the middle."""
    of = f" of {facts.frames}" if facts.frames * COMPLETE > good else ""
    return (
        f"{facts.path} is corrupt or truncated: the file is cut short after {good}{of} frames; "
        "keep what is there (ffmpeg -i IN OUT.mkv) or leave it out"
    )


def say_too_short(path: Path, frames: int) -> str:
    """The message for a file with too few frames."""
    return f"{path} has {frames} frame{'s' * (frames != 1)}; an episode needs at least {MIN_FRAMES}"
