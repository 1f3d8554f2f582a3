"""Frames to a GIF, an MP4 or PNGs: written as they come, under a temporary name until whole."""

from __future__ import annotations

import math
import os
import shutil
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from genie.media.png_folder import PngFolder

SUFFIXES = (".gif", ".mp4", ".png")
"""What a recording's name ends in; .png stands for a folder of pictures, named without it."""
SHORT_SIDE = 256  # pixels that a recording has at least, so that viewers do not blur small frames
_GIF_COLOURS = 256
_MIN_DELAY = 2  # hundredths of a second; browsers replace smaller ones by ten


class _Encoder(Protocol):
    def add(self, frame: np.ndarray) -> None: ...

    def finish(self) -> None: ...

    def abandon(self) -> None: ...


def check_target(path: Path | str) -> Path:
    """Refuse a recording that could not be written, before anything is played.

    Args:
        path: the file to record to; an existing file will be replaced.

    Returns:
        The path.

    Raises:
        ValueError: if the name ends in none of .gif, .mp4 and .png.
        OSError: if its folder does not exist, or the path is a folder, or, for .png, the folder of
            pictures is there already.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"cannot record to {path}: the name must end in .gif or .mp4, or in .png for a folder "
            "of pictures"
        )
    if path.is_dir():
        raise IsADirectoryError(f"cannot record to {path}: it is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot record to {path}: make the folder {path.parent} first")
    if final_path(path) != path and final_path(path).exists():
        raise FileExistsError(f"cannot record to {final_path(path)}: choose a name that is free")
    return path


def final_path(path: Path) -> Path:
    """Return where a recording will lie: pictures lie in a folder named without the suffix."""
    return path.with_suffix("") if path.suffix.lower() == ".png" else path


def free_path(path: Path | str) -> Path:
    """Return the path, or with -2, -3, … before its suffix, whichever does not exist yet."""
    path = Path(path)
    candidate, number = path, 1
    while candidate.exists() or final_path(candidate).exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate


def upscale_factor(height: int, width: int) -> int:
    """Return the least whole factor that brings the short side to 256 pixels or more."""
    return max(1, math.ceil(SHORT_SIDE / min(height, width)))


def gif_delay(fps: float) -> int:
    """Return the delay of a GIF frame, in hundredths of a second, whose rate is nearest.

    Args:
        fps: wanted frames per second, above 0.

    Returns:
        2 or more; 15 frames per second give 7 (14.3 frames per second), 60 give 2 (50).
    """
    exact = 100 / fps
    candidates = {max(_MIN_DELAY, math.floor(exact)), max(_MIN_DELAY, math.ceil(exact))}
    return min(candidates, key=lambda delay: abs(100 / delay - fps))


class Recording:
    """A file that grows by a frame at a time and appears when it is finished.

    In a film, frames are scaled up by a whole factor, nearest neighbour, until the short side has
    256 pixels. Memory use does not grow with the number of frames.

    Attributes:
        path: where the file will be; may be changed until `finish`, within the same folder.
        num_frames: frames added so far.
    """

    def __init__(self, path: Path | str, fps: float) -> None:
        """Prepare a recording; nothing is written before the first frame.

        Args:
            path: ends in .gif or .mp4, whose existing file is replaced by `finish`; or in .png,
                for a folder of numbered pictures in their own size.
            fps: frames per second; a GIF has the nearest rate that it can express.

        Raises:
            ValueError: if the name ends otherwise, or fps is not above 0.
            OSError: if the folder does not exist.
        """
        self.path = check_target(path)
        if not 0 < fps < math.inf:
            raise ValueError(f"cannot record at {fps} frames per second: give a number above 0")
        self.num_frames = 0
        self._fps = fps
        # A number of its own, since one program may make two recordings of one name at once.
        tag = f"{os.getpid()}-{id(self):x}"
        self._partial = self.path.with_name(f".{self.path.name}.{tag}.partial")
        self._encoder: _Encoder | None = None

    def add(self, frame: np.ndarray) -> None:
        """Add a frame.

        Args:
            frame: uint8 (H, W, 3), of the same size as the first.

        Raises:
            OSError: if the disk refuses; call `discard` then.
        """
        if self._encoder is None:
            kinds = {".gif": _GifEncoder, ".mp4": _Mp4Encoder, ".png": PngFolder}
            kind = kinds[self.path.suffix.lower()]
            self._encoder = kind(self._partial, self._fps, frame.shape[0], frame.shape[1])
        self._encoder.add(frame)
        self.num_frames += 1

    def finish(self) -> Path:
        """Complete the file and give it its name.

        Returns:
            The path.

        Raises:
            ValueError: if no frame was added.
            OSError: if the disk refuses; nothing is left behind.
        """
        if self._encoder is None:
            raise ValueError(f"{self.path} would be a recording without a frame: play some first")
        try:
            self._encoder.finish()
            os.replace(self._partial, final_path(self.path))
        except BaseException:
            self.discard()
            raise
        self._encoder = None
        return final_path(self.path)

    def discard(self) -> None:
        """Remove what was written so far; after `finish` this does nothing."""
        if self._encoder is not None:
            self._encoder.abandon()
            self._encoder = None
            if self._partial.is_dir():
                shutil.rmtree(self._partial, ignore_errors=True)
            self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Recording:
        """Begin; leaving finishes the file, or discards it after an error."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Finish, or discard after an error."""
        if kind is None:
            self.finish()
        else:
            self.discard()


