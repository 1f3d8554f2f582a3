"""Frames side by side, each under its title, for comparing worlds or plays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from genie.media.encoders import enlarge

GAP, TITLE_HEIGHT, FONT_SIZE = 8, 22, 13
INK, PAPER = (235, 235, 235), (24, 24, 28)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One of several frames that are shown beside each other.

    Attributes:
        title: what it shows, such as "real" or the name of a world.
        frame: uint8 (H, W, 3).
    """

    title: str
    frame: np.ndarray

    def __post_init__(self) -> None:
        """Refuse what is not uint8 (H, W, 3)."""
        if self.frame.dtype != np.uint8 or self.frame.ndim != 3 or self.frame.shape[2] != 3:
            raise ValueError(
                f"a panel shows uint8 (H, W, 3), got {self.frame.dtype} {self.frame.shape}"
            )


def draw_side_by_side(panels: Sequence[Panel], scale: int | None = None) -> np.ndarray:
    """Draw panels in a row, each under its title and enlarged by `scale` or as `enlarge` chooses.

    Returns uint8 (H, W, 3), of the same size for panels of the same sizes.
    """
    if not panels:
        raise ValueError("nothing to draw: give at least one panel")
    pictures = [enlarge(panel.frame, scale) for panel in panels]
    height = max(len(picture) for picture in pictures)
    width = sum(picture.shape[1] for picture in pictures) + GAP * (len(pictures) + 1)
    sheet = Image.new("RGB", (width, TITLE_HEIGHT + height + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    left = GAP
    for panel, picture in zip(panels, pictures, strict=True):
        title = fit_text(panel.title, picture.shape[1], font)
        draw.text((left, TITLE_HEIGHT // 2), title, fill=INK, font=font, anchor="lm")
        sheet.paste(Image.fromarray(picture), (left, TITLE_HEIGHT))
        left += picture.shape[1] + GAP
    return np.asarray(sheet)


def fit_text(text: str, width: int, font: ImageFont.FreeTypeFont) -> str:
    """Cut a text that is wider than `width` pixels and mark the cut."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"
