"""Paint two plays side by side."""

from __future__ import annotations

import pygame

from genie.play.compare.comparison import Comparison
from genie.play.game.view import action_lines
from genie.play.screen.drawing import theme
from genie.play.screen.drawing.actions import chips_height, paint_actions
from genie.play.screen.drawing.draw import enlarge, picture_area
from genie.play.screen.drawing.shapes import hint, notice
from genie.play.screen.drawing.text import text

_HEAD, _FOOT = 64, 40  # above the pictures; below the actions
_FIRST_PICTURE = 448  # pixels that the longer side of each picture has at most in a new window


def comparison_window_size(height: int, width: int) -> tuple[int, int]:
    """Return width and height of a window for two pictures of H by W pixels."""
    scale = max(1, _FIRST_PICTURE // max(height, width))
    size = (2 * width * scale + 3 * theme.MARGIN, height * scale + _HEAD + _FOOT)
    return max(size[0], theme.LEAST_WINDOW[0]), size[1] + 2 * theme.MARGIN


def paint_comparison(
    surface: pygame.Surface, comparison: Comparison, message: str
) -> list[pygame.Rect]:
    """Paint both pictures under their titles; returns where they stand."""
    surface.fill(theme.GROUND)
    width, height = surface.get_size()
    head = foot = 0
    if comparison.state.hud:
        actions = action_lines(comparison.card, comparison.bindings, comparison.state)
        strip = pygame.Rect(theme.MARGIN, 0, width - 2 * theme.MARGIN, 0)
        strip.height = min(chips_height(actions, strip.width), height // 3)
        head, foot = _HEAD, strip.height + theme.MARGIN + _FOOT
        strip.top = height - _FOOT - strip.height
        paint_actions(surface, strip, actions)
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
        _paint_foot(surface, comparison)
    if message:
        notice(surface, message, areas[0].left + 2 * theme.GAP, areas[0].bottom - theme.GAP)
    return areas


def _paint_foot(surface: pygame.Surface, comparison: Comparison) -> None:
    """Write the pace and what other keys do."""
    state, left = comparison.state, theme.MARGIN
    y = surface.get_height() - theme.MARGIN + 4
    words = f"{state.fps:.1f} fps of {state.fps_wanted:g} · frame {comparison.frame_number}"
    x = text(surface, words, (left, y), theme.SMALL, theme.INK).right + 3 * theme.GAP
    commands = (("P", "pause"), ("R", "again"), ("N", "next picture"), ("Tab", "hide"))
    for key, about in (*commands, ("Esc", "leave")):
        x = hint(surface, (key,), about, (x, y))
