"""Chains of FFmpeg's filters for the frames of one video.

PyAV is imported inside the functions, so that a machine without it can still train.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from corpus.readers.ffmpeg.colours import matrix_and_range

# One algorithm, rounded the same way on every processor. Without full chroma, swscale halves the
# width of the colours: those of the result, and those of RGB images before it scales them.
FLAGS = "area+accurate_rnd+bitexact+full_chroma_int+full_chroma_inp"


class Chain:
    """Filters that follow each other.

    Args:
        frame: an ``av.VideoFrame`` like those that will come.
        filters: (name, arguments) of each.
    """

    def __init__(self, frame: object, filters: list[tuple[str, str]]) -> None:
        """Build it for frames like this one; see the class."""
        from av.filter import Graph

        graph = Graph()
        graph.threads = 1
        rgb = is_rgb(frame)
        nodes = [
            graph.add(
                "buffer",
                video_size=f"{frame.width}x{frame.height}",
                pix_fmt=frame.format.name,
                time_base=str(frame.time_base or "1/1000"),
                pixel_aspect="1/1",
                colorspace="2" if rgb else str(int(frame.colorspace)),
                range="0" if rgb else str(int(frame.color_range)),
            )
        ]
        nodes += [graph.add(name, arguments) for name, arguments in filters]
        nodes.append(graph.add("buffersink"))
        graph.link_nodes(*nodes)
        graph.configure()
        self._graph, self.push, self.pull = graph, nodes[0].push, nodes[-1].pull


def to_array(frame: object) -> np.ndarray:
    """View a frame in rgb24 or rgb48le as (h, w, 3), faster than PyAV's own for small ones."""
    plane, height, width = frame.planes[0], frame.height, frame.width
    kind = np.uint16 if frame.format.name == "rgb48le" else np.uint8
    strides = plane.line_size, 3 * kind().itemsize, kind().itemsize
    return np.ndarray((height, width, 3), kind, plane, strides=strides)


def scaling(
    frame: object,
    part: tuple[int, int, int, int],
    size: tuple[int, int],
    pix_fmt: str,
    stacked: int = 1,
) -> Chain:
    """Make the chain that cuts a part out of frames and scales it by area averaging, in one pass.

    Args:
        frame: an ``av.VideoFrame`` like those that will come.
        part: top, left, height, width in stored pixels.
        size: (H, W) of the result.
        pix_fmt: ``rgb24`` or ``rgb48le``.
        stacked: so many results come in one frame, one below the other, when all are there, or at
            the end.
    """
    top, left, height, width = part
    colours = ""
    if not is_rgb(frame):
        matrix, span = matrix_and_range(frame)
        colours = f":in_color_matrix={matrix}:in_range={span}:out_range=full"
    filters = [
        ("crop", f"{width}:{height}:{left}:{top}:exact=1"),
        ("scale", f"{size[1]}:{size[0]}:flags={FLAGS}{colours}"),
    ]
    stack = [("tile", f"1x{stacked}")] if stacked > 1 else []
    if pix_fmt == "rgb24":  # by way of planes, which swscale has fast code for
        filters += [("format", "gbrp"), *stack, ("scale", f"flags={FLAGS}"), ("format", "rgb24")]
    else:
        filters += [("format", pix_fmt), *stack]
    return Chain(frame, filters[(height, width) == (frame.height, frame.width) :])


def is_rgb(frame: object) -> bool:
    """Whether the pixels of a frame are red, green and blue already, or a palette of them."""
    return frame.format.is_rgb or frame.format.has_palette


class Deinterlacer:
    """Makes whole pictures of interlaced frames, one of each; leaves others alone.

    The fields between are not made pictures of their own: true actions belong to frames.
    """

    def __init__(self) -> None:
        """Start without a chain: few videos need one."""
        self._chain: Chain | None = None
        self._kind: object = None
        self._base: object = None  # seconds a tick

    def __call__(self, frames: Iterable[object]) -> Iterator[object]:
        """Yield all frames, those that are interlaced as whole pictures."""
        for frame in frames:
            if self._chain is None and not frame.interlaced_frame:
                yield frame
                continue
            kind = frame.width, frame.height, frame.format.name
            if kind != self._kind:
                yield from self._rest()
                # Once a frame was interlaced all pass through it, as it looks ahead by one.
                self._chain = Chain(frame, [("bwdif", "mode=send_frame:deint=interlaced")])
                self._kind, self._base = kind, frame.time_base
            self._chain.push(frame)
            yield from self._ready()
        yield from self._rest()

    def _rest(self) -> Iterator[object]:
        """Yield what it still holds."""
        if self._chain is not None:
            self._chain.push(None)
            yield from self._ready()
            self._chain, self._kind = None, None

    def _ready(self) -> Iterator[object]:
        """Yield frames until the chain asks for more, or has ended."""
        import av

        while True:
            try:
                frame = self._chain.pull()
                if frame.pts is not None:  # bwdif counts fields
                    frame.pts = round(frame.pts * frame.time_base / self._base)
                frame.time_base = self._base
                yield frame
            except (av.error.BlockingIOError, av.error.EOFError):
                return
