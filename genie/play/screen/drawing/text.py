"""Text on a surface, in the typeface that comes with Pillow."""

from __future__ import annotations

from functools import lru_cache

import pygame
from PIL import Image, ImageDraw, ImageFont

_MORE = set("·…°±×“”‘’")  # beyond ASCII, what the typeface has
_CACHED = 1024  # figures change all the time, so this is bounded


def text(
    surface: pygame.Surface,
    words: str,
    place: tuple[int, int],
    size: int,
    colour: tuple[int, int, int],
    anchor: str = "left",
) -> pygame.Rect:
    """Write a line of text of some height in pixels; returns where it stands.

    `place` is x and the vertical middle; x is the `anchor`: "left", "middle" or "right".
    """
    if not words:
        return pygame.Rect(place, (0, 0))
    image = _render(words, size, colour)
    area = image.get_rect(centery=place[1])
    setattr(area, {"middle": "centerx"}.get(anchor, anchor), place[0])
    surface.blit(image, area)
    return area


def width_of(words: str, size: int) -> int:
    """Return how wide a line of text is, pixels."""
    return _render(words, size, (255, 255, 255)).get_width() if words else 0


def wrap(words: str, size: int, width: int) -> list[str]:
    """Break a text into lines of at most so many pixels; a single long word stands alone."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def shorten(words: str, size: int, width: int) -> str:
    """Cut a text that is too wide, with an ellipsis."""
    if width_of(words, size) <= width:
        return words
    while words and width_of(f"{words}…", size) > width:
        words = words[:-1]
    return f"{words}…"


@lru_cache(maxsize=_CACHED)
def _render(words: str, size: int, colour: tuple[int, int, int]) -> pygame.Surface:
    if not all(letter.isascii() or letter in _MORE for letter in words):
        return _fallback(size).render(words, True, colour)
    font = _font(size)
    ascent, descent = font.getmetrics()
    width = max(1, round(font.getlength(words)) + 1)
    mask = Image.new("L", (width, ascent + descent), 0)
    ImageDraw.Draw(mask).text((0, 0), words, fill=255, font=font)
    image = Image.new("RGBA", mask.size, (*colour, 0))
    image.putalpha(mask)
    return pygame.image.frombytes(image.tobytes(), image.size, "RGBA")


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _fallback(size: int) -> pygame.font.Font:
    """Return pygame's own font, which has more letters."""
    pygame.font.init()
    return pygame.font.Font(None, round(size * 1.3))
