"""Paint what lies over the frame: help, slots, films, keys, a dropped picture."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
import pygame

from genie.play.game.panels import HelpPanel, KeysPanel, Panel, PromptPanel, SavePanel, SlotPanel
from genie.play.game.window_keys import COMMANDS
from genie.play.screen.drawing import theme
from genie.play.screen.drawing.shapes import hint, key_cap, key_caps
from genie.play.screen.drawing.text import text, wrap

_ROW = 4 * theme.GAP
_FEWEST_KEYS = 4  # actions that the panel of keys lists, however low the window
_COLUMNS = 3  # of slots
_PICTURE = 256  # pixels of a side of a picture to start from
_TILE = 160  # pixels that the longer side of a thumbnail has


def paint_panel(panel: Panel, surface: pygame.Surface) -> None:
    """Paint a panel over the whole window, smaller than usual where it would not fit."""
    width, height = surface.get_size()
    needed = _size(panel, height)
    scale = min(1.0, width / needed[0], height / needed[1])
    if scale == 1:
        _paint(panel, surface)
        return
    canvas = pygame.transform.smoothscale(surface, (round(width / scale), round(height / scale)))
    _paint(panel, canvas)
    surface.blit(pygame.transform.smoothscale(canvas, (width, height)), (0, 0))


@singledispatch
def _paint(panel: Panel, surface: pygame.Surface) -> None:
    """Paint a panel of any kind."""


@singledispatch
def _size(panel: Panel, height: int) -> tuple[int, int]:
    """Return how large a panel's sheet is, given the height of the window."""
    return 0, 0


@_size.register(HelpPanel)
def _help_size(panel: HelpPanel, height: int) -> tuple[int, int]:
    return 640, (len(COMMANDS) + 1) // 2 * 28 + 136


