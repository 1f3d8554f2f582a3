"""Frames out of a video file: any format FFmpeg reads, one frame in memory at a time.

PyAV is imported inside the functions, so that a machine without it can still train.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from corpus.readers.shaper import FITS, Shaper

COMPLETE = 0.9  # less than this fraction of the duration that the header names is a cut-off file
MOST_SIDE, MOST_PIXELS = 16_384, 36_000_000  # of a frame; 8K has 33 million pixels
MOST_SECONDS = 3600  # that one frame may stay on when a video is resampled
REFERRING = {"concat", "dash", "hls", "image2", "imf", "lavfi", "rtsp", "sdp", "webm_dash_manifest"}
"""FFmpeg's formats that are lists of other files, or no files at all."""
MIN_FRAMES = 2  # a latent action needs a frame and the next one


@dataclasses.dataclass(frozen=True, kw_only=True)
class VideoFacts:
    """What the header of a video file says.

    Attributes:
        path: the file.
        width: stored width in pixels, before rotation.
        height: stored height in pixels, before rotation.
        fps: average frames per second.
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
    with _opened(path) as (container, stream):
        context = stream.codec_context
        sides = context.width, context.height
        if not (0 < min(sides) <= max(sides) <= MOST_SIDE and math.prod(sides) <= MOST_PIXELS):
            raise ValueError(
                f"{path} has frames of {context.width}x{context.height} pixels: allowed are 1 to "
                f"{MOST_SIDE} a side and {MOST_PIXELS / 1e6:g} million in all"
            )
        if stream.frames and stream.frames < MIN_FRAMES:
            raise ValueError(_too_short(path, stream.frames))
        fps = stream.average_rate or stream.guessed_rate or stream.base_rate
        if not fps:
            raise ValueError(f"{path} does not say its frame rate: convert it with ffmpeg first")
        last = max((entry.pos + entry.size for entry in stream.index_entries), default=0)
        return VideoFacts(
            path=path,
            width=context.width,
            height=context.height,
            fps=Fraction(fps),
            frames=stream.frames or round(_duration(container, stream) * fps),
            # A file with an index is judged by it: edit lists may shorten what is shown.
            seconds=Fraction(0) if stream.frames else _duration(container, stream),
            cut_short=bool(stream.frames) and last > path.stat().st_size,
        )


def read_frames(
    path: str | Path, size: tuple[int, int], fit: str = "crop", fps: Fraction | None = None
) -> Iterator[np.ndarray]:
    """Decode a video, one frame at a time.

    A frame of the asked size is passed on untouched. Otherwise its shape is made to fit first:
    ``crop`` cuts the middle out, ``pad`` adds black bars; then it is scaled by area averaging.
    Rotation and non-square pixels are undone. Colours follow the tags of the stream; without tags
    they are BT.601, limited range, as FFmpeg takes them.

    Args:
        path: a video file.
        size: (H, W) of the frames in pixels.
        fit: ``crop`` or ``pad``.
        fps: frames per second to resample to; without it, every frame is passed on.

    Yields:
        uint8 (H, W, 3), RGB 0-255.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is empty, unreadable, cut short, or holds fewer than two frames.
    """
    if fit not in FITS:
        raise ValueError(f"fit is {fit!r}; allowed are {' and '.join(FITS)}")
    facts = probe(path)
    timed = _decode(facts, Shaper(size, fit))
    if fps is None:
        yield from (frame for _, frame in timed)
    else:
        yield from resample(timed, fps, 1 / facts.fps)


def resample(
    timed: Iterator[tuple[Fraction, np.ndarray]], fps: Fraction, last_duration: Fraction
) -> Iterator[np.ndarray]:
    """Choose the frame nearest to each tick of an output clock; of two equally near, the earlier.

    Args:
        timed: (seconds, frame) with rising times; the clock starts at the first.
        fps: ticks per second.
        last_duration: seconds that the last frame stays on.

    Yields:
        A frame per tick, from the first frame to the end of the last.
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


def _decode(facts: VideoFacts, shaper: Shaper) -> Iterator[tuple[Fraction, np.ndarray]]:
    """Yield (seconds, shaped frame) for each frame of a file; refuse a broken or short one."""
    import av

    decoded, start, seconds = 0, None, None
    with _opened(facts.path) as (container, stream):
        stream.thread_type = "AUTO"
        stream.codec_context.options = _limits()  # frames may grow behind the header
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        try:
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    raise ValueError(_broken(facts, decoded, "a frame is damaged"))
                seconds = _time_of(frame, seconds, 1 / facts.fps)
                start = seconds if start is None else start
                yield seconds, shaper(frame, aspect)
                decoded += 1
        except av.error.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            raise ValueError(_broken(facts, decoded, error.strerror)) from error
    shown = seconds + 1 / facts.fps - start if decoded else Fraction(0)
    if facts.cut_short or (decoded and shown < facts.seconds * COMPLETE):
        raise ValueError(_broken(facts, decoded, "the file is cut short"))
    if decoded < MIN_FRAMES:
        raise ValueError(_too_short(facts.path, decoded))


def _time_of(frame: object, before: Fraction | None, step: Fraction) -> Fraction:
    """Seconds at which a frame is shown; a missing or falling time becomes one step later."""
    if frame.pts is None or frame.time_base is None:
        return Fraction(0) if before is None else before + step
    seconds = frame.pts * Fraction(frame.time_base)
    return seconds if before is None or seconds > before else before + step


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[object, object]]:
    """Open a file; give (container, its first video stream)."""
    import av

    if not path.exists():
        raise FileNotFoundError(f"no video at {path}")
    if not path.is_file():
        raise ValueError(f"{path} is not a file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty (0 bytes)")
    known = ",".join(sorted(av.formats_available - REFERRING))
    options = _limits() | {"format_whitelist": known, "protocol_whitelist": "file"}
    try:
        container = av.open(str(path), options=options)
    except av.error.FFmpegError as error:
        raise ValueError(
            f"{path} is not a readable video ({error.strerror}): it is corrupt, cut short, or of "
            "another kind"
        ) from error
    with container:
        if not container.streams.video:
            raise ValueError(f"{path} has no video stream")
        if container.streams.video[0].codec_context is None:
            raise ValueError(f"{path} has video of a codec that is not known here: convert it")
        yield container, container.streams.video[0]


def _limits() -> dict[str, str]:
    """Return the options by which FFmpeg refuses a frame before it takes memory for it."""
    return {"max_pixels": str(MOST_PIXELS)}


def _duration(container: object, stream: object) -> Fraction:
    """Seconds that the images last, by the header; 0 if nothing is known."""
    if stream.duration is not None:
        return stream.duration * Fraction(stream.time_base)
    if container.duration is not None and len(container.streams) == 1:
        return Fraction(container.duration, 1_000_000)
    return Fraction(0)


def _broken(facts: VideoFacts, decoded: int, reason: str) -> str:
    """The message for a file that stops in the middle."""
    of = f" of {facts.frames}" if facts.frames else ""
    return (
        f"{facts.path} is corrupt or truncated: {reason} after {decoded}{of} frames; "
        "repair it (ffmpeg -i IN -c copy OUT) or leave it out"
    )


def _too_short(path: Path, frames: int) -> str:
    """The message for a file with too few frames."""
    return f"{path} has {frames} frame{'s' * (frames != 1)}; an episode needs at least {MIN_FRAMES}"
