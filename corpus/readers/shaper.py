"""Makes pictures fit one size in one pass: crop box, colours, rotation, fit, area scaling.

PyAV is imported inside the functions, so that a machine without it can still train.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from corpus.readers.base import Box
from corpus.readers.ffmpeg import colours
from corpus.readers.ffmpeg.filter_graph import scaling, to_array
from corpus.readers.layout import SQUARE, Layout, Shaping, lay_out

STACK, STACK_PIXELS = 32, 1 << 22  # pictures of a stack, and pixels: large ones gain nothing


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


Picture = np.ndarray | VideoPicture
"""uint8 (h, w, 3), RGB 0-255, with square pixels; or a frame of a video."""


class Shaper:
    """Makes pictures fit, one by one; keeps FFmpeg's scalers between them."""

    def __init__(self, shaping: Shaping) -> None:
        """Take what is asked."""
        self.shaping = shaping
        self._kind: object = None
        self._stack: _Arrays | _Frames | None = None

    def __call__(self, picture: Picture) -> np.ndarray:
        """Shape one picture to uint8 (H, W, 3); it is untouched if it has the size already."""
        if (kind := _kind(picture)) != self._kind:  # streams may change in the middle
            self._kind, self._stack = kind, _stack(picture, self.shaping, 1)
        self._stack.push(picture)
        return self._stack.pull()[0]


def shape_all(pictures: Iterable[Picture], shaping: Shaping, name: object) -> Iterator[np.ndarray]:
    """Shape pictures, and pass them on in stacks, as each step in Python takes its time.

    Args:
        pictures: in order; one that is the same object as that before it is shaped once.
        shaping: how they are made to fit.
        name: what they are pictures of, for errors.

    Yields:
        uint8 (n, H, W, 3), n at most ``STACK``.

    Raises:
        ValueError: they cannot be shaped so.
    """
    most = max(1, min(STACK, STACK_PIXELS // (shaping.size[0] * shaping.size[1])))
    stack, kind, before = None, None, None
    times: list[int] = []  # that each picture of the stack is shown
    for picture in pictures:
        if picture is before:
            times[-1] += 1
            continue
        changed = _kind(picture) != kind
        if times and (changed or len(times) == most):
            yield from _repeated(stack.pull(), times, most)
            times = []
        if changed:
            try:
                kind, stack = _kind(picture), _stack(picture, shaping, most)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        stack.push(picture)
        times.append(1)
        before = picture
    if times:
        yield from _repeated(stack.pull(), times, most)


def _repeated(stack: np.ndarray, times: list[int], most: int) -> Iterator[np.ndarray]:
    """Repeat each picture of a stack so many times."""
    if max(times) == 1:
        yield stack
        return
    places = np.repeat(np.arange(len(times)), times)
    for start in range(0, len(places), most):
        yield stack[places[start : start + most]]


def _kind(picture: Picture) -> object:
    """What pictures must have in common to be shaped alike."""
    if isinstance(picture, np.ndarray):
        return picture.shape
    frame = picture.frame
    return (
        *(frame.width, frame.height, frame.format.name, frame.rotation),
        *(frame.colorspace, frame.color_range, picture.aspect, picture.transfer),
    )


def _stack(picture: Picture, shaping: Shaping, most: int) -> _Arrays | _Frames:
    """Begin to stack pictures like this one, so many at a time."""
    return (_Arrays if isinstance(picture, np.ndarray) else _Frames)(picture, shaping, most)


class _Arrays:
    """Shapes arrays of one size."""

    def __init__(self, picture: np.ndarray, shaping: Shaping, most: int) -> None:
        self._layout = lay_out(shaping, *picture.shape[:2], (SQUARE, SQUARE))
        self._size, self._chain = shaping.size, None
        self._shaped: list[np.ndarray] = []

    def push(self, picture: np.ndarray) -> None:
        """Take a picture."""
        import av

        top, left, height, width = self._layout.part
        image = np.ascontiguousarray(picture[top : top + height, left : left + width])
        if (height, width) != self._layout.inner:
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if self._chain is None:
                self._chain = scaling(frame, (0, 0, height, width), self._layout.inner, "rgb24")
            self._chain.push(frame)
            image = to_array(self._chain.pull())
        self._shaped.append(_finish(image, self._layout, self._size))

    def pull(self) -> np.ndarray:
        """Return what was taken since the last call, uint8 (n, H, W, 3)."""
        shaped, self._shaped = self._shaped, []
        return np.stack(shaped)


class _Frames:
    """Shapes frames of videos that are alike, by filters that stack them as well."""

    def __init__(self, picture: VideoPicture, shaping: Shaping, most: int) -> None:
        import av

        frame, aspect = picture.frame, picture.aspect
        self._turns = round(frame.rotation / 90) % 4  # degrees counter-clockwise
        turned, step = (frame.height, frame.width), (SQUARE, aspect)
        if self._turns % 2:
            turned, step = turned[::-1], step[::-1]
        self._layout, self._size = lay_out(shaping, *turned, step), shaping.size
        self._inner = self._layout.inner[::-1] if self._turns % 2 else self._layout.inner
        self._transfer, self._most, self._taken = picture.transfer, most, 0
        part = _unturned(self._layout.part, turned, self._turns)
        pix_fmt = "rgb48le" if self._transfer else "rgb24"
        try:
            self._chain = scaling(frame, part, self._inner, pix_fmt, most)
        except av.error.FFmpegError as error:
            raise ValueError(
                f"frames in {frame.format.name} cannot be scaled here ({error.strerror}): convert "
                "them (ffmpeg -i IN -pix_fmt yuv420p OUT.mkv)"
            ) from error

    def push(self, picture: VideoPicture) -> None:
        """Take a frame."""
        self._chain.push(picture.frame)
        self._taken += 1

    def pull(self) -> np.ndarray:
        """Return what was taken since the last call, uint8 (n, H, W, 3).

        Nothing can be taken after fewer than a stack.
        """
        if self._taken < self._most:
            self._chain.push(None)
        images = to_array(self._chain.pull()).reshape(self._most, *self._inner, 3)[: self._taken]
        self._taken = 0
        if self._transfer:
            images = np.stack([colours.tone_map(image, self._transfer) for image in images])
        if self._turns:
            images = np.rot90(images, self._turns, (1, 2))
        return _finish(images, self._layout, self._size)


def _unturned(box: Box, size: tuple[int, int], turns: int) -> Box:
    """Find a box again in the picture that ``np.rot90(picture, turns)`` turned."""
    top, left, height, width = box
    for _ in range(turns):  # one turn back each: row i, column j come from row j, column end - i
        top, left, height, width = left, size[0] - top - height, width, height
        size = size[::-1]
    return top, left, height, width


def _finish(images: np.ndarray, layout: Layout, size: tuple[int, int]) -> np.ndarray:
    """Add bars and masks to one or more pictures, uint8 (..., h, w, 3)."""
    if images.shape[-3:-1] != size:
        out = np.zeros((*images.shape[:-3], *size, 3), np.uint8)
        top, left = layout.place
        out[..., top : top + images.shape[-3], left : left + images.shape[-2], :] = images
        images = out
    if layout.black:
        images = images.copy()
        for top, left, bottom, right in layout.black:
            images[..., top:bottom, left:right, :] = 0
    return np.ascontiguousarray(images)
