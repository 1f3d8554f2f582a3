"""The play screen: events in, frames out, at the player's pace."""

from __future__ import annotations

import time

import pygame

from genie.play.game.controls import Controls
from genie.play.game.game import Game
from genie.play.game.hand import HandPanel
from genie.play.game.view import view_of
from genie.play.screen.draw import paint
from genie.play.screen.draw_hand import hand_layout
from genie.play.screen.events import Closed, Drop, Event, FocusLost, Key, Pointer
from genie.play.screen.window import Window

_PAUSED_FPS = 30  # how often a paused window looks for events


class PlayScreen:
    """A game in a window.

    Attributes:
        game: what is played.
        controls: what its keys do.
        area: where the frame stands in the window, or None before the first.
    """

    def __init__(self, window: Window, game: Game) -> None:
        """Take a window and a game; `run` begins."""
        self.game, self.controls = game, Controls(game)
        self.area: pygame.Rect | None = None
        self._window = window
        window.name(game.card.title)
        game.state.fullscreen = window.fullscreen

    def run(self) -> None:
        """Play until the player leaves, or the game's frames are played."""
        try:
            self.show()
            while not self.game.state.quit:
                self.tick()
                state = self.game.state
                still = (state.paused or self.game.panel) and not state.rewinding
                self._window.wait(_PAUSED_FPS if still else state.fps_wanted)
        finally:
            self.game.close()

    def tick(self) -> None:
        """Handle what happened, let one frame's time pass, and show it."""
        for event in self._window.events.poll():
            self.handle(event)
        sampled = self.game.tick(time.monotonic())
        begin = time.perf_counter()
        self.show()
        if sampled:
            self.game.note_times(time.perf_counter() - begin)

    def handle(self, event: Event) -> None:
        """React to one event."""
        match event:
            case Closed():
                self._window.closed = self.game.state.quit = True
            case Key(name=name, down=True):
                self.controls.press(name, time.monotonic())
            case Key(name=name):
                self.controls.release(name)
            case Pointer():
                self._point(event)
            case Drop(path=path, fade=fade):
                self.game.drop(path, time.monotonic(), fade)
            case FocusLost():
                self.game.state.release_all()
                if isinstance(self.game.panel, HandPanel):
                    self.game.panel.let_go()

    def _point(self, event: Pointer) -> None:
        """Move the hand, if it is open."""
        panel = self.game.panel
        if not isinstance(panel, HandPanel):
            return
        layout = hand_layout(self._window.surface.get_size(), panel)
        panel.point(layout.spot(event.place, panel.grid))
        picture = layout.thumb(event.place)
        if event.button == "right":
            panel.empty()
        elif event.button == "up":
            panel.let_go()
        elif event.button == "left" and picture is not None:
            panel.show(picture)
        elif event.button == "left":
            panel.grab()

    def show(self) -> None:
        """Paint the window as play stands now."""
        self._window.fill_screen(self.game.state.fullscreen)
        self.area = paint(self._window.surface, view_of(self.game, time.monotonic()))
        self._window.show()
