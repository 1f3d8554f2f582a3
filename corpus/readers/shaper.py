"""Makes pictures fit one size in one pass: crop box, colours, rotation, fit, area scaling.

PyAV is imported inside the functions, so that a machine without it can still train.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np

from corpus.readers.base import Box, Source
from corpus.readers.ffmpeg import colours
from corpus.readers.ffmpeg.filter_graph import scaling, to_array

FITS = ("crop", "pad")
SQUARE = Fraction(1)


@dataclasses.dataclass(slots=True)
class VideoPicture:
    """One decoded frame of a video.

    Attributes:
        frame: the ``av.VideoFrame``.
        aspect: the width of its stored pixels over their height.
        transfer: ``colours.PQ`` or ``colours.HLG`` of HDR, else 0.
    """

    frame: object
    aspect: Fraction = SQUARE
    transfer: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shaping:
    """How pictures are made to fit. Boxes are in pixels of the picture as it is shown.

    Attributes:
        size: (H, W) of the result in pixels.
        fit: how another shape is made to fit: ``crop`` cuts its middle out, ``pad`` adds bars.
        crop: the part that is cut out first, or None.
        masks: parts that are made black; each pixel of the result that one touches is.
    """

    size: tuple[int, int]
    fit: str = "crop"
    crop: Box | None = None
    masks: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no picture can be shaped to."""
        if self.fit not in FITS:
            raise ValueError(f"fit is {self.fit!r}; allowed are {' and '.join(FITS)}")
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f"size is {self.size}; give the height and width in pixels")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a picture goes.

    Attributes:
        part: the box that is kept, in stored pixels after rotation.
        inner: (height, width) that it is scaled to.
        place: (top, left) of that in the result.
        black: (top, left, bottom, right) of each mask in the result.
    """

    part: Box
    inner: tuple[int, int]
    place: tuple[int, int]
    black: tuple[tuple[int, int, int, int], ...]


def lay_out(shaping: Shaping, height: int, width: int, step: tuple[Fraction, Fraction]) -> Layout:
    """Work out where a picture goes.

    Args:
        shaping: what is asked.
        height: of the picture in stored pixels, after rotation.
        width: likewise.
        step: height and width of a stored pixel, in shown pixels.

    Raises:
        ValueError: the crop box lies outside the picture.
    """
    top, left, height, width = _stored_box(shaping.crop, height, width, step)
    high, wide = shaping.size
    aspect = step[1] / step[0]
    place, inner = (0, 0), (high, wide)
    if shaping.fit == "crop":
        shape = Fraction(wide, high) / aspect  # width over height, in stored pixels
        keep_w = min(width, max(1, round(height * shape)))
        keep_h = min(height, max(1, round(width / shape)))
        part = top + (height - keep_h) // 2, left + (width - keep_w) // 2, keep_h, keep_w
    else:
        shape = Fraction(width, height) * aspect  # width over height, as shown
        inner = min(high, max(1, round(wide / shape))), min(wide, max(1, round(high * shape)))
        place = (high - inner[0]) // 2, (wide - inner[1]) // 2
        part = top, left, height, width
    black = tuple(_placed(mask, part, inner, place, step) for mask in shaping.masks)
    return Layout(part=part, inner=inner, place=place, black=black)


def _stored_box(box: Box | None, height: int, width: int, step: tuple[Fraction, Fraction]) -> Box:
    """Turn a box of shown pixels into stored ones; the whole picture without one."""
    if box is None:
        return 0, 0, height, width
    top, left, high, wide = box
    if min(top, left) < 0 or min(high, wide) < 1:
        raise ValueError(f"the crop box {show_box(box)} is no part of a picture")
    top, bottom = round(top / step[0]), round((top + high) / step[0])
    left, right = round(left / step[1]), round((left + wide) / step[1])
    if bottom > height or right > width or bottom <= top or right <= left:
        shown = f"{round(width * step[1])}x{round(height * step[0])}"
        raise ValueError(f"the crop box {show_box(box)} lies outside the picture of {shown} pixels")
    return top, left, bottom - top, right - left


def _placed(
    mask: Box,
    part: Box,
    inner: tuple[int, int],
    place: tuple[int, int],
    step: tuple[Fraction, Fraction],
) -> tuple[int, int, int, int]:
    """Return top, left, bottom and right of a mask in the result, rounded outwards."""
    edges = []
    for axis in range(2):
        scale = Fraction(inner[axis], part[2 + axis])
        low = (mask[axis] / step[axis] - part[axis]) * scale
        high = low + mask[2 + axis] / step[axis] * scale
        inside = [min(max(int(edge), 0), inner[axis]) for edge in (low // 1, -(-high // 1))]
        edges.append([place[axis] + edge for edge in inside])
    return edges[0][0], edges[1][0], edges[0][1], edges[1][1]


class Shaper:
    """Makes pictures fit; keeps FFmpeg's scalers between them."""

    def __init__(self, shaping: Shaping) -> None:
        """Take what is asked."""
        self.shaping = shaping
        self._key: object = None
        self._shape = None

    def __call__(self, picture: np.ndarray | VideoPicture) -> np.ndarray:
        """Shape one picture.

        Args:
            picture: uint8 (h, w, 3), RGB 0-255, with square pixels; or a frame of a video.

        Returns:
            uint8 (H, W, 3); untouched if an RGB picture has the size already.
        """
        if isinstance(picture, np.ndarray):
            key = picture.shape
            make = _array_shape
        else:
            frame = picture.frame
            key = (
                *(frame.width, frame.height, frame.format.name, frame.rotation),
                *(frame.colorspace, frame.color_range, picture.aspect, picture.transfer),
            )
            make = _video_shape
        if key != self._key:  # streams may change in the middle
            self._key, self._shape = key, make(picture, self.shaping)
        return self._shape(picture)


