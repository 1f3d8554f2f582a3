"""ArrayRecord files as the CoinRun, Atari and Minecraft sets of p-doom's Jasmine have them.

Each record is a pickled dict of ``raw_video`` (bytes of uint8 (T, height, width, 3)),
``sequence_length`` and maybe ``actions``; it becomes one recording. The size of the pictures is not
stored: they are 160x90, as Jasmine makes them of videos, or square, or 16:9 where no square fits.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from corpus.readers.base import ReadOptions, Source
from corpus.readers.parts.pickled import read_pickle
from corpus.readers.parts.values import (
    begins_with,
    check_size,
    discrete,
    fit_actions,
    needs_extra,
    numbered,
    rate,
    said,
)

MAGIC = b"\x83\xafp\xd1\r\x88J?"  # of riegeli, in which ArrayRecord is written
USUAL = (90, 160)  # as many pixels as 120x120
VIDEO, LENGTH = "raw_video", "sequence_length"


class ArrayRecordReader:
    """Reads pickled videos in ArrayRecord files; nothing is unpickled."""

    name: ClassVar[str] = "array_record"
    takes_subfolders: ClassVar[bool] = False

    def matches(self, path: Path) -> bool:
        """Whether the file begins as ArrayRecord files do."""
        return begins_with(path, MAGIC)

    def sources(self, path: Path, name: str, options: ReadOptions) -> list[Source]:
        """List the records; the first one is read, and the others are taken to be like it."""
        with _opened(path) as file:
            count = file.num_records()
            if not count:
                raise ValueError(f"{path} is an ArrayRecord file without records, or damaged")
            record = _record(path, file, 0)
            video = _video(path, 0, record, options)
        actions = _actions(record, options)
        notes = (f"its size is not stored: taken for {video.shape[2]}x{video.shape[1]}",)
        notes += ("its actions are not one integer a frame: left out",) if actions is False else ()
        return [
            Source(
                name=numbered(name, number, count),
                path=path,
                reader=self.name,
                number=number,
                height=video.shape[1],
                width=video.shape[2],
                fps=rate(options),
                frames=len(video),
                has_actions=isinstance(actions, np.ndarray) and not options.drop_actions,
                notes=notes,
            )
            for number in range(count)
        ]

    def pictures(
        self, source: Source, options: ReadOptions
    ) -> Iterator[tuple[Fraction, np.ndarray]]:
        """Yield the pictures of one record; it is in memory as a whole."""
        with _opened(source.path) as file:
            record = _record(source.path, file, source.number)
        for at, picture in enumerate(_video(source.path, source.number, record, options)):
            yield at / (source.fps or Fraction(1)), picture

    def actions(self, source: Source, options: ReadOptions) -> np.ndarray | None:
        """The actions of one record, if they are integers."""
        if not source.has_actions:
            return None
        with _opened(source.path) as file:
            record = _record(source.path, file, source.number)
        actions, where = _actions(record, options), f"record {source.number} of {source.path}"
        if not isinstance(actions, np.ndarray):
            raise ValueError(f"{where} has no actions, the first has: --drop-actions")
        return fit_actions(actions, len(_video(source.path, source.number, record, options)), where)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with needs_extra(path):
        from array_record.python.array_record_module import ArrayRecordReader as File
    file = None
    try:
        file = File(str(path))
        if not file.ok():
            raise ValueError(
                f"{path} is not a readable ArrayRecord file: it is damaged or cut short"
            )
        yield file
    except (RuntimeError, IndexError, MemoryError) as error:
        raise ValueError(f"{path} is a damaged ArrayRecord file ({said(error)})") from None
    finally:
        if file is not None and file.is_open():
            with contextlib.suppress(RuntimeError):
                file.close()


def _record(path: Path, file: Any, number: int) -> dict:
    """Read one record as a dict."""
    found = file.read([number])
    where = f"record {number} of {path}"
    if not found or not found[0]:
        raise ValueError(f"{where} cannot be read: the file is damaged or cut short")
    try:
        record = read_pickle(found[0])
    except ValueError as error:
        raise ValueError(f"{where} is {error}") from None
    if not isinstance(record, dict):
        raise ValueError(f"{where} is no dict with {VIDEO!r} and {LENGTH!r}")
    return record


def _video(path: Path, number: int, record: dict, options: ReadOptions) -> np.ndarray:
    """The pictures of a record, uint8 (T, height, width, 3)."""
    data, length = record.get(options.frames_key or VIDEO), record.get(LENGTH)
    length = length.item() if isinstance(length, np.ndarray) and length.ndim == 0 else length
    where = f"record {number} of {path}"
    if not isinstance(data, bytes | bytearray) or type(length) is not int or length < 1:
        keys = ", ".join(map(str, list(record)[:20]))
        raise ValueError(
            f"{where} has no bytes {options.frames_key or VIDEO!r} and integer {LENGTH!r}; it has: "
            f"{keys}"
        )
    pixels, rest = divmod(len(data), 3 * length)
    side = math.isqrt(pixels)
    high = math.isqrt(pixels // 144) * 9  # of 16:9
    shapes = [USUAL, (side, side), (high, high * 16 // 9)]
    shape = next((shape for shape in shapes if pixels and math.prod(shape) == pixels), None)
    if rest or shape is None:
        raise ValueError(
            f"{where} has {length} pictures of {pixels} pixels, neither square nor 16:9: other "
            "shapes are not known here"
        )
    check_size(*shape, where)
    return np.frombuffer(data, np.uint8).reshape(length, *shape, 3)


def _actions(record: dict, options: ReadOptions) -> np.ndarray | bool | None:
    """The actions; None without any, False if they are not one integer per frame."""
    values = record.get(options.actions_key or "actions", _MISSING)
    if values is _MISSING:
        return None
    if isinstance(values, list) and all(type(value) is int for value in values):
        values = np.asarray(values)
    usable = isinstance(values, np.ndarray) and discrete(values.shape, values.dtype.kind)
    return values if usable else False


_MISSING = object()
