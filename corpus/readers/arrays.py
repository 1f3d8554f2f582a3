"""Pictures in npy and npz files: (T, h, w, 3) or (T, 3, h, w), uint8, or floats from 0 to 1.

A file is read picture by picture and never mapped or unpacked as a whole, so that neither a long
recording nor a small zip of a huge array takes memory.
"""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple

import numpy as np

from corpus.readers import sidecar
from corpus.readers.base import ReadOptions, Source
from corpus.readers.parts.values import (
    ACTION_KEYS,
    bytes_of,
    choose,
    discrete,
    episode_bounds,
    fit_actions,
    looks_like_pictures,
    numbered,
    picture_shape,
    rate,
    said,
    to_rgb,
)

MOST_MEMBERS = 10_000
MOST_MARKS = 400_000_000  # bytes of an array of actions or episode marks
DAMAGE = (OSError, RuntimeError, NotImplementedError, EOFError, zlib.error, zipfile.BadZipFile)


class Header(NamedTuple):
    """What an npy header says."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype


class ArraysReader:
    """Reads npy and npz files; npz may hold ``actions`` and episode marks beside the pictures."""

    name: ClassVar[str] = "arrays"
    takes_subfolders: ClassVar[bool] = False

    def matches(self, path: Path) -> bool:
        """Whether the suffix is that of numpy's files, and the name not that of actions."""
        name = path.name.lower()
        return name.endswith((".npy", ".npz")) and not name.endswith(".actions.npy")

    def sources(self, path: Path, name: str, options: ReadOptions) -> list[Source]:
        """List the episodes of a file."""
        headers = _headers(path)
        key = _frames_key(path, headers, options)
        shape = headers[key].shape
        height, width, _ = picture_shape(shape, f"{path}:{key}")
        bounds = _bounds(path, shape[0], options)
        actions, note = _actions_key(path, headers, options)
        beside = sidecar.find(path, options) if actions is None else None
        has = (actions is not None or beside is not None) and not options.drop_actions
        return [
            Source(
                name=numbered(name, number, len(bounds)),
                path=path,
                reader=self.name,
                number=number,
                height=height,
                width=width,
                fps=rate(options),
                frames=stop - start,
                has_actions=has,
                notes=note,
            )
            for number, (start, stop) in enumerate(bounds)
        ]

    def pictures(
        self, source: Source, options: ReadOptions
    ) -> Iterator[tuple[Fraction, np.ndarray]]:
        """Read the pictures of an episode one by one."""
        path, headers = source.path, _headers(source.path)
        key = _frames_key(path, headers, options)
        shape, _, dtype = headers[key]
        where = f"{path}:{key}"
        _, _, first = picture_shape(shape, where)
        start, stop = _bounds(path, shape[0], options)[source.number]
        size = bytes_of(shape[1:], dtype.itemsize)
        with _stream(path, key) as stream:
            _header(stream, where)
            stream.seek(start * size, 1)
            for at in range(stop - start):
                data = _exactly(stream, size, where)
                picture = np.frombuffer(data, dtype).reshape(shape[1:])
                yield at / (source.fps or Fraction(1)), to_rgb(picture, first, where)

    def actions(self, source: Source, options: ReadOptions) -> np.ndarray | None:
        """The array of actions in the file, or the file of actions beside it."""
        path, headers = source.path, _headers(source.path)
        frames = headers[_frames_key(path, headers, options)].shape[0]
        start, stop = _bounds(path, frames, options)[source.number]
        key, _ = _actions_key(path, headers, options)
        if options.drop_actions:
            return None
        if key is not None:
            values = fit_actions(_small(path, key), frames, f"{path}:{key}")
        else:
            values = sidecar.load_fitting(path, frames, options)
        return None if values is None else values[start : stop - 1]


def _headers(path: Path) -> dict[str, Header]:
    """The header of each array; the only one of an npy file is called ``frames``."""
    if path.suffix.lower() == ".npy":
        with _stream(path, "frames") as stream:
            header = _header(stream, path)
            _check_claim(header, path.stat().st_size - stream.tell(), path)
        return {"frames": header}
    found = {}
    with _damage_named(path), zipfile.ZipFile(path) as archive:
        members = [item for item in archive.infolist() if item.filename.endswith(".npy")]
        if len(members) > MOST_MEMBERS:
            raise ValueError(f"{path} holds more than {MOST_MEMBERS} arrays: split it")
        for item in members:
            with archive.open(item) as stream:
                header = _header(stream, f"{path}:{item.filename}")
                _check_claim(header, item.file_size - stream.tell(), f"{path}:{item.filename}")
            found[item.filename.removesuffix(".npy")] = header
    return found


