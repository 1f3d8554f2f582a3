"""Opens video files of strangers: no other files, no network, no huge frames.

PyAV is imported inside the functions, so that a machine without it can still train.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

MOST_SIDE, MOST_PIXELS = 16_384, 36_000_000  # of a frame; 8K has 33 million pixels
REFERRING = {"concat", "dash", "hls", "image2", "imf", "lavfi", "rtsp", "sdp", "webm_dash_manifest"}
"""FFmpeg's formats that are lists of other files, or no files at all."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[object, object]]:
    """Open a file; give (container, its first video stream).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no video that can be read; one line that names the file and the reason.
    """
    with contextlib.ExitStack() as stack:
        container = stack.enter_context(_container(path, stack))
        # The cover of a song is a video stream too.
        streams = [
            s for s in container.streams.video if not s.disposition & s.disposition.attached_pic
        ]
        if not streams:
            raise ValueError(f"{path} has no video stream, only sound: leave it out")
        if streams[0].codec_context is None:
            raise ValueError(
                f"{path} has video of a codec that is not known here: convert it "
                "(ffmpeg -i IN OUT.mkv)"
            )
        yield container, streams[0]


def check_sides(path: Path, context: object) -> None:
    """Refuse frames without pixels and frames that would fill the memory."""
    sides = context.width, context.height
    if not (0 < min(sides) <= max(sides) <= MOST_SIDE and math.prod(sides) <= MOST_PIXELS):
        raise ValueError(
            f"{path} has frames of {context.width}x{context.height} pixels: allowed are 1 to "
            f"{MOST_SIDE} a side and {MOST_PIXELS / 1e6:g} million in all"
        )


def limits() -> dict[str, str]:
    """Return the options by which FFmpeg refuses a frame before it takes memory for it."""
    return {"max_pixels": str(MOST_PIXELS)}


def _container(path: Path, stack: contextlib.ExitStack) -> object:
    """Open the container."""
    import av

    size = _size(path)
    if size == 0:
        raise ValueError(f"{path} is empty (0 bytes): record it again or leave it out")
    known = ",".join(sorted(av.formats_available - REFERRING))
    options = limits() | {"format_whitelist": known, "protocol_whitelist": "file"}
    try:
        return av.open(_address(path, stack), options=options)
    except av.error.FFmpegError as error:
        raise ValueError(
            f"{path} is not a readable video ({error.strerror}): it is corrupt, cut short before "
            "its index was written, or of another kind; record it again or leave it out"
        ) from error


def _size(path: Path) -> int:
    """Bytes of a file that may be read."""
    try:
        if not path.exists():
            raise FileNotFoundError(f"no video at {path}")
        if not path.is_file():
            raise ValueError(f"{path} is not a file")
        with path.open("rb"):
            return path.stat().st_size
    except PermissionError as error:
        raise ValueError(f"{path} may not be read: permission denied") from error


def _address(path: Path, stack: contextlib.ExitStack) -> object:
    """What PyAV opens: an absolute name, as ``C:drive`` looks like a protocol, or an open file."""
    name = str(path.absolute())
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # FFmpeg's names are UTF-8
        return stack.enter_context(path.open("rb"))
    return name
