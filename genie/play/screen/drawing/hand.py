"""Paint the hand: the scene and a palette with their tokens, and the piece that is held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pygame

from genie.play.game.hand import HandPanel, Picture, Spot
from genie.play.screen.drawing import theme
from genie.play.screen.drawing.panels import paint_tile
from genie.play.screen.drawing.shapes import hint, pill
from genie.play.screen.drawing.text import text

_THUMB, _COLUMNS = 52, 4
_GRID = (255, 255, 255, 26)
_HELD = 208  # opacity of the piece in the hand
_HINTS = 14 * theme.GAP  # height of the lines at the foot


@dataclass(frozen=True)
class HandLayout:
    """Where everything stands in a window."""

    scene: pygame.Rect
    palette: pygame.Rect
    thumbs: tuple[pygame.Rect, ...]
    side: pygame.Rect  # where the palette, the thumbnails and the hints stand

    def spot(self, place: tuple[int, int], grid: tuple[int, int]) -> Spot | None:
        """Return which token stands at a place in pixels, if one does."""
        for scene, area in ((True, self.scene), (False, self.palette)):
            if area.collidepoint(place):
                row = (place[1] - area.top) * grid[0] // area.height
                column = (place[0] - area.left) * grid[1] // area.width
                return Spot(scene=scene, row=row, column=column)
        return None

    def thumb(self, place: tuple[int, int]) -> int | None:
        """Return which thumbnail stands at a place, if one does."""
        return next((i for i, area in enumerate(self.thumbs) if area.collidepoint(place)), None)


def hand_layout(size: tuple[int, int], panel: HandPanel) -> HandLayout:
    """Lay the scene and the palette out in a window of a size."""
    height, width = panel.pictures[0].shape[:2]
    side = pygame.Rect(0, 0, min(theme.SIDEBAR, size[0] // 2), size[1])
    side.right = size[0]
    scene = _fit(pygame.Rect(0, 0, side.left, size[1]), height, width)
    scene.center = (side.left // 2, size[1] // 2)
    room = pygame.Rect(side.left, 7 * theme.GAP, side.width - theme.MARGIN, size[1])
    palette = _fit(pygame.Rect(0, 0, room.width, min(room.width, size[1] // 2)), height, width)
    palette.topleft = room.topleft
    step = _THUMB + theme.GAP
    thumbs = [
        pygame.Rect(
            room.left + number % _COLUMNS * step,
            palette.bottom + 2 * theme.GAP + number // _COLUMNS * step,
            _THUMB,
            _THUMB,
        )
        for number in range(len(panel.pictures))
    ]
    foot = size[1] - _HINTS - 2 * theme.GAP
    thumbs = tuple(thumb for thumb in thumbs if thumb.bottom <= foot)
    return HandLayout(scene, palette, thumbs, side)


def paint_hand(panel: HandPanel, surface: pygame.Surface) -> None:
    """Paint the scene, the palette and what is held over the whole window."""
    surface.fill(theme.GROUND)
    layout = hand_layout(surface.get_size(), panel)
    for picture, area in ((panel.scene, layout.scene), (panel.palette, layout.palette)):
        _picture(surface, picture, area, panel.grid)
    title = (layout.side.left, 4 * theme.GAP)
    text(surface, "Pick a piece", title, theme.LARGE, theme.INK)
    for number, thumb in enumerate(layout.thumbs):
        paint_tile(surface, thumb, panel.pictures[number], chosen=number == panel.shown)
    _hints(surface, layout, panel)
    foot = (layout.scene.left + 2 * theme.GAP, layout.scene.bottom - 5 * theme.GAP)
    pill(surface, _advice(panel), foot)
    _paint_held(surface, layout, panel)


def _advice(panel: HandPanel) -> str:
    if panel.piece is None:
        return "time stands still · click or drag over a picture to pick a piece of it"
    return "click puts it down · right click lets go of it"


def _hints(surface: pygame.Surface, layout: HandLayout, panel: HandPanel) -> None:
    lines = [(("left", "right"), "another picture")]
    if panel.can_undo:
        lines.append((("Z",), "take the last piece back"))
    if panel.piece is not None:
        lines.append((("Esc",), "let go of the piece"))
    lines.append((("E",), "go on playing"))
    step = 3 * theme.GAP + 2
    y = surface.get_height() - 2 * theme.GAP - len(lines) * step
    for number, (keys, words) in enumerate(lines):
        hint(surface, keys, words, (layout.side.left, y + number * step))


def _paint_held(surface: pygame.Surface, layout: HandLayout, panel: HandPanel) -> None:
    """Paint the outline of what is picked or put down, and the piece where it would lie."""
    if panel.outline is not None:
        area = _cells(layout.scene if panel.spot.scene else layout.palette, panel)
        if panel.piece is not None:
            image = _enlarge(panel.piece.frame, area.size)
            image.set_alpha(_HELD)
            surface.blit(image, area)
        pygame.draw.rect(surface, theme.GROUND, area.inflate(6, 6), 2)
        pygame.draw.rect(surface, theme.ACCENT, area.inflate(4, 4), 2)
    elif panel.piece is not None:
        _beside_pointer(surface, layout, panel.piece)


def _beside_pointer(surface: pygame.Surface, layout: HandLayout, piece: Picture) -> None:
    """Show at the pointer what is in the hand, while it is over no place to put it."""
    factor = layout.palette.width // max(piece.frame.shape[1], 1)
    factor = max(1, min(factor, 96 // max(piece.frame.shape[:2])))
    size = (piece.frame.shape[1] * factor, piece.frame.shape[0] * factor)
    area = pygame.Rect((0, 0), size)
    area.topleft = [position + theme.GAP for position in pygame.mouse.get_pos()]
    surface.blit(_enlarge(piece.frame, size), area)
    pygame.draw.rect(surface, theme.ACCENT, area.inflate(4, 4), 2)


def _picture(
    surface: pygame.Surface, picture: Picture, area: pygame.Rect, grid: tuple[int, int]
) -> None:
    """Paint a picture with thin lines between its tokens."""
    surface.blit(_enlarge(picture.frame, area.size), area)
    lines = pygame.Surface(area.size, pygame.SRCALPHA)
    for row in range(1, grid[0]):
        y = row * area.height // grid[0]
        pygame.draw.line(lines, _GRID, (0, y), (area.width, y))
    for column in range(1, grid[1]):
        x = column * area.width // grid[1]
        pygame.draw.line(lines, _GRID, (x, 0), (x, area.height))
    surface.blit(lines, area)


def _cells(picture: pygame.Rect, panel: HandPanel) -> pygame.Rect:
    """Return where the panel's outline lies in a picture, pixels."""
    (rows, columns), area = panel.grid, panel.outline
    high, wide = picture.height // rows, picture.width // columns
    return pygame.Rect(
        picture.left + area.left * wide,
        picture.top + area.top * high,
        area.columns * wide,
        area.rows * high,
    )


def _enlarge(frame: np.ndarray, size: tuple[int, int]) -> pygame.Surface:
    """Return a frame, uint8 (H, W, 3), in a size of whole multiples."""
    height, width = frame.shape[:2]
    image = pygame.image.frombuffer(np.ascontiguousarray(frame), (width, height), "RGB")
    return pygame.transform.scale(image, size)


def _fit(room: pygame.Rect, height: int, width: int) -> pygame.Rect:
    """Return the largest area of whole pixels that a frame fills in a room."""
    scale = max(1, min(room.width // width, room.height // height))
    return pygame.Rect(0, 0, width * scale, height * scale)
