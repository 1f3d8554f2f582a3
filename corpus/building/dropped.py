"""A picture of each stretch of footage that was dropped, for those who ask why."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = "dropped"
MOST = 1000  # pictures that a corpus keeps


def save_dropped(folder: Path, file: str, start: int, frame: np.ndarray) -> None:
    """Keep a frame, uint8 (H, W, 3), of the stretch of a recording that begins at a frame."""
    from PIL import Image

    path = folder / FOLDER / _name(file, start)
    path.parent.mkdir(exist_ok=True)
    if path.exists() or len(os.listdir(path.parent)) < MOST:
        Image.fromarray(frame).save(path, format="PNG")


def read_dropped(folder: Any, file: str, start: int) -> np.ndarray | None:
    """Return that frame, uint8 (H, W, 3), or None if it was not kept."""
    from PIL import Image

    path = folder / FOLDER / _name(file, start)
    if not path.exists():
        return None
    try:
        with path.open("rb") as data, Image.open(data, formats=["PNG"]) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is damaged: remove it") from error


def _name(file: str, start: int) -> str:
    return f"{hashlib.sha256(file.encode()).hexdigest()[:16]}-{start}.png"