class _GifEncoder:
    """GIF with a palette per frame: up to 256 colours are kept exactly.

    Pillow's own writer collects all frames in memory and merges equal ones, which a recording of
    somebody who stands still must not do; so only its encoder of one frame is used.
    """

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        self._delay = gif_delay(fps) * 10  # milliseconds
        self._scale = upscale_factor(height, width)
        self._file = open(path, "wb")  # noqa: SIM115  (open until `finish`)
        size = struct.pack("<HH", width * self._scale, height * self._scale)
        self._file.write(b"GIF89a" + size + b"\x70\x00\x00")  # no palette for the whole file
        self._file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")  # repeat for ever

    def add(self, frame: np.ndarray) -> None:
        from PIL import GifImagePlugin, Image

        indices, palette = _quantize(frame)
        large = indices.repeat(self._scale, 0).repeat(self._scale, 1)
        image = Image.frombytes("P", (large.shape[1], large.shape[0]), large.tobytes())
        image.putpalette(palette.tobytes())
        # Disposal 1: each frame covers the one before, so viewers need not clear the picture.
        for piece in GifImagePlugin.getdata(
            image, duration=self._delay, include_color_table=True, disposal=1
        ):
            self._file.write(piece)

    def finish(self) -> None:
        self._file.write(b";")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        self._file.close()


def _quantize(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return palette indices uint8 (H, W) and a palette uint8 (256, 3) of a frame."""
    from PIL import Image

    flat = np.ascontiguousarray(frame).reshape(-1, 3)
    packed = flat.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    colours, inverse = np.unique(packed, return_inverse=True)
    palette = np.zeros((_GIF_COLOURS, 3), np.uint8)
    if len(colours) <= _GIF_COLOURS:
        palette[: len(colours)] = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], 1)
        return inverse.reshape(frame.shape[:2]).astype(np.uint8), palette
    # k-means refines the median cut; dithering would make still ground crawl.
    image = Image.fromarray(np.ascontiguousarray(frame)).quantize(
        _GIF_COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE
    )
    found = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
    palette[: len(found)] = found
    return np.asarray(image), palette


class _Mp4Encoder:
    """H.264 with halved chroma, which every player decodes; upscaling keeps the pixels' colours."""

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        import av

        self._scale = upscale_factor(height, width)
        self._container: Any = av.open(
            str(path), "w", format="mp4", options={"movflags": "faststart"}
        )
        rate = Fraction(fps).limit_denominator(100_000)
        self._stream: Any = self._container.add_stream("libx264", rate=rate)
        self._stream.width = _even(width * self._scale)
        self._stream.height = _even(height * self._scale)
        self._stream.pix_fmt = "yuv420p"
        # BT.601 is what the conversion from RGB uses; untagged, players guess 709 for large frames.
        tags = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"
        self._stream.options = {"crf": "14", "preset": "veryfast", "x264-params": tags}

    def add(self, frame: np.ndarray) -> None:
        import av

        large = frame.repeat(self._scale, 0).repeat(self._scale, 1)
        missing = (self._stream.height - large.shape[0], self._stream.width - large.shape[1])
        large = np.pad(large, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(large), format="rgb24")
        for packet in self._stream.encode(picture):
            self._container.mux(packet)

    def finish(self) -> None:
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()

    def abandon(self) -> None:
        self._container.close()


def _even(pixels: int) -> int:
    """Halved chroma needs even sides."""
    return pixels + pixels % 2
