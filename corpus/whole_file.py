"""Files that appear once they are whole, and the lines of those that grow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def write_whole(file: Path, data: bytes) -> None:
    """Write a file under another name and rename it, so that it is never seen half written."""
    new = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        new.write_bytes(data)
        os.replace(new, file)
    finally:
        new.unlink(missing_ok=True)


def read_lines(file: Path | Any) -> list[str]:
    """Read the lines of a text without their ends; the last one is empty, or was torn off.

    ``str.splitlines`` would cut at characters that names of files may hold, such as U+2028.
    """
    return file.read_text(encoding="utf-8").split("\n")
