"""Paint two plays side by side."""

from __future__ import annotations

import pygame

from genie.play.compare.comparison import Comparison
from genie.play.screen import theme
from genie.play.screen.draw import enlarge, picture_area
from genie.play.screen.shapes import hint, key_caps, pill
from genie.play.screen.text import text

_HEAD, _FOOT = 64, 96
_FIRST_PICTURE = 448  # pixels that the longer side of each picture has at most in a new window


def comparison_window_size(height: int, width: int) -> tuple[int, int]:
    """Return width and height of a window for two pictures of H by W pixels."""
    scale = max(1, _FIRST_PICTURE // max(height, width))
    size = (2 * width * scale + 3 * theme.MARGIN, height * scale + _HEAD + _FOOT)
    return max(size[0], theme.LEAST_WINDOW[0]), size[1]


def paint_comparison(
    surface: pygame.Surface, comparison: Comparison, message: str
) -> list[pygame.Rect]:
    """Paint both pictures under their titles; returns where they stand."""
    surface.fill(theme.GROUND)
    width, height = surface.get_size()
    head, foot = (_HEAD, _FOOT) if comparison.state.hud else (0, 0)
    half = (width - 3 * theme.MARGIN) // 2
    areas = []
    for column, panel in enumerate(comparison.panels):
        left = theme.MARGIN + column * (half + theme.MARGIN)
        room = pygame.Rect(left, head, half, height - head - foot)
        area, scale = picture_area(room, *panel.frame.shape[:2])
        surface.blit(enlarge(panel.frame, scale), area)
        if comparison.state.hud:
            place = (area.left, area.top - 3 * theme.GAP)
            text(surface, panel.title, place, theme.LARGE, theme.INK)
        areas.append(area)
    if comparison.state.hud:
        _paint_foot(surface, comparison, areas[0].left)
    if message:
        pill(surface, message, (areas[0].left + 2 * theme.GAP, areas[0].bottom - 5 * theme.GAP))
    return areas


def _paint_foot(surface: pygame.Surface, comparison: Comparison, left: int) -> None:
    """Write the actions with their keys, then the pace and what else the keys do."""
    state, height = comparison.state, surface.get_height()
    y, x = height - _FOOT + 3 * theme.GAP, left
    for id, action in enumerate(comparison.card.actions):
        lit = id == state.shown_action
        keys = [key for key in comparison.bindings.keys_of(id) if not key.startswith("pad ")][:1]
        x = key_caps(surface, keys or [str(id)], (x, y), lit) + theme.GAP // 2
        colour = theme.INK if lit else theme.DIM
        x = text(surface, action.name, (x, y), theme.SMALL, colour).right + 2 * theme.GAP
    y = height - theme.MARGIN - 2
    words = f"{state.fps:.1f} fps of {state.fps_wanted:g} · frame {comparison.frame_number}"
    x = text(surface, words, (left, y), theme.SMALL, theme.INK).right + 3 * theme.GAP
    commands = (("P", "pause"), ("R", "again"), ("N", "next picture"), ("Tab", "hide"))
    for key, about in (*commands, ("Esc", "leave")):
        x = hint(surface, (key,), about, (x, y))