@_paint.register(HelpPanel)
def _help(panel: HelpPanel, surface: pygame.Surface) -> None:
    commands = list(COMMANDS.values())
    rows = (len(commands) + 1) // 2
    area = _sheet(surface, _size(panel, 0), "Keys")
    for number, command in enumerate(commands):
        left = area.left + (number // rows) * (area.width // 2)
        y = area.top + (number % rows) * 28
        key_cap(surface, command.caps, (left, y))
        text(surface, command.about, (left + 104, y), theme.BODY, theme.INK)
    y = area.top + rows * 28 + theme.GAP
    words = "Drop a picture on the window to start from it; with Shift, it fades in while you play."
    text(surface, words, (area.left, y), theme.SMALL, theme.DIM)


def _slot_side(panel: SlotPanel) -> int:
    pictures = [slot.thumbnail for slot in panel.slots if slot.thumbnail is not None]
    return whole_side(_TILE, pictures[0] if pictures else None)


@_size.register(SlotPanel)
def _slots_size(panel: SlotPanel, height: int) -> tuple[int, int]:
    side, rows = _slot_side(panel), (len(panel.slots) + _COLUMNS - 1) // _COLUMNS
    return _COLUMNS * (side + 24) + 32, rows * (side + 6 * theme.GAP) + 152


@_paint.register(SlotPanel)
def _slots(panel: SlotPanel, surface: pygame.Surface) -> None:
    side, columns = _slot_side(panel), _COLUMNS
    step = side + 6 * theme.GAP
    title = "Save to a slot" if panel.saving else "Load a slot"
    area = _sheet(surface, _size(panel, 0), title)
    for number, slot in enumerate(panel.slots):
        left = area.left + 4 + (number % columns) * (side + 24)
        tile = pygame.Rect(left, area.top + 4 + (number // columns) * step, side, side)
        chosen = number == panel.selected
        paint_tile(surface, tile, slot.thumbnail, chosen)
        y = tile.bottom + 2 * theme.GAP
        colour = theme.INK if chosen else theme.DIM
        text(surface, f"{slot.number}", (tile.left, y), theme.SMALL, colour)
        text(surface, slot.label or "empty", (tile.right, y), theme.SMALL, colour, "right")
    y = area.bottom - theme.GAP
    left = hint(surface, ("left", "right"), "choose", (area.left, y))
    left = hint(surface, ("Enter",), "save" if panel.saving else "load", (left, y))
    if not panel.saving:
        left = hint(surface, ("C",), "fade in", (left, y))
    hint(surface, ("Esc",), "back", (left, y))


@_size.register(SavePanel)
def _film_size(panel: SavePanel, height: int) -> tuple[int, int]:
    return 480, 4 * _ROW + 136


@_paint.register(SavePanel)
def _film(panel: SavePanel, surface: pygame.Surface) -> None:
    area = _sheet(surface, _size(panel, 0), "Film of what was played")
    for number, (name, values, chosen) in enumerate(panel.rows):
        y = area.top + number * _ROW + theme.GAP
        current = number == panel.row
        text(surface, name, (area.left, y), theme.BODY, theme.DIM)
        colour = theme.ACCENT if current else theme.INK
        text(surface, values[chosen], (area.left + 112, y), theme.BODY, colour)
        if current:
            key_caps(surface, ("left", "right"), (area.right - 48, y))
    y = area.bottom - theme.GAP
    left = hint(surface, ("up", "down"), "choose", (area.left, y))
    left = hint(surface, ("Enter",), "write", (left, y))
    hint(surface, ("Esc",), "back", (left, y))


def _keys_shown(panel: KeysPanel, height: int) -> int:
    """Return how many actions are listed at once; the list follows the selected one."""
    return min(len(panel.names), max(_FEWEST_KEYS, (height - 136) // _ROW - 1))


@_size.register(KeysPanel)
def _keys_size(panel: KeysPanel, height: int) -> tuple[int, int]:
    return 640, (_keys_shown(panel, height) + 1) * _ROW + 136


@_paint.register(KeysPanel)
def _keys(panel: KeysPanel, surface: pygame.Surface) -> None:
    shown = _keys_shown(panel, surface.get_height())
    area = _sheet(surface, _size(panel, surface.get_height()), "Keys of this world")
    first = max(0, panel.selected - shown + 1)
    for number, name in list(enumerate(panel.names))[first : first + shown]:
        y = area.top + (number - first) * _ROW + theme.GAP
        chosen = number == panel.selected
        if chosen:
            mark = pygame.Rect(area.left, y - 10, 3, 20)
            pygame.draw.rect(surface, theme.ACCENT, mark, border_radius=2)
        text(surface, name, (area.left + 12, y), theme.BODY, theme.INK if chosen else theme.DIM)
        if chosen and panel.listening:
            words = "press a key"
            text(surface, words, (area.left + 160, y), theme.BODY, theme.ACCENT)
        else:
            key_caps(surface, panel.bindings.keys_of(number)[:5], (area.left + 160, y))
    text(surface, panel.note, (area.left, area.bottom - 40), theme.SMALL, theme.ACCENT)
    y = area.bottom - theme.GAP
    left = hint(surface, ("Enter",), "add a key", (area.left, y))
    left = hint(surface, ("Delete",), "clear", (left, y))
    left = hint(surface, ("Backspace",), "the world's own", (left, y))
    hint(surface, ("Esc",), "done", (left, y))


@_size.register(PromptPanel)
def _prompt_size(panel: PromptPanel, height: int) -> tuple[int, int]:
    return 2 * _PICTURE + 72, _PICTURE + 248


@_paint.register(PromptPanel)
def _prompt(panel: PromptPanel, surface: pygame.Surface) -> None:
    side = _PICTURE
    area = _sheet(surface, _size(panel, 0), "Start from this picture?")
    pictures = ((panel.hint.picture, "as you gave it"), (panel.hint.seen, "as the world sees it"))
    for column, (picture, name) in enumerate(pictures):
        tile = pygame.Rect(area.left + column * (side + 24), area.top, side, side)
        paint_tile(surface, tile, picture, chosen=column == 1)
        text(surface, name, (tile.left, tile.bottom + 2 * theme.GAP), theme.SMALL, theme.DIM)
    y = area.top + side + 7 * theme.GAP
    for line in wrap(panel.hint.text, theme.BODY, area.width):
        text(surface, line, (area.left, y), theme.BODY, theme.INK)
        y += 3 * theme.GAP
    left = hint(surface, ("Enter",), "start", (area.left, area.bottom - theme.GAP))
    left = hint(surface, ("C",), "fade in", (left, area.bottom - theme.GAP))
    hint(surface, ("Esc",), "back", (left, area.bottom - theme.GAP))


def whole_side(most: int, picture: np.ndarray | None) -> int:
    """Return the largest side of a tile, up to `most`, that a picture fills by a whole factor."""
    longest = max(picture.shape[:2]) if picture is not None else most
    return most - most % longest if most > longest else most


def paint_tile(
    surface: pygame.Surface, tile: pygame.Rect, picture: np.ndarray | None, chosen: bool
) -> None:
    """Paint a picture, uint8 (H, W, 3), by whole pixels into a tile; None leaves it empty."""
    pygame.draw.rect(surface, theme.RAISED, tile, border_radius=theme.RADIUS)
    if picture is not None:
        height, width = picture.shape[:2]
        image = pygame.image.frombuffer(np.ascontiguousarray(picture), (width, height), "RGB")
        factor = min(tile.width / width, tile.height / height)
        factor = int(factor) if factor >= 1 else factor
        image = pygame.transform.scale(image, (round(width * factor), round(height * factor)))
        surface.blit(image, image.get_rect(center=tile.center))
    if chosen:
        frame = tile.inflate(8, 8)
        pygame.draw.rect(surface, theme.ACCENT, frame, 3, border_radius=3)


def _sheet(surface: pygame.Surface, size: tuple[int, int], title: str) -> pygame.Rect:
    """Dim the window and lay a titled sheet over its middle; returns the room on it."""
    veil = pygame.Surface(surface.get_size(), pygame.SRCALPHA)
    veil.fill(theme.VEIL)
    surface.blit(veil, (0, 0))
    sheet = pygame.Rect((0, 0), size)
    sheet.center = surface.get_rect().center
    sheet.clamp_ip(surface.get_rect())
    pygame.draw.rect(surface, theme.SHEET, sheet, border_radius=2 * theme.RADIUS)
    pygame.draw.rect(surface, theme.LINE, sheet, 1, border_radius=2 * theme.RADIUS)
    text(surface, title, (sheet.left + 24, sheet.top + 36), theme.LARGE, theme.INK)
    room = sheet.inflate(-48, 0)
    room.top, room.height = sheet.top + 80, sheet.height - 104
    return room