def _header(stream: IO[bytes], where: object) -> Header:
    """Read an npy header; nothing of it is unpickled."""
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            return Header(*np.lib.format.read_array_header_1_0(stream))
        if version == (2, 0):
            return Header(*np.lib.format.read_array_header_2_0(stream))
    except DAMAGE:
        raise
    except Exception as error:  # the header is a Python literal: damage leads anywhere
        raise ValueError(f"{where} is a damaged npy file ({said(error)})") from None
    raise ValueError(f"{where} is an npy file of version {version}, which is not read here")


def _check_claim(header: Header, held: int, where: object) -> None:
    """Refuse a header that claims more than the file holds."""
    if any(side < 0 for side in header.shape):
        raise ValueError(f"{where} is a damaged npy file (a negative shape)")
    if not header.dtype.hasobject and bytes_of(header.shape, header.dtype.itemsize) > held:
        raise ValueError(f"{where} is cut short: its header says {header.shape} {header.dtype}")


def _frames_key(path: Path, headers: dict[str, Header], options: ReadOptions) -> str:
    """The array that holds the pictures."""
    if path.suffix.lower() == ".npy":
        key = "frames"
    else:
        like = [key for key, item in headers.items() if _fits(item)]
        wanted = options.frames_key
        key = choose(list(headers) if wanted else like, wanted, path, "array")
    header = headers[key]
    if header.dtype.hasobject or header.dtype.kind not in "uf" or header.fortran:
        kind = "Fortran order" if header.fortran else header.dtype
        raise ValueError(f"{path}:{key} holds {kind}: store pictures as uint8 (T, h, w, 3)")
    if not header.shape or not header.shape[0]:
        raise ValueError(f"{path}:{key} holds no picture")
    return key


def _fits(header: Header) -> bool:
    return not header.fortran and looks_like_pictures(header.shape, header.dtype.kind)


def _actions_key(
    path: Path, headers: dict[str, Header], options: ReadOptions
) -> tuple[str | None, tuple[str, ...]]:
    """The array of true actions, and a note where it cannot be used."""
    if path.suffix.lower() == ".npy":
        return None, ()
    if options.actions_key is not None:
        choose(list(headers), options.actions_key, path, "array")
    keys = (options.actions_key,) if options.actions_key else ACTION_KEYS
    for key in keys:
        if key in headers:
            shape, _, dtype = headers[key]
            if discrete(shape, dtype.kind):
                return key, ()
            return None, (f"{key} are {dtype} {shape}, not one integer a frame: left out",)
    return None, ()


def _bounds(path: Path, frames: int, options: ReadOptions) -> list[tuple[int, int]]:
    """Where episodes start and stop; the whole file without marks."""
    if options.episode_key is None or path.suffix.lower() == ".npy":
        return [(0, frames)]
    choose(list(_headers(path)), options.episode_key, path, "array")
    where = f"{path}:{options.episode_key}"
    return episode_bounds(_small(path, options.episode_key), frames, where)


def _small(path: Path, key: str) -> np.ndarray:
    """Read an array of actions or marks as a whole."""
    where = f"{path}:{key}"
    with _stream(path, key) as stream:
        shape, fortran, dtype = _header(stream, where)
        size = bytes_of(shape, dtype.itemsize)
        if dtype.hasobject or size > MOST_MARKS:
            raise ValueError(f"{where} is {dtype} {shape}: store one integer a frame")
        data = _exactly(stream, size, where)
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")


def _exactly(stream: IO[bytes], size: int, where: object) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ValueError(f"{where} is cut short")
    return data


@contextlib.contextmanager
def _stream(path: Path, key: str) -> Iterator[IO[bytes]]:
    """Open the bytes of one array."""
    with _damage_named(path), contextlib.ExitStack() as stack:
        if path.suffix.lower() == ".npy":
            yield stack.enter_context(open(path, "rb"))
        else:
            archive: Any = stack.enter_context(zipfile.ZipFile(path))
            yield stack.enter_context(archive.open(f"{key}.npy"))


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except DAMAGE as error:
        raise ValueError(f"{path} is damaged or cut short ({said(error)})") from None
