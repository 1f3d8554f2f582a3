"""Frames of one staged recording in one file: compressed lightly, read in any range."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numcodecs.zstd import compress, decompress

LEVEL = -3  # the file is read once: half the time of level 1, a fifth more bytes
_SUFFIX = ".json"  # of the file that says where the blocks lie


class FrameFileWriter:
    """Appends blocks of frames to a file; close it, or nothing can be read."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        """Make the file for frames of (H, W) pixels."""
        self._path, self._size = path, size
        self._file = path.open("wb")
        self._blocks: list[tuple[int, int]] = []  # frames before, first byte
        self.num_frames = 0

    def append(self, frames: np.ndarray) -> None:
        """Append frames, uint8 (n, H, W, 3)."""
        self._blocks.append((self.num_frames, self._file.tell()))
        self._file.write(compress(np.ascontiguousarray(frames), LEVEL))
        self.num_frames += len(frames)

    def close(self) -> None:
        """Write where the blocks lie."""
        end = self._file.tell()
        self._file.close()
        table = {"size": self._size, "blocks": [*self._blocks, (self.num_frames, end)]}
        self._path.with_name(self._path.name + _SUFFIX).write_text(json.dumps(table))


class FrameFile:
    """A file of frames, open for reading; made by ``FrameFileWriter``.

    Attributes:
        num_frames: how many it has.
    """

    def __init__(self, path: Path) -> None:
        """Open a file."""
        table = json.loads(path.with_name(path.name + _SUFFIX).read_text())
        self._path, self._size = path, tuple(table["size"])
        self._starts, self._places = np.array(table["blocks"], np.int64).T
        self.num_frames = int(self._starts[-1])

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return frames start to stop - 1: uint8 (n, H, W, 3)."""
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, stop, side="left"))
        blocks = []
        with self._path.open("rb") as file:
            file.seek(self._places[first])
            for block in range(first, last):
                data = file.read(self._places[block + 1] - self._places[block])
                blocks.append(np.frombuffer(decompress(data), np.uint8))
        frames = np.concatenate(blocks).reshape(-1, *self._size, 3)
        return frames[start - self._starts[first] : stop - self._starts[first]]
