"""Small shapes that several screens use: key caps, arrows, pills, bars."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from genie.play.screen.drawing import theme
from genie.play.screen.drawing.text import shorten, text, width_of, wrap

_CAP = 22  # height of a key cap
_ARROWS = {
    "up": ((0, -4), (5, 4), (-5, 4)),
    "down": ((0, 4), (5, -4), (-5, -4)),
    "left": ((-4, 0), (4, -5), (4, 5)),
    "right": ((4, 0), (-4, -5), (-4, 5)),
}


def key_cap(
    surface: pygame.Surface, key: str, place: tuple[int, int], lit: bool = False
) -> pygame.Rect:
    """Draw a key by its name; `place` is its left side and vertical middle."""
    area = pygame.Rect(place[0], place[1] - _CAP // 2, cap_width(key), _CAP)
    ground, ink = (theme.ACCENT, theme.GROUND) if lit else (theme.RAISED, theme.INK)
    pygame.draw.rect(surface, ground, area, border_radius=theme.RADIUS - 1)
    if not lit:
        pygame.draw.rect(surface, theme.LINE, area, 1, border_radius=theme.RADIUS - 1)
    if key in _ARROWS:
        x, y = area.center
        pygame.draw.polygon(surface, ink, [(x + dx, y + dy) for dx, dy in _ARROWS[key]])
    else:
        text(surface, _words(key), area.center, theme.SMALL, ink, "middle")
    return area


def cap_width(key: str) -> int:
    """Return how wide the cap of a key is, pixels."""
    if key in _ARROWS:
        return _CAP
    return max(_CAP, width_of(_words(key), theme.SMALL) + 2 * theme.GAP)


def _words(key: str) -> str:
    return key if len(key) > 1 else key.upper()


def key_caps(
    surface: pygame.Surface, keys: Sequence[str], place: tuple[int, int], lit: bool = False
) -> int:
    """Draw keys beside each other; returns the x after the last."""
    left = place[0]
    for key in keys:
        left = key_cap(surface, key, (left, place[1]), lit).right + theme.GAP // 2
    return left


def hint(surface: pygame.Surface, keys: Sequence[str], words: str, place: tuple[int, int]) -> int:
    """Draw keys and what they do; returns the x after it."""
    left = key_caps(surface, keys, place) + theme.GAP // 2
    return text(surface, words, (left, place[1]), theme.SMALL, theme.DIM).right + 2 * theme.GAP


def pill(
    surface: pygame.Surface, words: str, place: tuple[int, int], dot: bool = False
) -> pygame.Rect:
    """Write a few words on a dark ground over the picture; returns where it stands."""
    room = surface.get_width() - place[0] - 4 * theme.GAP
    words = shorten(words, theme.BODY, max(room, 8 * theme.GAP))
    indent = 2 * theme.GAP if dot else 0
    size = (width_of(words, theme.BODY) + indent + 2 * theme.GAP + 4, 3 * theme.GAP + 4)
    area = pygame.Rect(place, size)
    plate = pygame.Surface(size, pygame.SRCALPHA)
    pygame.draw.rect(plate, (*theme.GROUND, 216), plate.get_rect(), border_radius=theme.RADIUS)
    surface.blit(plate, area)
    left = area.left + theme.GAP + 2
    if dot:
        pygame.draw.circle(surface, theme.ACCENT, (left + 5, area.centery), 5)
    text(surface, words, (left + indent, area.centery), theme.BODY, theme.INK)
    return area


def notice(surface: pygame.Surface, words: str, left: int, bottom: int) -> pygame.Rect:
    """Write a message in as many lines as it needs on a dark ground; returns where it stands."""
    room = max(surface.get_width() - left - 4 * theme.GAP, 8 * theme.GAP)
    lines = [shorten(line, theme.BODY, room) for line in wrap(words, theme.BODY, room)]
    width = max(width_of(line, theme.BODY) for line in lines) + 2 * theme.GAP + 4
    plate = pygame.Surface((width, len(lines) * 2 * theme.GAP + 12), pygame.SRCALPHA)
    area = plate.get_rect(left=left, bottom=bottom)
    ground = (*theme.GROUND, 216)
    pygame.draw.rect(plate, ground, plate.get_rect(), border_radius=theme.RADIUS)
    surface.blit(plate, area)
    for number, line in enumerate(lines):
        y = area.top + 6 + (2 * number + 1) * theme.GAP
        text(surface, line, (left + theme.GAP + 2, y), theme.BODY, theme.INK)
    return area


def rule(surface: pygame.Surface, left: int, right: int, y: int) -> None:
    """Draw a thin line."""
    pygame.draw.line(surface, theme.LINE, (left, y), (right, y))


def bar(surface: pygame.Surface, area: pygame.Rect, parts: Sequence[tuple[float, tuple]]) -> None:
    """Draw fractions of a whole beside each other; what goes beyond it is cut."""
    pygame.draw.rect(surface, theme.LINE, area, border_radius=area.height // 2)
    left = float(area.left)
    for fraction, colour in parts:
        width = min(max(fraction, 0.0) * area.width, area.right - left)
        if width >= 1:
            piece = pygame.Rect(round(left), area.top, max(1, round(width)), area.height)
            pygame.draw.rect(surface, colour, piece, border_radius=area.height // 2)
        left += width
