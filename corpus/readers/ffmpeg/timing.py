"""True frame rates, by the time stamps of packets: headers of recordings are often wrong."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np

MOST_BYTES = 2_000_000_000  # of a file that are read for its time stamps; the rest is taken alike
INDEXED_BYTES = 64_000_000  # of an MP4, above which its index alone is read
COMMON_RATES = [Fraction(n) for n in (10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 72, 90, 100, 120)]
COMMON_RATES += [Fraction(n) for n in (144, 165, 240)]
COMMON_RATES += [Fraction(n * 1000, 1001) for n in (24, 30, 60, 120)]
SNAP = 0.001  # a measured rate this near to a common one is that one
IRREGULAR = 0.25  # a gap between frames that differs so much from the median one
IRREGULAR_SHARE = 0.01  # of the gaps make the rate variable


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timing:
    """What the time stamps of a video say.

    Attributes:
        frames: how many there are, or about how many if only a part was read.
        fps: the mean over all of them, without the odd gaps of a regular video; None for one frame.
        seconds: from the first to the end of the last.
        note: "variable frame rate: 31 to 60 fps", or "".
        damaged: how many frames come before the first that is marked as damaged, or None.
        whole: whether the whole file was read.
    """

    frames: int
    fps: Fraction | None
    seconds: Fraction
    note: str
    damaged: int | None
    whole: bool


def read_timing(container: object, stream: object, size: int) -> Timing:
    """Read the time stamps of a file of so many bytes, without decoding it."""
    last, damaged, end = 0, None, size
    if stream.frames and "mp4" in container.format.name and size > INDEXED_BYTES:
        # The index has the times of decoding: the same gaps in another order, but for the first.
        there = [e.timestamp for e in stream.index_entries if e.pos + e.size <= size]
        times = np.sort(np.array(there, np.int64))
    else:
        times, last, damaged, end = _demux(container, stream, size)
    gaps, base = np.diff(times), Fraction(stream.time_base)
    gaps = gaps[gaps > 0]
    fps, note, seconds = None, "", Fraction(0)
    if len(gaps):
        usual = np.median(gaps)
        # Stamps are rounded to ticks: GIF has 100 a second, Matroska 1,000.
        regular = gaps[np.abs(gaps - usual) <= max(IRREGULAR * usual, 1.5)]
        seconds = (int(times[-1] - times[0]) + (last or int(usual))) * base
        fps = len(times) / seconds
        if len(regular) < len(gaps) * (1 - IRREGULAR_SHARE):
            short, long = np.quantile(gaps, [0.01, 0.99], method="nearest") * float(base)
            note = f"variable frame rate: {1 / long:.3g} to {1 / short:.3g} fps"
        else:  # the mean would be too low by a few lost frames or a pause
            fps = len(regular) / (int(regular.sum()) * base)
        fps = _snapped(fps, stream, max(SNAP, float(1.5 * base / seconds)))
    return Timing(
        frames=round(len(times) * size / end),
        fps=fps,
        seconds=seconds,
        note=note,
        damaged=damaged,
        whole=end == size,
    )


def _demux(container: object, stream: object, size: int) -> tuple[np.ndarray, int, int | None, int]:
    """Read packets: (sorted distinct times, duration of the last, first damage, bytes read)."""
    import av

    times: dict[int, int] = {}
    damaged, end = None, size
    hidden = stream.codec_context.name == "vp8"
    try:
        for packet in container.demux(stream):
            time = packet.dts if packet.pts is None else packet.pts
            if time is None or not packet.size or packet.is_discard:
                continue
            if hidden and not bytes(packet)[0] & 0x10:  # a picture that only others refer to
                continue
            times[time] = packet.duration or 0
            if packet.is_corrupt and damaged is None:
                damaged = len(times) - 1
            if (packet.pos or 0) > MOST_BYTES:
                end = packet.pos + packet.size
                break
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        # Decoding meets it again, and says after how many frames.
    ordered = np.array(sorted(times), np.int64)
    return ordered, times[int(ordered[-1])] if len(ordered) else 0, damaged, end


def _snapped(fps: Fraction, stream: object, tolerance: float) -> Fraction:
    """Return the nearest of the header's and the common rates, or else four digits."""
    said = [rate for rate in (stream.average_rate, stream.guessed_rate) if rate]
    nearest = min([*said, *COMMON_RATES], key=lambda rate: abs(rate / fps - 1))
    if abs(nearest / fps - 1) <= tolerance:
        return Fraction(nearest)
    return Fraction(f"{float(fps):.4g}")
