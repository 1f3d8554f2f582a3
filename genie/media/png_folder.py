"""Frames as numbered pictures in a folder, pixel for pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np


class PngFolder:
    """An encoder of `genie.media.recording`: 00000.png, 00001.png, … in the size of the frames."""

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        """Make the folder; rate and size are the films' concern."""
        path.mkdir()
        self._path, self._count = path, 0

    def add(self, frame: np.ndarray) -> None:
        """Write one picture, uint8 (H, W, 3)."""
        from PIL import Image

        Image.fromarray(frame).save(self._path / f"{self._count:05d}.png")
        self._count += 1

    def finish(self) -> None:
        """Every picture is whole already."""

    def abandon(self) -> None:
        """The recording removes the folder."""
