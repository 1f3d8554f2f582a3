"""Paint the figures beside the picture."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from genie.play.game.view import DriftGauge, Hud
from genie.play.screen.drawing import theme
from genie.play.screen.drawing.actions import chips_height, list_height, paint_actions
from genie.play.screen.drawing.shapes import bar, hint, rule
from genie.play.screen.drawing.text import shorten, text

_ROW = 3 * theme.GAP
_HEAD = theme.GAP  # between the rule over the actions and the first
_DECODE, _DRAW = (176, 138, 72), (104, 92, 70)  # the accent, dimmed twice
_GAUGE_END = 2.0  # of the threshold, at the gauge's right end


def paint_hud(surface: pygame.Surface, area: pygame.Rect, hud: Hud) -> None:
    """Paint the figures from the top down; where there is little room, the actions come first."""
    room = area.inflate(-2 * theme.MARGIN, -2 * theme.MARGIN)
    room.left, room.width = area.left, area.width - theme.MARGIN
    foot = room.bottom - theme.GAP
    y = _head(surface, room, hud)
    parts, height = _parts_that_fit(hud, room.width, foot - _ROW - y - _HEAD)
    for part in parts[_BEFORE]:
        y = part(surface, room, y, hud)
    if hud.actions:
        rule(surface, room.left, room.right, y)
        place = pygame.Rect(room.left, y + _HEAD, room.width, height)
        paint_actions(surface, place, hud.actions)
        y = place.bottom + theme.GAP
    for part in parts[_AFTER]:
        part(surface, room, y, hud)
    left = hint(surface, ("F1",), "help", (room.left, foot))
    hint(surface, ("Tab",), "hide", (left, foot))


def _parts_that_fit(hud: Hud, width: int, room: int) -> tuple[tuple[Sequence, Sequence], int]:
    """Return the parts before and after the actions, and the height that the actions have.

    The first choice that leaves the actions enough is taken, else the actions alone.
    """
    listed, beside = list_height(hud.actions), chips_height(hud.actions, width)
    for before, after in _CHOICES:
        left = room - sum(_HEIGHTS[part] for part in (*before, *after))
        if left >= min(listed, beside):
            return (before, after), listed if listed <= left else min(beside, left)
    return ((), ()), max(0, room)


def _head(surface: pygame.Surface, room: pygame.Rect, hud: Hud) -> int:
    y = room.top + 2 * theme.GAP
    title = shorten(hud.title, theme.LARGE, room.width)
    text(surface, title, (room.left, y), theme.LARGE, theme.INK)
    return y + 3 * theme.GAP


def _speed(surface: pygame.Surface, room: pygame.Rect, y: int, hud: Hud) -> int:
    rule(surface, room.left, room.right, y)
    y += 4 * theme.GAP
    shown = text(surface, f"{hud.fps:.1f}", (room.left, y), theme.HUGE, theme.INK)
    place = (shown.right + theme.GAP, y + theme.GAP)
    text(surface, f"fps of {hud.fps_wanted:g}", place, theme.SMALL, theme.DIM)
    y += 4 * theme.GAP
    if hud.times is None:
        return y + theme.GAP
    budget = 1 / hud.fps_wanted
    times = hud.times
    parts = (
        ("model", times.model, theme.ACCENT),
        ("decode", times.decode, _DECODE),
        ("draw", times.draw, _DRAW),
    )
    fractions = [(seconds / budget, colour) for _, seconds, colour in parts]
    bar(surface, pygame.Rect(room.left, y, room.width, 6), fractions)
    y += 3 * theme.GAP
    third = room.width // 3
    for column, (name, seconds, colour) in enumerate(parts):
        left = room.left + column * third
        pygame.draw.circle(surface, colour, (left + 4, y), 4)
        text(surface, name, (left + 14, y), theme.SMALL, theme.DIM)
        figure = f"{seconds * 1000:.1f} ms"
        text(surface, figure, (left + 14, y + 2 * theme.GAP), theme.SMALL, theme.INK)
    return y + 5 * theme.GAP


def _numbers(surface: pygame.Surface, room: pygame.Rect, y: int, hud: Hud) -> int:
    rule(surface, room.left, room.right, y)
    y += 2 * theme.GAP + 2
    steps, wanted = hud.steps
    words = f"{steps} of {wanted} · auto" if hud.adaptive else f"{steps}"
    if hud.too_slow:
        words = f"{words} · too slow"
    clock = f"{int(hud.seconds) // 60}:{int(hud.seconds) % 60:02d}"
    rows = (
        ("steps", words, theme.ACCENT if hud.too_slow or steps < wanted else theme.INK),
        ("temperature", f"{hud.temperature:g}", theme.INK),
        ("frame", f"{hud.frame} · {clock}", theme.INK),
    )
    for name, value, colour in rows:
        text(surface, name, (room.left, y), theme.SMALL, theme.DIM)
        text(surface, value, (room.right, y), theme.SMALL, colour, "right")
        y += _ROW
    return y


def _drift(surface: pygame.Surface, room: pygame.Rect, y: int, hud: Hud) -> None:
    gauge = hud.drift
    if gauge is None or gauge.threshold is None:
        return
    rule(surface, room.left, room.right, y)
    y += 2 * theme.GAP + 2
    colour = theme.ACCENT if gauge.drifted else theme.INK
    words = "measuring" if gauge.distance is None else f"{gauge.distance / gauge.threshold:.2f}"
    text(surface, "drift", (room.left, y), theme.SMALL, theme.DIM)
    text(surface, words, (room.right, y), theme.SMALL, colour, "right")
    y += 2 * theme.GAP
    _gauge(surface, pygame.Rect(room.left, y, room.width, 6), gauge)


def _gauge(surface: pygame.Surface, area: pygame.Rect, gauge: DriftGauge) -> None:
    filled = (gauge.distance or 0.0) / gauge.threshold / _GAUGE_END
    bar(surface, area, [(filled, theme.ACCENT if gauge.drifted else theme.DIM)])
    x = area.left + round(area.width / _GAUGE_END)
    pygame.draw.line(surface, theme.INK, (x, area.top - 3), (x, area.bottom + 2))


_BEFORE, _AFTER = 0, 1
_HEIGHTS = {_speed: 5 * _ROW, _numbers: 4 * _ROW, _drift: 3 * _ROW}
_CHOICES = (
    ((_speed, _numbers), (_drift,)),
    ((_numbers,), (_drift,)),
    ((), (_drift,)),
    ((), ()),
)
"""What may stand before and after the actions, the fullest choice first."""
