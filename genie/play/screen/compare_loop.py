"""Two plays in one window."""

from __future__ import annotations

import time
from collections.abc import Callable

import pygame

from genie.play.compare.side_by_side import Duel
from genie.play.screen.draw_compare import paint_duel
from genie.play.screen.events import Closed, Event, FocusLost, Key
from genie.play.screen.window import Window


class DuelScreen:
    """A duel in a window.

    Attributes:
        areas: where the two pictures stand.
    """

    def __init__(self, window: Window, duel: Duel) -> None:
        """Take a window and a duel; `run` begins."""
        self._window, self._duel = window, duel
        self.areas: list[pygame.Rect] = []
        window.name(f"{duel.card.title} and {duel.rival.title}")

    def run(self, frames: int | None, on_turn: Callable[[], None]) -> None:
        """Play until the player leaves.

        Args:
            frames: play ends after so many; None leaves that to the player.
            on_turn: called after each pair of frames.
        """
        state = self._duel.state
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
        drawn = self._duel.turn(time.monotonic())
        self._window.fill_screen(self._duel.state.fullscreen)
        message = self._duel.state.message(time.monotonic())
        self.areas = paint_duel(self._window.surface, self._duel, message)
        self._window.show()
        if drawn:
            self._duel.settle()
        return drawn

    def handle(self, event: Event) -> None:
        """React to one event."""
        match event:
            case Closed():
                self._window.closed = self._duel.state.quit = True
            case Key(name=name, down=True):
                self._duel.press(name, time.monotonic())
            case Key(name=name):
                self._duel.release(name)
            case FocusLost():
                self._duel.state.release_all()
