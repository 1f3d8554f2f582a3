"""Frames to a GIF, an MP4 or PNGs: written as they come, under a temporary name until whole."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

import numpy as np

from genie.media.encoders import Encoder, GifEncoder, Mp4Encoder, PngEncoder
from spacetime.partial import check_writable, partial_path, remove

_ENCODERS = {".gif": GifEncoder, ".mp4": Mp4Encoder, ".png": PngEncoder}
"""By what the name ends in; .png stands for a folder of pictures, named without it."""


def check_target(path: Path | str) -> Path:
    """Refuse a film that could not be written, before anything is played; returns the path.

    Raises:
        ValueError: if the name ends in none of .gif, .mp4 and .png.
        OSError: if its folder does not exist or takes no file, or the path is a folder, or, for
            .png, the folder of pictures is there already.
    """
    path = Path(path)
    if path.suffix.lower() not in _ENCODERS:
        raise ValueError(
            f"cannot record to {path}: the name must end in .gif or .mp4, or in .png for a folder "
            "of pictures"
        )
    if os.path.isdir(path):  # `Path.is_dir` itself fails for a name that is too long
        raise IsADirectoryError(f"cannot record to {path}: it is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot record to {path}: make the folder {path.parent} first")
    if final_path(path) != path and os.path.exists(final_path(path)):
        raise FileExistsError(f"cannot record to {final_path(path)}: choose a name that is free")
    check_writable(path)
    return path


def check_fps(fps: float) -> None:
    """Raise ValueError for a rate that no film has."""
    if not 0 < fps < math.inf:
        raise ValueError(f"cannot record at {fps} frames per second: give a number above 0")


def final_path(path: Path) -> Path:
    """Return where a film will lie: pictures lie in a folder named without the suffix."""
    return path.with_suffix("") if path.suffix.lower() == ".png" else path


def free_path(path: Path | str, promised: Path | None = None) -> Path:
    """Return the path, with -2, -3, … before its suffix if it exists already.

    Args:
        path: of a film or another file.
        promised: a film that is written later; its name is not free either.
    """
    path = Path(path)
    taken = None if promised is None else final_path(promised).resolve()
    candidate, number = path, 1
    while (
        candidate.exists()
        or final_path(candidate).exists()
        or final_path(candidate).resolve() == taken
    ):
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate


class Recording:
    """A film that grows by a frame at a time and appears when it is finished.

    GIFs and MP4s are scaled up by a whole factor, nearest neighbour, until the short side has 256
    pixels. Memory use does not grow with the number of frames.

    Attributes:
        path: where the film will be.
        num_frames: frames added so far.
    """

    def __init__(self, path: Path | str, fps: float) -> None:
        """Prepare a film; nothing is written before the first frame.

        A GIF has the nearest rate that it can express. `finish` replaces an existing file.

        Raises:
            ValueError: if `check_target` refuses the path, or fps is not above 0.
            OSError: likewise.
        """
        self.path = check_target(path)
        check_fps(fps)
        self.num_frames = 0
        self._fps = fps
        # The id keeps two films of one name apart that one program makes at once.
        self._partial = partial_path(self.path, f"{id(self):x}")
        self._encoder: Encoder | None = None

    def add(self, frame: np.ndarray) -> None:
        """Add a frame, uint8 (H, W, 3), of the same size as the first.

        Raises:
            OSError: if the disk refuses; call `discard` then.
        """
        if self._encoder is None:
            encoder = _ENCODERS[self.path.suffix.lower()]
            self._encoder = encoder(self._partial, self._fps, *frame.shape[:2])
        self._encoder.add(frame)
        self.num_frames += 1

    def finish(self) -> Path:
        """Complete the film and give it its name; returns where it lies.

        Raises:
            ValueError: if no frame was added.
            OSError: if the disk refuses; nothing is left behind.
        """
        if self._encoder is None:
            raise ValueError(f"{self.path} would be a recording without a frame: play some first")
        try:
            self._encoder.finish()
            os.replace(self._partial, final_path(self.path))
        except BaseException:
            self.discard()
            raise
        self._encoder = None
        return final_path(self.path)

    def discard(self) -> None:
        """Remove what was written so far; after `finish` this does nothing."""
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            # Closing writes, too, which fails once more on a disk that is full.
            with contextlib.suppress(OSError):
                encoder.abandon()
        remove(self._partial)

    def __enter__(self) -> Recording:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Finish, or discard after an error."""
        if kind is None:
            self.finish()
        else:
            self.discard()
