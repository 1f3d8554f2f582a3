"""Paint the actions with their keys: all of them, in whatever room there is."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from genie.play.game.view import ActionLine
from genie.play.screen.drawing import theme
from genie.play.screen.drawing.shapes import cap_width, key_cap, key_caps
from genie.play.screen.drawing.text import shorten, text, width_of

_ROW = 28  # height of an action in a list
_CHIP = 26  # height of one among others in a line
_CAPS_SHOWN = 3  # keys of an action; more would push the name aside
_SCALES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # below, nothing can be read


def list_height(actions: Sequence[ActionLine]) -> int:
    """Return how much room a list of actions under each other needs, pixels."""
    return len(actions) * _ROW


def chips_height(actions: Sequence[ActionLine], width: int) -> int:
    """Return how much room actions beside each other need in full size, pixels."""
    return _place(actions, width)[-1].bottom if actions else 0


def paint_actions(
    surface: pygame.Surface, area: pygame.Rect, actions: Sequence[ActionLine]
) -> None:
    """Paint actions as a list if it fits, else beside each other, smaller where need be.

    If not even that fits, the lines follow the action that is lit.
    """
    if list_height(actions) <= area.height:
        for number, action in enumerate(actions):
            _row(surface, area, area.top + number * _ROW + _ROW // 2, action)
        return
    for scale in _SCALES:
        room = pygame.Rect(0, 0, round(area.width / scale), round(area.height / scale))
        places = _place(actions, room.width)
        if places[-1].bottom <= room.height:
            break
    else:
        lit = [place.top for place, action in zip(places, actions, strict=True) if action.lit]
        lines = max(1, room.height // _CHIP)
        first = max(0, (lit[-1] // _CHIP if lit else 0) - lines + 1)
        places = [place.move(0, -first * _CHIP) for place in places]
    canvas = pygame.Surface(room.size)
    canvas.fill(theme.GROUND)
    for place, action in zip(places, actions, strict=True):
        _chip(canvas, place, action)
    surface.blit(canvas if scale == 1 else pygame.transform.smoothscale(canvas, area.size), area)


def _place(actions: Sequence[ActionLine], width: int) -> list[pygame.Rect]:
    """Return where each action stands in lines of a width."""
    places, left, top = [], 0, 0
    for action in actions:
        needed = cap_width(_caps(action, 1)[0]) + width_of(action.name, theme.SMALL)
        needed = min(needed + 2 * theme.GAP, width)
        if left and left + needed > width:
            left, top = 0, top + _CHIP
        places.append(pygame.Rect(left, top, needed, _CHIP))
        left += needed + theme.GAP // 2
    return places


def _chip(surface: pygame.Surface, place: pygame.Rect, action: ActionLine) -> None:
    cap = key_cap(surface, _caps(action, 1)[0], (place.left, place.centery), action.lit)
    left = cap.right + theme.GAP // 2
    name = shorten(action.name, theme.SMALL, place.right - left)
    colour = theme.INK if action.lit or action.active else theme.DIM
    text(surface, name, (left, place.centery), theme.SMALL, colour)
    if action.active:
        line = pygame.Rect(place.left, place.bottom - 2, cap.width, 2)
        pygame.draw.rect(surface, theme.ACCENT, line)


def _row(surface: pygame.Surface, area: pygame.Rect, y: int, action: ActionLine) -> None:
    if action.active:
        mark = pygame.Rect(area.left, y - 9, 3, 18)
        pygame.draw.rect(surface, theme.ACCENT, mark, border_radius=2)
    caps = _caps(action, _CAPS_SHOWN)
    widths = pygame.Surface((1, 1))
    left = area.right - key_caps(widths, caps, (0, 0)) + theme.GAP // 2
    colour = theme.INK if action.lit or action.active else theme.DIM
    name = shorten(action.name, theme.BODY, left - area.left - 14 - theme.GAP)
    text(surface, name, (area.left + 14, y), theme.BODY, colour)
    key_caps(surface, caps, (left, y), action.lit)


def _caps(action: ActionLine, most: int) -> list[str]:
    """Return the keys of an action that are shown, at least one, which may be an empty cap."""
    return [key for key in action.keys if not key.startswith("pad ")][:most] or [""]
