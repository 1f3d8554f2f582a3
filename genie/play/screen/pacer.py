"""The pace of a window: frames on time, and keys answered while a frame is made or waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from genie.play.screen.events import Event
from genie.play.screen.window import Window

T = TypeVar("T")
_REFRESH = 1 / 60  # seconds between two looks for events


class Pacer:
    """Runs what takes long in a thread of its own, and waits for the next frame, with open ears."""

    def __init__(
        self, window: Window, at_once: Callable[[Event], bool], show: Callable[[], None]
    ) -> None:
        """Take the window whose events are watched.

        Args:
            window: likewise.
            at_once: answers an event that can be answered while a job runs; returns whether it did.
            show: paints the window anew.
        """
        self._window, self._at_once, self._show = window, at_once, show
        self._worker = ThreadPoolExecutor(1, "genie-play")
        self._later: list[Event] = []
        self._last = time.monotonic()  # when the last frame was due

    def events(self) -> Iterator[Event]:
        """Yield what happened and was not answered yet."""
        later, self._later = self._later, []
        yield from later
        yield from self._window.events.poll()

    def run(self, job: Callable[[], T]) -> T:
        """Run a job to its end, and return what it does, or raise its error."""
        future = self._worker.submit(job)
        try:
            while not wait([future], _REFRESH).done:
                answered = [self._answer(event) for event in self._window.events.poll()]
                if any(answered):
                    self._show()
        finally:
            wait([future])  # Ctrl-C too waits: what comes after it must find the world at rest
        return future.result()

    def wait(self, fps: Callable[[], float], handle: Callable[[Event], None]) -> None:
        """Handle events until the next of `fps` frames a second is due."""
        while True:
            now, period = time.monotonic(), 1 / fps()
            left = min(self._last + period - now, period)
            if left <= 0:
                break
            time.sleep(min(left, _REFRESH))
            events = list(self.events())
            for event in events:
                handle(event)
            if events:
                self._show()
        # A late frame is made up for by the next, but not by a burst of them.
        self._last = max(self._last + period, now - period / 2)

    def close(self) -> None:
        """End the thread."""
        self._worker.shutdown()

    def _answer(self, event: Event) -> bool:
        # Once one has to wait, so do those after it, or a panel's keys would go to the game.
        if not self._later and self._at_once(event):
            return True
        self._later.append(event)
        return False
