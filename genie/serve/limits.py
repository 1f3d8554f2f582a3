"""What one visitor may use of the server, and what is said when it is too much."""

from __future__ import annotations

import time
from collections.abc import Callable

MOST_FRAMES = 30_000
"""Frames of one play, half an hour and more; some 6 MB."""
IDLE_SECONDS = 600.0
"""A visitor who plays nothing for so long leaves the place to another."""
KEPT_SECONDS = 600.0
"""So long a play is kept for a visitor who left."""
KEPT_PER_PLACE = 4
"""Plays that are kept, for each place."""
RELOAD_SECONDS = 5.0
"""So long a place stays free for a visitor who left it: a page that is loaded again."""
SEND_SECONDS = 30.0
"""A visitor who takes an answer no sooner is dropped."""
QUESTIONS_PER_SECOND = 60
QUESTIONS_AT_ONCE = 120
MOST_STEPS = 8
"""Refinement steps of a frame, unless the world itself has more: as many as the page offers."""


class RefusalError(Exception):
    """Why a connection ends: a close code of the range for applications, and words to show."""

    def __init__(self, code: int, words: str) -> None:
        """Note both; a reason of a WebSocket has at most 123 bytes."""
        super().__init__(words)
        self.code, self.words = code, words


TOO_MANY, FULL, IDLE, ELSEWHERE, FAILED = 4000, 4001, 4002, 4003, 4004
"""Close codes: too many questions; no place; nothing played; played in another tab; an error."""


class Rate:
    """A bucket of questions that fills as time goes by."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a full one; `clock` tells seconds."""
        self._clock, self._left, self._last = clock, float(QUESTIONS_AT_ONCE), clock()

    def take(self) -> None:
        """Take one; raises RefusalError if there is none."""
        now = self._clock()
        filled = self._left + (now - self._last) * QUESTIONS_PER_SECOND
        self._left, self._last = min(filled, QUESTIONS_AT_ONCE) - 1, now
        if self._left < 0:
            raise RefusalError(TOO_MANY, "this page asked too much at once; load it again")
