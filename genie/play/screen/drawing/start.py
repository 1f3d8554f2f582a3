"""Paint the start screen: worlds at the left, the prompts of the selected one beside them."""

from __future__ import annotations

import pygame

from genie.play.game.start import COLUMNS, Choice, StartState
from genie.play.screen.drawing import theme
from genie.play.screen.drawing.panels import paint_tile, whole_side
from genie.play.screen.drawing.shapes import bar, hint, key_cap, notice
from genie.play.screen.drawing.text import shorten, text

_LIST = 216  # width of the list of worlds
_HEAD, _FOOT = 128, 72
_WORLD = 60  # height of a world in the list
_GAP = 2 * theme.GAP
_BAR = 320  # pixels that the bar of loading is wide, at most


def paint_start(surface: pygame.Surface, state: StartState) -> list[tuple[pygame.Rect, Choice]]:
    """Paint the start screen; returns where the mouse can point, and what it chooses there."""
    surface.fill(theme.GROUND)
    margin = theme.MARGIN + theme.GAP
    text(surface, "genie", (margin, 52), theme.HUGE, theme.INK)
    words = "Choose a picture, or drop one here. The world goes on from there, under your keys."
    text(surface, words, (margin, 92), theme.BODY, theme.DIM)
    targets = _paint_worlds(surface, state, margin)
    targets += _paint_prompts(surface, state, margin + _LIST)
    _paint_foot(surface, state, margin)
    return targets


def paint_loading(
    surface: pygame.Surface, title: str, what: str = "", fraction: float = 0.0
) -> None:
    """Paint what is shown while a world is loaded: its name, a bar, and what is loaded just now."""
    surface.fill(theme.GROUND)
    x, y = surface.get_rect().center
    text(surface, title, (x, y - 2 * theme.GAP), theme.HUGE, theme.INK, "middle")
    place = pygame.Rect(0, 0, min(_BAR, surface.get_width() - 2 * theme.MARGIN), 6)
    place.center = (x, y + 3 * theme.GAP)
    bar(surface, place, [(fraction, theme.ACCENT)])
    words = f"loading {what} …" if what else "loading …"
    text(surface, words, (x, y + 6 * theme.GAP), theme.BODY, theme.DIM, "middle")


def _paint_worlds(
    surface: pygame.Surface, state: StartState, left: int
) -> list[tuple[pygame.Rect, Choice]]:
    targets = []
    shown = max(1, (surface.get_height() - _HEAD - _FOOT) // _WORLD)
    first = max(0, state.world - shown + 1)  # the list follows what is selected
    for number, world in list(enumerate(state.worlds))[first : first + shown]:
        area = pygame.Rect(left, _HEAD + 8 + (number - first) * _WORLD, _LIST - 32, _WORLD - 8)
        chosen = number == state.world
        if chosen:
            pygame.draw.rect(surface, theme.RAISED, area, border_radius=theme.RADIUS)
            mark = pygame.Rect(area.left, area.top + 10, 3, area.height - 20)
            pygame.draw.rect(surface, theme.ACCENT, mark, border_radius=2)
        title = shorten(world.card.title, theme.BODY, area.width - 32)
        colour = theme.INK if chosen else theme.DIM
        text(surface, title, (area.left + 16, area.top + 18), theme.BODY, colour)
        card = world.card
        about = f"{card.width}x{card.height} · {card.fps:g} fps · {len(card.actions)} actions"
        text(surface, about, (area.left + 16, area.top + 37), theme.SMALL - 1, theme.DIM)
        targets.append((area, Choice(world=number, prompt=0)))
    return targets


def _paint_prompts(
    surface: pygame.Surface, state: StartState, left: int
) -> list[tuple[pygame.Rect, Choice]]:
    room = surface.get_width() - left - theme.MARGIN - theme.GAP
    widest = (room - (COLUMNS - 1) * _GAP) // COLUMNS
    side = whole_side(widest, state.shown.prompts[0] if state.shown.prompts else None)
    gap = (room - COLUMNS * side) // (COLUMNS - 1)  # the last column ends at the margin
    foot = _FOOT + (40 if state.shown.recent is not None else 0)
    rows = max(1, (surface.get_height() - _HEAD - foot) // (side + gap))
    first = max(0, state.prompt // COLUMNS - rows + 1) * COLUMNS
    targets = []
    for number, picture in list(enumerate(state.shown.prompts))[first : first + rows * COLUMNS]:
        row, column = divmod(number - first, COLUMNS)
        place = (left + column * (side + gap), _HEAD + 8 + row * (side + gap))
        tile = pygame.Rect(place, (side, side))
        paint_tile(surface, tile, picture, number == state.prompt)
        targets.append((tile, Choice(world=state.world, prompt=number)))
    if state.shown.recent is not None:
        y = surface.get_height() - _FOOT - 28
        targets.append((_paint_resume(surface, state, left, y), _resume(state)))
    return targets


def _paint_resume(surface: pygame.Surface, state: StartState, left: int, y: int) -> pygame.Rect:
    seconds = int(state.shown.recent.seconds)
    words = f"go on where you left: {seconds // 60}:{seconds % 60:02d} played"
    cap = key_cap(surface, "c", (left, y))
    return cap.union(text(surface, words, (cap.right + theme.GAP, y), theme.BODY, theme.INK))


def _resume(state: StartState) -> Choice:
    return Choice(world=state.world, prompt=state.prompt, resume=True)


def _paint_foot(surface: pygame.Surface, state: StartState, left: int) -> None:
    y = surface.get_height() - 36
    left = hint(surface, ("left", "right", "up", "down"), "choose", (left, y))
    left = hint(surface, ("Enter",), "play", (left, y))
    if len(state.worlds) > 1:
        left = hint(surface, ("Tab",), "next world", (left, y))
    hint(surface, ("Esc",), "leave", (left, y))
    right = surface.get_width() - theme.MARGIN - theme.GAP
    text(surface, state.message, (right, y), theme.SMALL, theme.DIM, "right")
    if state.complaint:
        notice(surface, state.complaint, theme.MARGIN + theme.GAP, y - 3 * theme.GAP)
