"""Worlds as one zip file: written by `genie export`, unpacked before they are played."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from genie.library.card import read_card

ALLOWED = (".safetensors", ".json", ".png")
"""What a zip may hold: nothing that is loaded may execute code."""
_MOST_BYTES = 8 << 30  # unpacked; a small zip could claim to be anything
_MOST_FILES = 10_000


def export_world(path: Path | str, target: Path | str) -> Path:
    """Write a world as a zip, atomically.

    Args:
        path: folder of a world.
        target: the zip; an existing one is replaced.

    Returns:
        The target.

    Raises:
        ValueError: if the world is damaged, or the name does not end in .zip.
        OSError: if a file is missing or the disk refuses.
    """
    path, target = Path(path), Path(target)
    if target.suffix.lower() != ".zip":
        raise ValueError(f"cannot export to {target}: the name must end in .zip")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {target}: make the folder {target.parent} first")
    read_card(path)  # refuses what could not be played
    files = sorted(file for file in path.rglob("*") if file.is_file() and _fits(file, path))
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                # A fixed date, so that the same world gives the same bytes.
                entry = zipfile.ZipInfo(file.relative_to(path).as_posix(), (1980, 1, 1, 0, 0, 0))
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, file.read_bytes())
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return target


def unpack_world(path: Path | str, folder: Path | str) -> Path:
    """Unpack a world, once: a zip of the same bytes is found again.

    Args:
        path: a zip from `export_world`.
        folder: where unpacked worlds are kept; made if needed.

    Returns:
        The folder of the world.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no zip, or holds anything but safetensors, json and png, a path that
            leads out of the folder, or more than 8 GiB.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no world at {path}: give a zip from genie export")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    found = Path(folder) / f"{path.stem}-{digest[:16]}"
    if (found / "world.json").is_file():
        return found
    partial = found.with_name(f".{found.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _checked(path, archive)
            partial.mkdir(parents=True)
            for entry in entries:
                target = partial / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, open(target, "wb") as file:
                    shutil.copyfileobj(source, file)
        os.replace(partial, found)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{path} is not a zip that can be read ({error})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return found


def _fits(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return file.suffix in ALLOWED and not hidden and not file.is_symlink()


def _checked(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the files of a zip, or refuse it as a whole."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    for entry in entries:
        place = PurePosixPath(entry.filename)
        link = entry.external_attr >> 16 & 0o170000 == 0o120000
        if place.is_absolute() or ".." in place.parts or "\\" in entry.filename or link:
            raise ValueError(
                f"{path} holds {entry.filename!r}, which leads out of its folder: do not use it"
            )
        if ":" in entry.filename or place.suffix not in ALLOWED:
            raise ValueError(
                f"{path} holds {entry.filename!r}: a world has only {', '.join(ALLOWED)} files"
            )
    if sum(entry.file_size for entry in entries) > _MOST_BYTES or len(entries) > _MOST_FILES:
        raise ValueError(f"{path} unpacks to more than {_MOST_BYTES >> 30} GiB: it is no world")
    if "world.json" not in archive.namelist():
        raise ValueError(f"{path} holds no world.json at its top: make it with genie export")
    return entries
