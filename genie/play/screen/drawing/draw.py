"""Paint what is played onto a surface."""

from __future__ import annotations

import numpy as np
import pygame

from genie.library.card import WorldCard
from genie.play.game.hand import HandPanel
from genie.play.game.view import View
from genie.play.screen.drawing import theme
from genie.play.screen.drawing.hand import paint_hand
from genie.play.screen.drawing.hud import paint_hud
from genie.play.screen.drawing.panels import paint_panel
from genie.play.screen.drawing.shapes import notice, pill

_FOOT = 12  # pixels between a message and the picture's foot


def first_window_size(card: WorldCard) -> tuple[int, int]:
    """Return width and height of a new window: sharp pixels and room for the figures."""
    scale = max(1, theme.FIRST_PICTURE // max(card.height, card.width))
    return (
        max(card.width * scale + 2 * theme.MARGIN + theme.SIDEBAR, theme.LEAST_WINDOW[0]),
        max(card.height * scale + 2 * theme.MARGIN, theme.LEAST_WINDOW[1]),
    )


def split_window(size: tuple[int, int], hud: bool) -> tuple[pygame.Rect, pygame.Rect | None]:
    """Return where the frame may stand and, if they are wanted and fit, where the figures do."""
    whole = pygame.Rect((0, 0), size)
    if not hud or size[0] < theme.SMALLEST_WINDOW[0] or size[1] < theme.SMALLEST_WINDOW[1]:
        return whole, None
    room = pygame.Rect(0, 0, size[0] - theme.SIDEBAR, size[1])
    return room, pygame.Rect(room.right, 0, theme.SIDEBAR, size[1])


def picture_area(room: pygame.Rect, height: int, width: int) -> tuple[pygame.Rect, int]:
    """Centre an H by W frame in a room; returns where it stands and its whole scale factor.

    A room smaller than the frame cuts it.
    """
    scale = max(1, min(room.width // width, room.height // height))
    area = pygame.Rect(0, 0, width * scale, height * scale)
    area.center = room.center
    return area, scale


def paint(surface: pygame.Surface, view: View) -> pygame.Rect:
    """Paint everything; returns where the frame stands."""
    surface.fill(theme.GROUND)
    room, sidebar = split_window(surface.get_size(), view.hud is not None)
    area, scale = picture_area(room, *view.frame.shape[:2])
    surface.blit(enlarge(view.frame, scale), area)
    if sidebar is not None:
        paint_hud(surface, sidebar, view.hud)
    _paint_notes(surface, area.clip(room), view)
    if isinstance(view.panel, HandPanel):
        paint_hand(view.panel, surface)
    elif view.panel is not None:
        paint_panel(view.panel, surface)
    return area


def enlarge(frame: np.ndarray, scale: int) -> pygame.Surface:
    """Return a frame, uint8 (H, W, 3), with each pixel as a square of `scale`."""
    height, width = frame.shape[:2]
    small = pygame.image.frombuffer(np.ascontiguousarray(frame), (width, height), "RGB")
    return pygame.transform.scale(small, (width * scale, height * scale))


def _paint_notes(surface: pygame.Surface, area: pygame.Rect, view: View) -> None:
    """Write badges into the picture's upper corner, and the message over its foot."""
    left, top = area.left + 2 * theme.GAP, area.top + 2 * theme.GAP
    if view.recording is not None:
        words = f"{int(view.recording) // 60}:{int(view.recording) % 60:02d}"
        left = pill(surface, words, (left, top), dot=True).right + theme.GAP
    for badge in view.badges:
        left = pill(surface, badge, (left, top)).right + theme.GAP
    if view.message:
        notice(surface, view.message, left=area.left + 2 * theme.GAP, bottom=area.bottom - _FOOT)
