"""The start screen in a window: keys and mouse choose, while the world warms up behind it."""

from __future__ import annotations

from collections.abc import Callable

from genie.play.game.start import Choice, StartState
from genie.play.screen.drawing.start import paint_start
from genie.play.screen.events import Closed, Drop, Event, Key, Pointer
from genie.play.screen.window import Window

_FPS = 30


class StartScreen:
    """The gallery in a window."""

    def __init__(self, window: Window, state: StartState, prepare: Callable[[int], bool]) -> None:
        """Take the window and what is selected.

        `prepare` warms up a world, given its index in the gallery, and returns whether it is ready.
        """
        self._window, self._state, self._prepare = window, state, prepare
        self._targets: list = []
        window.name("worlds")

    def run(self) -> Choice | None:
        """Show the gallery until something is chosen; None if the player leaves."""
        while True:
            choice = self.tick()
            if choice is not None or self._state.quit or self._window.closed:
                return choice
            self._window.wait(_FPS)

    def tick(self) -> Choice | None:
        """Handle what happened and show the gallery; returns a choice once one is made."""
        choice = None
        for event in self._window.events.poll():
            choice = choice or self.handle(event)
        ready = self._prepare(self._state.world)
        self._state.message = "ready" if ready else "warming up …"
        self._targets = paint_start(self._window.surface, self._state)
        self._window.show()
        return choice

    def handle(self, event: Event) -> Choice | None:
        """React to one event."""
        match event:
            case Closed():
                self._window.closed = True
            case Key(name="f11", down=True):
                self._window.fill_screen(not self._window.fullscreen)
            case Key(name=name, down=True):
                return self._state.press(name)
            case Drop(path=path):
                return self._state.drop(path)
            case Pointer(place=place, click=click):
                hits = [choice for area, choice in self._targets if area.collidepoint(place)]
                return self._state.point(hits[0] if hits else None, click)
        return None
