"""Files that appear once they are whole, and what dead processes left of theirs."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import socket
from pathlib import Path

from spacetime.process import is_running, start_time


def partial_path(path: Path, tag: str = "") -> Path:
    """Return a hidden name beside `path` to write under; those of dead processes are removed.

    Args:
        path: what the file or folder will be called once it is whole.
        tag: hexadecimal; keeps several apart that one process writes at once.
    """
    # The folder may be shared with other hosts, whose processes cannot be looked up here.
    host = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
    pattern = re.compile(
        rf"\.{re.escape(path.name)}\.(\d{{1,9}})-{host}-(\d+|-)(-[0-9a-f]+)?\.partial"
    )
    with contextlib.suppress(OSError):
        for other in path.parent.iterdir():
            found = pattern.fullmatch(other.name)
            if found and not is_running(int(found[1]), found[2]):
                remove(other)
    pid, ending = os.getpid(), f"-{tag}" if tag else ""
    return path.with_name(f".{path.name}.{pid}-{host}-{start_time(pid)}{ending}.partial")


def write_atomic(path: Path | str, data: bytes | memoryview) -> None:
    """Write a file under a partial name and rename it, so that it is never seen half written."""
    path = Path(path)
    partial = partial_path(path)
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def check_writable(path: Path | str, make_folders: bool = False) -> None:
    """Refuse a file that could not be written, before the work that it is for.

    Args:
        path: of the file; one that exists would be replaced.
        make_folders: whether missing folders will be made.

    Raises:
        OSError: with one plain line.
    """
    path = Path(path)
    # `os.path`, since `Path.exists` itself fails for a name that is too long.
    if os.path.exists(path) and not path.is_file():
        kind = "a folder" if path.is_dir() else "no ordinary file"
        raise OSError(f"cannot write {path}: it is {kind}")
    folder = path.parent
    if not folder.is_dir() and not make_folders:
        raise FileNotFoundError(f"cannot write {path}: make the folder {folder} first")
    while not folder.exists():
        folder = folder.parent
    try:
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{folder} is a file")
        trial = partial_path(folder / path.name, "0")
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        words = f"{folder} takes no new file of this name ({error.strerror})"
        raise type(error)(f"cannot write {path}: {words}") from None


def plain(error: Exception) -> str:
    """Return an error in a reader's words: one of the system without its number."""
    if not isinstance(error, OSError) or error.errno is None or error.strerror is None:
        return str(error)
    reason = error.strerror[:1].lower() + error.strerror[1:]
    return f"{error.filename}: {reason}" if error.filename else reason


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
