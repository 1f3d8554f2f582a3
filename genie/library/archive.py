"""Worlds as one zip file: written by `genie export`, unpacked before they are played."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genie.library.card import read_card
from genie.library.contents import CARD, check_names, check_size, files_to_send, waiting_lock
from spacetime.partial import check_writable, partial_path, remove

_MOST_DIRECTORY_BYTES = 1 << 20  # of a zip's table of contents, which is read as a whole
_LOCK_SECONDS = 30.0  # unpacking takes a few
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, RuntimeError)


def is_zip(path: Path) -> bool:
    """Whether a name is that of a zip, in letters of either case."""
    return path.suffix.lower() == ".zip"


def export_world(path: Path | str, target: Path | str) -> Path:
    """Write a world as a zip, atomically.

    Args:
        path: folder of a world.
        target: the zip; an existing one is replaced.

    Returns:
        The target.

    Raises:
        ValueError: if the world is damaged or too large, or the name does not end in .zip.
        OSError: if a file is missing or the disk refuses.
    """
    path, target = Path(path), Path(target)
    if not is_zip(target):
        raise ValueError(f"cannot export to {target}: the name must end in .zip")
    check_writable(target)
    read_card(path)  # refuses what could not be played
    files = files_to_send(path)
    partial = partial_path(target)
    try:
        with open(partial, "wb") as written:
            with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in files:
                    # A fixed date, so that the same world gives the same bytes.
                    name = file.relative_to(path).as_posix()
                    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                    archive.writestr(entry, file.read_bytes())
            written.flush()
            os.fsync(written.fileno())
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return target


@contextmanager
def open_world(path: Path) -> Iterator[Any]:
    """Open a world for reading: a folder is yielded as it is, a zip as the `zipfile.Path` inside.

    Raises:
        ValueError: as `unpack_world`, also for damage that shows while the body reads.
    """
    if not is_zip(path):
        yield path
        return
    with _open_zip(path) as (archive, _):
        yield zipfile.Path(archive)


def unpack_world(path: Path | str, folder: Path | str) -> Path:
    """Unpack a world, once: a zip of the same bytes is found again, and mended where it is damaged.

    Args:
        path: a zip from `export_world`.
        folder: where unpacked worlds are kept; made if needed.

    Returns:
        The folder of the world.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no zip, or holds anything but safetensors, json and png, a path that
            leads out of the folder, or more than 256 MiB or 100 files.
    """
    path = Path(path)
    with _open_zip(path) as (archive, entries):
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found = Path(folder) / f"{path.stem}-{digest[:16]}"
        if _is_whole(found, entries):
            return found
        found.parent.mkdir(parents=True, exist_ok=True)
        with waiting_lock(found, _LOCK_SECONDS):
            if not _is_whole(found, entries):  # another process may have unpacked it meanwhile
                _unpack(archive, entries, found)
    return found


def _unpack(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], found: Path) -> None:
    partial = partial_path(found)
    remove(partial)
    try:
        for entry in entries:
            target = partial / entry.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, open(target, "wb") as file:
                shutil.copyfileobj(source, file)
                file.flush()
                os.fsync(file.fileno())
        remove(found)
        os.replace(partial, found)
    finally:
        remove(partial)


def _is_whole(found: Path, entries: list[zipfile.ZipInfo]) -> bool:
    """Whether every file of a zip lies in a folder as the zip has it."""
    for entry in entries:
        file = found / entry.filename
        if not file.is_file() or file.stat().st_size != entry.file_size:
            return False
        if zlib.crc32(file.read_bytes()) != entry.CRC:
            return False
    return True


@contextmanager
def _open_zip(path: Path) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """Open a world's zip that passes every check, with its files."""
    if not path.is_file():
        raise FileNotFoundError(f"no world at {path}: give a zip from genie export")
    check_size(path, [path.stat().st_size])
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _checked(path, archive)
    except _DAMAGE as error:
        line = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} is not a zip that can be read ({line})") from None


def _check_directory(path: Path) -> None:
    """Refuse a table of contents that would fill the memory, before `zipfile` reads it."""
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16) - 22))
        end = file.read()
    for found in re.finditer(rb"PK\x05\x06(?=.{8}(.{4}))", end, re.DOTALL):
        (size,) = struct.unpack("<I", found[1])
        zip64 = end[max(0, found.start() - 20) :].startswith(b"PK\x06\x07")
        if size > _MOST_DIRECTORY_BYTES or zip64:
            raise ValueError(f"{path} holds too many files: it is no world")


def _checked(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files of a zip, or refuse it as a whole."""
    entries = archive.infolist()
    for entry in entries:
        if entry.external_attr >> 16 & 0o170000 == 0o120000:
            raise ValueError(
                f"{path} holds {entry.filename!r}, which leads out of its folder: do not use it"
            )
    files = [entry for entry in entries if not entry.is_dir()]
    check_size(path, [entry.file_size for entry in files])
    names = [entry.filename for entry in entries]
    check_names(path, names)
    if "world.json" not in names:
        raise ValueError(f"{path} holds no world.json at its top: make it with genie export")
    return [entry for entry in files if entry.filename != CARD]
