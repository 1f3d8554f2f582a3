"""Where a picture goes in one of another size: crop box, fit, bars and masks."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from corpus.readers.base import Box, Source

FITS = ("crop", "pad")
SQUARE = Fraction(1)


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


def check_crop(source: Source, crop: Box | None) -> None:
    """Refuse a crop box that is no part of a recording's pictures."""
    try:
        _stored_box(crop, source.height, source.width, (SQUARE, SQUARE))
    except ValueError as error:
        raise ValueError(f"{source.path}: {error}") from None


def lost_share(source: Source, shaping: Shaping) -> tuple[float, float]:
    """Return the shares of height and width that the fit cuts off what the crop box leaves."""
    part = lay_out(shaping, source.height, source.width, (SQUARE, SQUARE)).part
    whole = shaping.crop[2:] if shaping.crop else (source.height, source.width)
    return 1 - part[2] / whole[0], 1 - part[3] / whole[1]
