"""The key that was pressed, written into a picture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from genie.media.recording import upscale_factor

_SIZE, _PAD, _MARGIN = 15, 7, 10
_PLATE, _INK = (16, 18, 22), (240, 240, 244)
_OPACITY = 0.78


def with_key(frame: np.ndarray, name: str) -> np.ndarray:
    """Enlarge a frame as a recording would, and write an action's name into its corner.

    Args:
        frame: uint8 (H, W, 3).
        name: of the action; empty writes nothing.

    Returns:
        uint8, larger by a whole factor.
    """
    scale = upscale_factor(*frame.shape[:2])
    large = frame.repeat(scale, 0).repeat(scale, 1)
    if not name:
        return large
    plate = _plate(name)
    height, width = plate.shape[:2]
    bottom = large.shape[0] - _MARGIN
    place = large[bottom - height : bottom, _MARGIN : _MARGIN + width]
    plate = plate[: place.shape[0], : place.shape[1]]
    share = np.where(plate.max(-1, keepdims=True) > max(_PLATE), 1.0, _OPACITY)  # letters cover all
    place[:] = (place * (1 - share) + plate * share).round().astype(np.uint8)
    return large


@lru_cache(maxsize=64)
def _plate(name: str) -> np.ndarray:
    """Return the name on a dark ground, uint8 (h, w, 3)."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_SIZE)
    width = round(font.getlength(name)) + 2 * _PAD
    image = Image.new("RGB", (width, _SIZE + 2 * _PAD), _PLATE)
    ImageDraw.Draw(image).text((_PAD, image.height // 2), name, _INK, font, anchor="lm")
    return np.asarray(image)