def _array_shape(picture: np.ndarray, shaping: Shaping):
    """Return the function that shapes arrays like this one."""
    import av

    layout = lay_out(shaping, *picture.shape[:2], (SQUARE, SQUARE))
    top, left, height, width = layout.part
    chain = None

    def shape(image: np.ndarray) -> np.ndarray:
        nonlocal chain
        image = np.ascontiguousarray(image[top : top + height, left : left + width])
        if (height, width) != layout.inner:
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            chain = chain or scaling(frame, (0, 0, height, width), layout.inner, "rgb24")
            chain.push(frame)
            image = to_array(chain.pull())
        return _finish(image, layout, shaping.size)

    return shape


def _video_shape(picture: VideoPicture, shaping: Shaping):
    """Return the function that shapes frames like this one."""
    import av

    frame, aspect = picture.frame, picture.aspect
    turns = round(frame.rotation / 90) % 4  # degrees counter-clockwise
    stored = frame.height, frame.width
    turned, step = (
        (stored, (SQUARE, aspect)) if turns % 2 == 0 else (stored[::-1], (aspect, SQUARE))
    )
    layout = lay_out(shaping, *turned, step)
    inner = layout.inner if turns % 2 == 0 else layout.inner[::-1]
    pix_fmt = "rgb48le" if picture.transfer else "rgb24"
    part = _unturned(layout.part, turned, turns)
    try:
        chain = scaling(frame, part, inner, pix_fmt)
    except av.error.FFmpegError as error:
        raise ValueError(
            f"frames in {frame.format.name} cannot be scaled here ({error.strerror}): convert them "
            "(ffmpeg -i IN -pix_fmt yuv420p OUT.mkv)"
        ) from error

    def shape(picture: VideoPicture) -> np.ndarray:
        chain.push(picture.frame)
        image = to_array(chain.pull())
        if picture.transfer:
            image = colours.tone_map(image, picture.transfer)
        return _finish(np.rot90(image, turns) if turns else image, layout, shaping.size)

    return shape


def _unturned(box: Box, size: tuple[int, int], turns: int) -> Box:
    """Find a box again in the picture that ``np.rot90(picture, turns)`` turned."""
    top, left, height, width = box
    for _ in range(turns):  # one turn back each: row i, column j come from row j, column end - i
        top, left, height, width = left, size[0] - top - height, width, height
        size = size[::-1]
    return top, left, height, width


def _finish(image: np.ndarray, layout: Layout, size: tuple[int, int]) -> np.ndarray:
    """Add bars and masks."""
    if image.shape[:2] != size:
        out = np.zeros((*size, 3), np.uint8)
        top, left = layout.place
        out[top : top + image.shape[0], left : left + image.shape[1]] = image
        image = out
    if layout.black:
        image = image.copy()
        for top, left, bottom, right in layout.black:
            image[top:bottom, left:right] = 0
    return np.ascontiguousarray(image)


def parse_box(text: str) -> Box:
    """Read ``W:H:X:Y`` in pixels, as FFmpeg's crop has it and its cropdetect prints it."""
    parts = text.removeprefix("crop=").split(":")
    if len(parts) != 4 or not all(part.isdecimal() and len(part) < 6 for part in parts):
        raise ValueError(
            f"{text!r} is no box: give WIDTH:HEIGHT:LEFT:TOP in pixels, such as 640:480:0:20"
        )
    width, height, left, top = map(int, parts)
    if not width or not height:
        raise ValueError(f"{text!r} is no box: it has no pixels")
    return top, left, height, width


def show_box(box: Box) -> str:
    """Write a box as ``parse_box`` reads it."""
    top, left, height, width = box
    return f"{width}:{height}:{left}:{top}"


def lost_share(source: Source, shaping: Shaping) -> tuple[float, float]:
    """Return the shares of height and width that the fit cuts off what the crop box leaves."""
    part = lay_out(shaping, source.height, source.width, (SQUARE, SQUARE)).part
    whole = shaping.crop[2:] if shaping.crop else (source.height, source.width)
    return 1 - part[2] / whole[0], 1 - part[3] / whole[1]
