"""What writes the bytes of a film: GIF, MP4, or numbered PNGs in a folder."""

from __future__ import annotations

import math
import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np

SHORT_SIDE = 256  # pixels that a film has at least, so that viewers do not blur small frames
_GIF_COLOURS = 256
_MIN_DELAY = 2  # hundredths of a second; browsers replace smaller ones by ten


class Encoder(Protocol):
    """Takes uint8 (H, W, 3) frames; made with a path, frames per second, H and W."""

    def add(self, frame: np.ndarray) -> None:
        """Write a frame."""

    def finish(self) -> None:
        """Complete the file."""

    def abandon(self) -> None:
        """Close the file; the caller removes it."""


def upscale_factor(height: int, width: int) -> int:
    """Return the least whole factor that brings the short side to 256 pixels or more."""
    return max(1, math.ceil(SHORT_SIDE / min(height, width)))


def enlarge(frame: np.ndarray, factor: int | None = None) -> np.ndarray:
    """Repeat the pixels of a frame (H, W, …); without a factor `upscale_factor` chooses it."""
    factor = factor or upscale_factor(*frame.shape[:2])
    return frame.repeat(factor, 0).repeat(factor, 1)


def gif_delay(fps: float) -> int:
    """Return the delay of a GIF frame, in hundredths of a second, whose rate is nearest.

    It is 2 or more; 15 frames per second give 7 (14.3 frames per second), 60 give 2 (50).
    """
    exact = 100 / fps
    candidates = {max(_MIN_DELAY, math.floor(exact)), max(_MIN_DELAY, math.ceil(exact))}
    return min(candidates, key=lambda delay: abs(100 / delay - fps))


class GifEncoder:
    """GIF with a palette per frame: up to 256 colours are kept exactly.

    Pillow's own writer holds all frames in memory and merges equal ones, which a film of somebody
    who stands still must not do. So the container is written here, and Pillow encodes each frame.
    """

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        """Write the header."""
        self._delay = gif_delay(fps) * 10  # milliseconds
        self._file = open(path, "wb")  # noqa: SIM115  (open until `finish`)
        scale = upscale_factor(height, width)
        size = struct.pack("<HH", width * scale, height * scale)
        self._file.write(b"GIF89a" + size + b"\x70\x00\x00")  # no palette for the whole file
        self._file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")  # repeat for ever

    def add(self, frame: np.ndarray) -> None:
        """Write a frame with its palette."""
        from PIL import GifImagePlugin, Image

        indices, palette = _quantize(frame)
        large = enlarge(indices)
        image = Image.frombytes("P", (large.shape[1], large.shape[0]), large.tobytes())
        image.putpalette(palette.tobytes())
        # Disposal 1: each frame covers the one before, so viewers need not clear the picture.
        for piece in GifImagePlugin.getdata(
            image, duration=self._delay, include_color_table=True, disposal=1
        ):
            self._file.write(piece)

    def finish(self) -> None:
        """Write the trailer and wait for the disk."""
        self._file.write(b";")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Close the file."""
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


class Mp4Encoder:
    """H.264 with halved chroma, which every player decodes; upscaling keeps the pixels' colours."""

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        """Open the container."""
        import av

        scale = upscale_factor(height, width)
        self._container: Any = av.open(
            str(path), "w", format="mp4", options={"movflags": "faststart"}
        )
        rate = Fraction(fps).limit_denominator(100_000)
        self._stream: Any = self._container.add_stream("libx264", rate=rate)
        # Halved chroma needs even sides.
        self._stream.width = width * scale + width * scale % 2
        self._stream.height = height * scale + height * scale % 2
        self._stream.pix_fmt = "yuv420p"
        # BT.601 is what the conversion from RGB uses; untagged, players guess 709 for large frames.
        tags = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"
        self._stream.options = {"crf": "14", "preset": "veryfast", "x264-params": tags}

    def add(self, frame: np.ndarray) -> None:
        """Encode a frame."""
        import av

        large = enlarge(frame)
        missing = (self._stream.height - large.shape[0], self._stream.width - large.shape[1])
        large = np.pad(large, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(large), format="rgb24")
        self._container.mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Encode what is still held back, and close the container."""
        self._container.mux(self._stream.encode())
        self._container.close()

    def abandon(self) -> None:
        """Close the container."""
        self._container.close()


class PngEncoder:
    """A folder of 00000.png, 00001.png, …, pixel for pixel."""

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        """Make the folder; pictures have no rate."""
        path.mkdir()
        self._path, self._count = path, 0

    def add(self, frame: np.ndarray) -> None:
        """Write one picture."""
        from PIL import Image

        Image.fromarray(frame).save(self._path / f"{self._count:05d}.png")
        self._count += 1

    def finish(self) -> None:
        """Do nothing: every picture is whole already."""

    def abandon(self) -> None:
        """Do nothing: the caller removes the folder."""
