"""Two plays in one window."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pygame

from genie.media.side_by_side import draw_side_by_side
from genie.play.compare.comparison import Comparison
from genie.play.screen.draw_compare import paint_comparison
from genie.play.screen.events import Closed, Event, FocusLost, Key
from genie.play.screen.window import Window


class CompareScreen:
    """A comparison in a window.

    Attributes:
        areas: where the two frames stand.
    """

    def __init__(self, window: Window, comparison: Comparison) -> None:
        """Take a window and a comparison; `run` begins."""
        self._window, self._comparison = window, comparison
        self.areas: list[pygame.Rect] = []
        window.name(f"{comparison.card.title} and {comparison.opponent.title}")

    def run(
        self, frames: int | None = None, on_frame: Callable[[np.ndarray], None] | None = None
    ) -> None:
        """Play until the player leaves.

        Args:
            frames: play ends after so many; None leaves that to the player.
            on_frame: called with each pair of frames side by side, uint8 (H, W, 3).
        """
        state = self._comparison.state
        while not state.quit:
            if self.tick() and on_frame is not None:
                on_frame(draw_side_by_side(self._comparison.panels))
            if frames is not None and state.total >= frames:
                state.quit = True
            self._window.wait(state.fps_wanted)

    def tick(self) -> bool:
        """Handle what happened, let a frame's time pass; returns whether frames were sampled."""
        state = self._comparison.state
        for event in self._window.events.poll():
            self.handle(event)
        sampled = self._comparison.tick(time.monotonic())
        self._window.fill_screen(state.fullscreen)
        message = state.message(time.monotonic())
        self.areas = paint_comparison(self._window.surface, self._comparison, message)
        self._window.show()
        if sampled:
            self._comparison.commit_pending()
        return sampled

    def handle(self, event: Event) -> None:
        """React to one event."""
        match event:
            case Closed():
                self._window.closed = self._comparison.state.quit = True
            case Key(name=name, down=True):
                self._comparison.press(name, time.monotonic())
            case Key(name=name):
                self._comparison.release(name)
            case FocusLost():
                self._comparison.state.release_all()
