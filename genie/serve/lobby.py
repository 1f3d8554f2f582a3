"""Who plays, who may, and whose play is kept."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from genie.serve.limits import (
    ELSEWHERE,
    FULL,
    KEPT_PER_PLACE,
    KEPT_SECONDS,
    RELOAD_SECONDS,
    RefusalError,
)
from genie.serve.play import Play


class Ending(Protocol):
    """What is used of a connection."""

    def end(self, refusal: RefusalError) -> None:
        """End it, with words for the visitor."""


@dataclass(kw_only=True)
class Visitor:
    """Somebody who plays, or left a while ago.

    Attributes:
        id: a secret with which a page resumes the play.
        world: name of the world.
        play: the session, for the engine's thread only.
        connection: None while nobody is there.
        left: when the last connection ended.
    """

    id: str
    world: str
    play: Play
    connection: Ending | None = None
    left: float = 0.0


class Lobby:
    """The visitors of all worlds. To be used in one thread."""

    def __init__(self, places: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Open so many places; `clock` tells seconds."""
        self._places, self._clock = places, clock
        self._visitors: dict[str, Visitor] = {}  # who left first, comes first of those who left

    def enter(
        self, world: str, session: str | None, connection: Ending, new: Callable[[], Play]
    ) -> Visitor:
        """Give a visitor a place, with the play of a session that is still kept, or a new one.

        Raises:
            RefusalError: if there is no place.
        """
        self._forget()
        visitor = self._visitors.get(session or "")
        if visitor is None or visitor.world != world:
            visitor = Visitor(id=secrets.token_urlsafe(16), world=world, play=new())
        others = [one for one in self._visitors.values() if one is not visitor]
        if sum(map(self._holds_place, others)) >= self._places:
            raise RefusalError(
                FULL, f"the server is full: {self._places} of {self._places} play; try again"
            )
        if visitor.connection is not None:
            visitor.connection.end(RefusalError(ELSEWHERE, "this play goes on in another tab"))
        visitor.connection = connection
        self._visitors[visitor.id] = visitor
        return visitor

    def leave(self, visitor: Visitor, connection: Ending, keep: bool = True) -> bool:
        """Note that a connection ended; returns whether its visitor left with it."""
        if visitor.connection is not connection:
            return False  # went on with another connection
        visitor.connection, visitor.left = None, self._clock()
        del self._visitors[visitor.id]
        if keep:
            self._visitors[visitor.id] = visitor
        return True

    def _holds_place(self, visitor: Visitor) -> bool:
        return visitor.connection is not None or self._clock() - visitor.left < RELOAD_SECONDS

    def _forget(self) -> None:
        """Forget plays that have been kept long enough, and the oldest of too many."""
        gone = [visitor for visitor in self._visitors.values() if visitor.connection is None]
        spare = len(gone) - KEPT_PER_PLACE * self._places
        for number, visitor in enumerate(gone):
            if number < spare or self._clock() - visitor.left > KEPT_SECONDS:
                del self._visitors[visitor.id]
