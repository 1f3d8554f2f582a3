"""Paint what is played onto a pygame surface. Nothing here knows the keyboard or the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pygame

from genie.catalog import WorldCard

BACKGROUND = (16, 16, 20)
TEXT = (225, 225, 230)
DIM = (150, 150, 160)
ALERT = (255, 96, 80)
COMMANDS = (
    "restart [R]",
    "next prompt [N]",
    "pause [P]",
    "record a GIF [G]",
    "full screen [F11]",
    "quit [Esc]",
)
FONT_SIZE = 18
TITLE_SIZE = 64  # of the world's name while it loads
MARGIN = 6
_FIRST_PICTURE = 512  # pixels that the longer side of the picture has at most in a new window


@dataclass(frozen=True, kw_only=True)
class View:
    """What is on the screen.

    Attributes:
        frame: uint8 (H, W, 3), or None while the world loads.
        status: one line: rate, action, frame.
        help: pieces of the help, the world's name first; lines break between them only.
        message: shown instead of the status where it is not empty.
        recording: whether to show the red dot.
    """

    frame: np.ndarray | None
    status: str
    help: tuple[str, ...]
    message: str = ""
    recording: bool = False


def help_pieces(card: WorldCard) -> tuple[str, ...]:
    """Name the world, its actions with their keys, and the commands."""
    actions = []
    for id, action in enumerate(card.actions):
        keys = [*action.keys, *([str(id)] if id < 10 else [])]
        actions.append(f"{action.name} [{' '.join(dict.fromkeys(keys)) or 'no key'}]")
    return (f"{card.title}:", *actions, *COMMANDS)


def make_font() -> pygame.font.Font:
    """Return pygame's own font, which is the same everywhere."""
    pygame.font.init()
    return pygame.font.Font(None, FONT_SIZE)


def first_window_size(card: WorldCard, font: pygame.font.Font) -> tuple[int, int]:
    """Return width and height of a new window: sharp pixels and room for the text below."""
    scale = max(1, _FIRST_PICTURE // max(card.height, card.width))
    width = max(card.width * scale, 320)
    return width, card.height * scale + panel_height(font, help_pieces(card), width)


def panel_height(font: pygame.font.Font, pieces: tuple[str, ...], width: int) -> int:
    """Return the height of the text below the picture: a status line, and the help wrapped."""
    lines = 1 + len(wrap(font, pieces, width - 2 * MARGIN))
    return lines * font.get_linesize() + 2 * MARGIN


def picture_area(
    window: tuple[int, int], panel: int, height: int, width: int
) -> tuple[pygame.Rect, int]:
    """Place a frame in a window, scaled by a whole factor and centred above the text.

    Args:
        window: width and height in pixels.
        panel: height of the text below.
        height: of the frame, H.
        width: of the frame, W.

    Returns:
        Where it stands, and the factor, 1 or more. In a window that is too small for the text the
        picture goes over it; in one that is too small for the picture, it is cut.
    """
    room = window[1] - panel if window[1] - panel >= height else window[1]
    scale = max(1, min(window[0] // width, room // height))
    left, top = (window[0] - width * scale) // 2, (room - height * scale) // 2
    return pygame.Rect(left, top, width * scale, height * scale), scale


def wrap(font: pygame.font.Font, pieces: tuple[str, ...], width: int) -> list[str]:
    """Join pieces to lines that are at most `width` pixels wide; one long piece stands alone."""
    lines: list[str] = []
    for piece in pieces:
        longer = f"{lines[-1]}   {piece}" if lines else piece
        if lines and font.size(longer)[0] <= width:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines


def paint(surface: pygame.Surface, font: pygame.font.Font, view: View) -> pygame.Rect | None:
    """Paint everything.

    Args:
        surface: the window.
        font: from `make_font`.
        view: what to show.

    Returns:
        Where the frame stands, or None if there is none.
    """
    width, height = surface.get_size()
    surface.fill(BACKGROUND)
    lines = wrap(font, view.help, width - 2 * MARGIN)
    top = height - (1 + len(lines)) * font.get_linesize() - MARGIN
    _write(surface, font, view.message or view.status, top, TEXT)
    for number, line in enumerate(lines, start=1):
        _write(surface, font, line, top + number * font.get_linesize(), DIM)
    if view.frame is None:
        title = pygame.font.Font(None, TITLE_SIZE).render(view.help[0].rstrip(":"), True, TEXT)
        surface.blit(title, title.get_rect(center=(width // 2, top // 2)))
        return None
    panel = panel_height(font, view.help, width)
    area, scale = picture_area((width, height), panel, *view.frame.shape[:2])
    surface.blit(_enlarge(view.frame, scale), area)
    if view.recording:
        middle = (width - MARGIN - 6, top + font.get_linesize() // 2)
        pygame.draw.circle(surface, ALERT, middle, 6)
    return area


def _enlarge(frame: np.ndarray, scale: int) -> pygame.Surface:
    """Return the frame with each pixel as a square of `scale`; pygame's scale takes the nearest."""
    height, width = frame.shape[:2]
    small = pygame.image.frombuffer(np.ascontiguousarray(frame), (width, height), "RGB")
    return pygame.transform.scale(small, (width * scale, height * scale))


def _write(
    surface: pygame.Surface, font: pygame.font.Font, text: str, top: int, colour: tuple
) -> None:
    if text:
        surface.blit(font.render(text, True, colour), (MARGIN, top))
