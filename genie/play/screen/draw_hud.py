"""Paint the figures beside the picture."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from genie.play.game.view import ActionLine, DriftGauge, Hud
from genie.play.screen import theme
from genie.play.screen.shapes import bar, hint, key_caps, rule
from genie.play.screen.text import shorten, text

_ROW = 3 * theme.GAP
_ACTION = _ROW + 4  # height of an action in the list
_PART, _DRIFT = 5 * _ROW, 3 * _ROW  # heights of the other parts, at most
_CAPS_SHOWN = 3  # keys of an action; more would push the name aside
_DECODE, _DRAW = (176, 138, 72), (104, 92, 70)  # the accent, dimmed twice
_GAUGE_END = 2.0  # of the threshold, at the gauge's right end


def paint_hud(surface: pygame.Surface, area: pygame.Rect, hud: Hud) -> None:
    """Paint the figures from the top down, as far as there is room."""
    room = area.inflate(-2 * theme.MARGIN, -2 * theme.MARGIN)
    room.left, room.width = area.left, area.width - theme.MARGIN
    foot = room.bottom - theme.GAP
    y = _head(surface, room, hud)
    for part in (_speed, _numbers):
        if y + _PART <= foot - _ROW:
            y = part(surface, room, y, hud)
    with_drift = y + _DRIFT <= foot - _ROW
    left = foot - _ROW - y - (_DRIFT if with_drift else 0)
    y = _actions(surface, room, y, hud.actions[: max(0, left // _ACTION - 1)])
    if with_drift:
        _drift(surface, room, y, hud)
    left = hint(surface, ("F1",), "help", (room.left, foot))
    hint(surface, ("Tab",), "hide", (left, foot))


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


def _actions(
    surface: pygame.Surface, room: pygame.Rect, y: int, actions: Sequence[ActionLine]
) -> int:
    if not actions:
        return y
    rule(surface, room.left, room.right, y)
    y += 2 * theme.GAP + 6
    for action in actions:
        _action(surface, room, y, action)
        y += _ACTION
    return y


def _action(surface: pygame.Surface, room: pygame.Rect, y: int, action: ActionLine) -> None:
    if action.active:
        pygame.draw.rect(
            surface, theme.ACCENT, pygame.Rect(room.left, y - 9, 3, 18), border_radius=2
        )
    colour = theme.INK if action.active else theme.DIM
    text(surface, action.name, (room.left + 14, y), theme.BODY, colour)
    keys = [key for key in action.keys if not key.startswith("pad ")][:_CAPS_SHOWN]
    widths = pygame.Surface((1, 1))
    left = room.right - key_caps(widths, keys, (0, 0)) + theme.GAP // 2
    key_caps(surface, keys, (left, y), lit=action.active)


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
