"""Two plays in one window."""

from __future__ import annotations

import time
from collections.abc import Callable

import pygame

from genie.play.compare.side_by_side import Comparison
from genie.play.screen.draw_compare import paint_comparison
from genie.play.screen.events import Closed, Event, FocusLost, Key
from genie.play.screen.window import Window


class CompareScreen:
    """A duel in a window.

    Attributes:
        areas: where the two pictures stand.
    """

    def __init__(self, window: Window, comparison: Comparison) -> None:
        """Take a window and a duel; `run` begins."""
        self._window, self._compare = window, comparison
        self.areas: list[pygame.Rect] = []
        window.name(f"{comparison.card.title} and {comparison.opponent.title}")

    def run(self, frames: int | None, on_turn: Callable[[], None]) -> None:
        """Play until the player leaves.

        Args:
            frames: play ends after so many; None leaves that to the player.
            on_turn: called after each pair of frames.
        """
        state = self._compare.state
        while not state.quit:
            if self.turn():
                on_turn()
            if frames is not None and state.total >= frames:
                state.quit = True
            self._window.wait(state.fps_wanted)

    def turn(self) -> bool:
        """Handle what happened, let a frame's time pass; returns whether frames were drawn."""
        for event in self._window.events.poll():
            self.handle(event)
        drawn = self._compare.turn(time.monotonic())
        self._window.fill_screen(self._compare.state.fullscreen)
        message = self._compare.state.message(time.monotonic())
        self.areas = paint_comparison(self._window.surface, self._compare, message)
        self._window.show()
        if drawn:
            self._compare.settle()
        return drawn

    def handle(self, event: Event) -> None:
        """React to one event."""
        match event:
            case Closed():
                self._window.closed = self._compare.state.quit = True
            case Key(name=name, down=True):
                self._compare.press(name, time.monotonic())
            case Key(name=name):
                self._compare.release(name)
            case FocusLost():
                self._compare.state.release_all()
