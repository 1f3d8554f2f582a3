"""The play screen: events in, frames out, at the player's pace."""

from __future__ import annotations

import time

import pygame

from genie.play.game.game import Game
from genie.play.game.view import view_of
from genie.play.screen.draw import paint
from genie.play.screen.events import Closed, Drop, Event, FocusLost, Key
from genie.play.screen.window import Window

_PAUSED_FPS = 30  # how often a paused window looks for events


class PlayScreen:
    """A game in a window.

    Attributes:
        area: where the frame stands in the window, or None before the first.
    """

    def __init__(self, window: Window, game: Game) -> None:
        """Take a window and a game; `run` begins."""
        self.area: pygame.Rect | None = None
        self._window, self._game = window, game
        window.name(game.card.title)
        game.state.fullscreen = window.fullscreen

    def run(self) -> None:
        """Play until the player leaves, or the game's frames are drawn."""
        try:
            self.show()
            while not self._game.state.quit:
                self.turn()
                state = self._game.state
                still = (state.paused or self._game.panel) and not state.rewinding
                self._window.wait(_PAUSED_FPS if still else state.fps_wanted)
        finally:
            self._game.close()

    def turn(self) -> None:
        """Handle what happened, let one frame's time pass, and show it."""
        for event in self._window.events.poll():
            self.handle(event)
        drawn = self._game.turn(time.monotonic())
        begin = time.perf_counter()
        self.show()
        if drawn:
            self._game.note_times(time.perf_counter() - begin)

    def handle(self, event: Event) -> None:
        """React to one event."""
        match event:
            case Closed():
                self._window.closed = self._game.state.quit = True
            case Key(name=name, down=True):
                self._game.press(name, time.monotonic())
            case Key(name=name):
                self._game.release(name)
            case Drop(path=path):
                self._game.drop(path, time.monotonic())
            case FocusLost():
                self._game.state.release_all()

    def show(self) -> None:
        """Paint the window as play stands now."""
        self._window.fill_screen(self._game.state.fullscreen)
        self.area = paint(self._window.surface, view_of(self._game, time.monotonic()))
        self._window.show()
