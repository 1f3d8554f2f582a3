"""The window itself: its surface, its size, its clock."""

from __future__ import annotations

import pygame

from genie.play.screen.drawing import theme
from genie.play.screen.events import Events

_OPENING_MS = 30


class Window:
    """One window for all screens. Make it with SDL's video started (`genie.play.screen.display`).

    Attributes:
        events: what happens in it.
        closed: whether its owner wants it gone.
        fullscreen: whether it fills the screen.
    """

    def __init__(self, size: tuple[int, int], title: str) -> None:
        """Open a window of a size in pixels."""
        self.closed = False
        self.fullscreen = False
        self._size = size
        self._refused: tuple[int, int] | None = None
        self._clock = pygame.time.Clock()
        pygame.display.set_caption(f"{title} · genie")
        pygame.display.set_mode(size, pygame.RESIZABLE)
        self.events = Events()

    @property
    def surface(self) -> pygame.Surface:
        """What is painted on, at least as large as `theme.SMALLEST_WINDOW`."""
        surface = pygame.display.get_surface()
        size = surface.get_size()
        wanted = tuple(map(max, size, theme.SMALLEST_WINDOW))
        if wanted == size or self.fullscreen or size == self._refused:
            return surface
        surface = pygame.display.set_mode(wanted, pygame.RESIZABLE)
        # A system that gives no larger one is not asked again and again.
        self._refused = size if surface.get_size() == size else None
        return surface

    def name(self, title: str) -> None:
        """Set the title."""
        pygame.display.set_caption(f"{title} · genie")

    def show(self) -> None:
        """Show what was painted."""
        pygame.display.flip()

    def pump(self) -> None:
        """Show twice with a pause: what is painted before the window is up may be lost."""
        for _ in range(2):
            self.show()
            pygame.event.pump()
            pygame.time.wait(_OPENING_MS)

    def wait(self, fps: float) -> None:
        """Wait until the next of `fps` frames a second is due."""
        self._clock.tick(fps)

    def fill_screen(self, full: bool) -> None:
        """Go to full screen or back, if needed."""
        if full == self.fullscreen:
            return
        self.fullscreen = full
        if full:
            self._size = pygame.display.get_window_size()
            pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
        else:
            pygame.display.set_mode(self._size, pygame.RESIZABLE)
