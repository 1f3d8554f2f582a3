"""Names of files that are being written, and what dead processes left under such names."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path


def partial_path(path: Path, tag: str = "") -> Path:
    """Return a hidden name beside `path` to write under; those of dead processes are removed.

    Args:
        path: what the file or folder will be called once it is whole.
        tag: keeps several apart that one process writes at once.
    """
    pattern = re.compile(rf"\.{re.escape(path.name)}\.(\d{{1,9}})(-[0-9a-f]+)?\.partial")
    with contextlib.suppress(OSError):
        for other in path.parent.iterdir():
            found = pattern.fullmatch(other.name)
            if found and _is_dead(int(found[1])):
                remove(other)
    ending = f"-{tag}" if tag else ""
    return path.with_name(f".{path.name}.{os.getpid()}{ending}.partial")


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_dead(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # alive, of another user
    return False
