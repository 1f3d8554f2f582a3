"""Files that end in the middle, seen by the marks of their containers."""

from __future__ import annotations

import struct
from pathlib import Path

TS_SYNC = 0x47  # first byte of each packet of a transport stream


def ends_early(path: Path) -> bool:
    """Whether an AVI or a transport stream ends inside one of its parts.

    A transport stream that is cut between two packets cannot be told from a whole one.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(3 * 192)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return _riff_ends_early(file, size)
    for length, first in ((188, 0), (192, 4)):
        marks = range(first, len(head), length)
        if len(head) >= 2 * length and all(head[at] == TS_SYNC for at in marks):
            return size % length != 0
    return False


def _riff_ends_early(file: object, size: int) -> bool:
    """Whether one of the RIFF parts, which large files have several of, leads beyond the end."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        mark, length = struct.unpack("<4sI", file.read(8))
        if mark != b"RIFF":
            return False
        if length == 0 or at + 8 + length > size:  # 0 until the recorder ends the file
            return True
        at += 8 + length + length % 2
    return False
