"""The play screen: events in, frames out, at the player's pace."""

from __future__ import annotations

import math
import time

import pygame

from genie.play.game.controls import Controls
from genie.play.game.game import Game
from genie.play.game.hand import HandPanel
from genie.play.game.view import view_of
from genie.play.game.window_keys import COMMANDS
from genie.play.screen.drawing.draw import paint
from genie.play.screen.drawing.hand import hand_layout
from genie.play.screen.events import Closed, Drop, Event, FocusLost, Key, Pointer
from genie.play.screen.pacer import Pacer
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
        self._pacer = Pacer(window, self._at_once, self.show)
        window.name(game.card.title)
        game.state.fullscreen = window.fullscreen

    def run(self) -> None:
        """Play until the player leaves, or the game's frames are played."""
        try:
            self.show()
            while not self.game.state.quit:
                self.tick()
                self._pacer.wait(self._fps, self.handle)
        finally:
            self._pacer.close()
            self.game.close()

    def tick(self) -> None:
        """Handle what happened, let one frame's time pass, and show it."""
        for event in self._pacer.events():
            self.handle(event)
        now = time.monotonic()
        action = self.game.begin_frame(now)
        if action is not None:
            frame = self._pacer.run(lambda: self.game.player.advance(action))
            self.game.end_frame(frame, action, time.monotonic())
        begin = time.perf_counter()
        self.show()
        if action is not None:
            seconds = time.perf_counter() - begin
            self._pacer.run(self.game.player.commit_pending)
            self.game.note_times(seconds)

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

    def _fps(self) -> float:
        """Return how often to tick: a window where time stands still only looks for events."""
        state = self.game.state
        if state.quit:
            return math.inf
        still = (state.paused or self.game.panel) and not state.rewinding
        return _PAUSED_FPS if still else state.fps_wanted

    def _at_once(self, event: Event) -> bool:
        """Light or dim the key of an action, while a frame is sampled; returns whether it was."""
        if not isinstance(event, Key) or self.game.panel is not None or event.name in COMMANDS:
            return False
        self.handle(event)
        return True

    def show(self) -> None:
        """Paint the window as play stands now."""
        self._window.fill_screen(self.game.state.fullscreen)
        self.area = paint(self._window.surface, view_of(self.game, time.monotonic()))
        self._window.show()
