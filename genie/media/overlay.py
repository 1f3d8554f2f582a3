"""The key that was pressed, written into a picture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from genie.media.encoders import enlarge

_SIZE, _PAD, _MARGIN = 15, 7, 10
_PLATE, _INK = (16, 18, 22), (240, 240, 244)
_OPACITY = 0.78


def with_key(frame: np.ndarray, name: str) -> np.ndarray:
    """Enlarge a frame, uint8 (H, W, 3), as a film would, and write a name into its corner."""
    large = enlarge(frame)
    if not name:
        return large
    plate = _plate(name)
    height, width = plate.shape[:2]
    bottom = large.shape[0] - _MARGIN
    place = large[bottom - height : bottom, _MARGIN : _MARGIN + width]
    plate = plate[: place.shape[0], : place.shape[1]]
    letters = plate.max(-1, keepdims=True) > max(_PLATE)
    opacity = np.where(letters, 1.0, _OPACITY)
    place[:] = (place * (1 - opacity) + plate * opacity).round().astype(np.uint8)
    return large


@lru_cache(maxsize=64)
def _plate(name: str) -> np.ndarray:
    """Draw the name on a dark ground; returns uint8 (h, w, 3)."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_SIZE)
    width = round(font.getlength(name)) + 2 * _PAD
    image = Image.new("RGB", (width, _SIZE + 2 * _PAD), _PLATE)
    ImageDraw.Draw(image).text((_PAD, image.height // 2), name, _INK, font, anchor="lm")
    return np.asarray(image)
