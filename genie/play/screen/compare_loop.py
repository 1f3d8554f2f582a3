"""Two plays in one window."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import pygame

from genie.media.side_by_side import draw_side_by_side
from genie.play.compare.comparison import COMMAND_KEYS, Comparison
from genie.play.screen.drawing.compare import paint_comparison
from genie.play.screen.events import Closed, Drop, Event, FocusLost, Key
from genie.play.screen.pacer import Pacer
from genie.play.screen.window import Window


class CompareScreen:
    """A comparison in a window.

    Attributes:
        areas: where the two frames stand.
    """

    def __init__(self, window: Window, comparison: Comparison) -> None:
        """Take a window and a comparison; `run` begins."""
        self._window, self._comparison = window, comparison
        comparison.state.load_keys()
        self.areas: list[pygame.Rect] = []
        self._pacer = Pacer(window, self._at_once, self.show)
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
        try:
            while not state.quit:
                if self.tick() and on_frame is not None:
                    on_frame(draw_side_by_side(self._comparison.panels))
                if frames is not None and state.total >= frames:
                    state.quit = True
                self._pacer.wait(lambda: math.inf if state.quit else state.fps_wanted, self.handle)
        finally:
            self._pacer.close()

    def tick(self) -> bool:
        """Handle what happened, let a frame's time pass; returns whether frames were sampled."""
        for event in self._pacer.events():
            self.handle(event)
        comparison = self._comparison
        action = comparison.begin_frame(time.monotonic())
        if action is not None:
            self._pacer.run(lambda: comparison.advance(action))
            comparison.end_frame(action, time.monotonic())
        self.show()
        if action is not None:
            self._pacer.run(comparison.commit_pending)
        return action is not None

    def show(self) -> None:
        """Paint the window as play stands now."""
        state = self._comparison.state
        self._window.fill_screen(state.fullscreen)
        message = state.message(time.monotonic())
        self.areas = paint_comparison(self._window.surface, self._comparison, message)
        self._window.show()

    def _at_once(self, event: Event) -> bool:
        """Light or dim the key of an action, while frames are sampled; returns whether it was."""
        if not isinstance(event, Key) or event.name in COMMAND_KEYS:
            return False
        self.handle(event)
        return True

    def handle(self, event: Event) -> None:
        """React to one event."""
        match event:
            case Closed():
                self._window.closed = self._comparison.state.quit = True
            case Key(name=name, down=True):
                self._comparison.press(name, time.monotonic())
            case Key(name=name):
                self._comparison.release(name)
            case Drop():
                words = "a picture cannot be dropped on two plays: leave, and play one world"
                self._comparison.state.say(words, time.monotonic())
            case FocusLost():
                self._comparison.state.release_all()
