"""HDF5 files: Minari's, and any with arrays of pictures (T, h, w, 3) or (T, 3, h, w).

Arrays whose paths differ in their numbers only (``episode_0/observations``,
``episode_1/observations``) are one recording each; one array of many episodes is cut by
``episode_key``, see ``values.episode_bounds``. True actions are an integer array ``actions`` or
``action`` in the group of the pictures or the nearest group around it.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from corpus.readers import sidecar
from corpus.readers.base import ReadOptions, Source
from corpus.readers.parts.values import (
    ACTION_KEYS,
    begins_with,
    bytes_of,
    choose,
    discrete,
    episode_bounds,
    fit_actions,
    looks_like_pictures,
    natural,
    needs_extra,
    numbered,
    picture_shape,
    rate,
    said,
    to_rgb,
)

MAGIC = b"\x89HDF\r\n\x1a\n"
AT_ONCE = 32_000_000  # bytes of pictures that are read together
MOST_CHUNK = 512_000_000  # bytes that one stored chunk may unpack to
MOST_MARKS = 400_000_000  # bytes of an array of actions or episode marks


class Track(NamedTuple):
    """One recording: part of an array of pictures, and where its actions are."""

    key: str
    start: int
    stop: int
    actions: str | None
    note: tuple[str, ...]


class Hdf5Reader:
    """Reads arrays of pictures in HDF5 files in constant memory."""

    name: ClassVar[str] = "hdf5"
    takes_subfolders: ClassVar[bool] = False

    def matches(self, path: Path) -> bool:
        """Whether a file begins as HDF5 files do."""
        return begins_with(path, MAGIC)

    def sources(self, path: Path, name: str, options: ReadOptions) -> list[Source]:
        """List the recordings of a file."""
        tracks = _tracks(path, options)
        with _opened(path) as file:
            shapes = [picture_shape(file[track.key].shape, _at(path, track)) for track in tracks]
        beside = sidecar.find(path, options) is not None and len(tracks) == 1
        return [
            Source(
                name=numbered(name, number, len(tracks)),
                path=path,
                reader=self.name,
                number=number,
                height=height,
                width=width,
                fps=rate(options),
                frames=track.stop - track.start,
                has_actions=(track.actions is not None or beside) and not options.drop_actions,
                notes=track.note,
            )
            for number, (track, (height, width, _)) in enumerate(zip(tracks, shapes, strict=True))
        ]

    def pictures(
        self, source: Source, options: ReadOptions
    ) -> Iterator[tuple[Fraction, np.ndarray]]:
        """Read pictures by the chunk in which they are stored."""
        track = _track(source, options)
        with _opened(source.path) as file:
            data, where = file[track.key], _at(source.path, track)
            _, _, first = picture_shape(data.shape, where)
            step = _step(data, where)
            for begin in range(track.start - track.start % step, track.stop, step):
                low, high = max(begin, track.start), min(begin + step, track.stop)
                for at, picture in enumerate(data[low:high], low - track.start):
                    yield at / (source.fps or Fraction(1)), to_rgb(picture, first, where)

    def actions(self, source: Source, options: ReadOptions) -> np.ndarray | None:
        """The actions of one recording."""
        if not source.has_actions:
            return None
        track = _track(source, options)
        if track.actions is None:
            return sidecar.load_fitting(source.path, track.stop - track.start, options)
        with _opened(source.path) as file:
            frames = file[track.key].shape[0]
            where = f"{source.path}:{track.actions}"
            values = fit_actions(_small(file[track.actions], where), frames, where)
        return values[track.start : track.stop - 1]


def _tracks(path: Path, options: ReadOptions) -> list[Track]:
    """All recordings of a file, in natural order of their paths."""
    changed = path.stat().st_mtime_ns
    return _listed(path, changed, options.frames_key, options.actions_key, options.episode_key)


@functools.lru_cache(maxsize=4)  # each recording of a file asks for the list
def _listed(path: Path, changed: int, *keys: str | None) -> list[Track]:
    names = ("frames_key", "actions_key", "episode_key")
    options = ReadOptions(**dict(zip(names, keys, strict=True)))
    with _opened(path) as file:
        return _list(path, file, options)


def _list(path: Path, file: Any, options: ReadOptions) -> list[Track]:
    arrays: dict[str, tuple[tuple[int, ...], str]] = {}

    def note(name: str, item: Any) -> None:
        if hasattr(item, "shape") and item.shape is not None:
            arrays[name] = (item.shape, item.dtype.kind)

    file.visititems(note)  # hard links only: nothing outside the file is opened
    found = [name for name, (shape, kind) in arrays.items() if looks_like_pictures(shape, kind)]
    wanted = options.frames_key
    if wanted is not None:
        ends = [name for name in arrays if name == wanted or name.endswith(f"/{wanted}")]
        found = ends or [name for name in arrays if _pattern(name) == wanted]
        choose(found[:1] and [wanted], wanted, path, "array of pictures")
    choose(sorted({_pattern(name) for name in found}), None, path, "array of pictures")
    found.sort(key=natural)
    tracks = []
    for key in found:
        shape, kind = arrays[key]
        if kind not in "uf" or not shape or not shape[0]:
            raise ValueError(f"{path}:{key} is no array of pictures, uint8 (T, h, w, 3)")
        actions, said_of = _actions_of(key, arrays, options)
        for start, stop in _bounds(path, file, arrays, shape[0], options):
            tracks.append(Track(key, start, stop, actions, said_of))
    return tracks


def _pattern(name: str) -> str:
    return re.sub(r"[0-9]+", "#", name)


def _actions_of(
    key: str, arrays: dict[str, tuple[tuple[int, ...], str]], options: ReadOptions
) -> tuple[str | None, tuple[str, ...]]:
    """Look for actions beside the pictures, then one group further out, and so on."""
    wanted = (options.actions_key,) if options.actions_key else ACTION_KEYS
    group = key
    while group:
        group = group.rpartition("/")[0]
        for name in wanted:
            candidate = f"{group}/{name}" if group else name
            if candidate in arrays:
                shape, kind = arrays[candidate]
                if discrete(shape, kind):
                    return candidate, ()
                return None, (f"{_pattern(candidate)} are not one integer a frame: left out",)
    return None, ()


def _bounds(
    path: Path, file: Any, arrays: dict, frames: int, options: ReadOptions
) -> list[tuple[int, int]]:
    """The episodes of one array."""
    if options.episode_key is None:
        return [(0, frames)]
    key = choose(list(arrays), options.episode_key, path, "array")
    where = f"{path}:{key}"
    return episode_bounds(_small(file[key], where), frames, where)


def _small(data: Any, where: object) -> np.ndarray:
    """Read an array of actions or marks as a whole."""
    _step(data, where)
    if bytes_of(data.shape, data.dtype.itemsize) > MOST_MARKS or data.dtype.kind not in "biuf":
        raise ValueError(f"{where} is {data.dtype} {data.shape}: store one integer a frame")
    return np.asarray(data[()])


def _step(data: Any, where: object) -> int:
    """How many pictures to read together: whole chunks."""
    if data.external or data.is_virtual:
        raise ValueError(f"{where} keeps its data in other files, which are not opened: copy them")
    row = max(1, bytes_of(data.shape[1:], data.dtype.itemsize))
    if data.chunks is None:
        return max(1, AT_ONCE // row)
    if bytes_of(data.chunks, data.dtype.itemsize) > MOST_CHUNK:
        raise ValueError(
            f"{where} is stored in chunks of {data.chunks}, too large to unpack: store it again "
            "in smaller ones (h5repack -l)"
        )
    return max(1, min(data.chunks[0], MOST_CHUNK // row))


def _track(source: Source, options: ReadOptions) -> Track:
    tracks = _tracks(source.path, options)
    if source.number >= len(tracks):
        raise ValueError(f"{source.path} has changed since its recordings were listed")
    return tracks[source.number]


def _at(path: Path, track: Track) -> str:
    return f"{path}:{track.key}"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with needs_extra(path):
        import h5py
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path}")
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except (OSError, RuntimeError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise ValueError(f"{path} is a damaged HDF5 file ({said(error)})") from None
