"""A file that appears once it is whole."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(file: Path, data: bytes) -> None:
    """Write a file under another name and rename it, so that it is never seen half written."""
    new = file.with_name(f".{file.name}.{os.getpid()}.new")
    try:
        new.write_bytes(data)
        os.replace(new, file)
    finally:
        new.unlink(missing_ok=True)
