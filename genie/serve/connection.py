"""One WebSocket: a visitor's questions, each answered before the next is read."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from genie.serve.engine import Engine
from genie.serve.limits import FAILED, IDLE, IDLE_SECONDS, SEND_SECONDS, Rate, RefusalError
from genie.serve.lobby import Lobby, Visitor
from genie.serve.messages import Answer, Question, refuse
from genie.serve.play import Play

TASKS = ("start", "look", "go", "edit", "encode")
"""Methods of `Play` that a page may ask for, beside steps."""
_GONE = (WebSocketDisconnect, TimeoutError)


class Connection:
    """Answers one page.

    One question and one answer are under way at a time: a slow page waits for itself only, and
    nothing piles up.
    """

    def __init__(self, websocket: WebSocket, lobby: Lobby, engine: Engine) -> None:
        """Take a WebSocket that is not accepted yet."""
        self._websocket, self._lobby, self._engine = websocket, lobby, engine
        self._refusal: RefusalError | None = None
        self._task = asyncio.current_task()

    async def serve(self, world: str, new: Callable[[], Play], device: str) -> None:
        """Play until the visitor leaves or has to."""
        await self._websocket.accept()
        visitor, keep = None, True
        try:
            session = self._websocket.query_params.get("session")
            visitor = self._lobby.enter(world, session, self, new)
            await self._greet(visitor, device)
            await self._answer_all(visitor.play)
        except RefusalError as refusal:
            keep = refusal.code != FAILED
            await self._close(refusal)
        except asyncio.CancelledError:
            if self._refusal is not None:  # else the server ends, and with it this task
                await self._close(self._refusal)
        except _GONE:
            pass
        finally:
            if visitor is not None and self._lobby.leave(visitor, self, keep):
                self._engine.do(visitor.play.rest)

    def end(self, refusal: RefusalError) -> None:
        """End it from outside."""
        self._refusal = refusal
        self._task.cancel()

    async def _greet(self, visitor: Visitor, device: str) -> None:
        """Send the name of the session, and its frames if it goes on."""
        kept = await self._compute(self._engine.do(visitor.play.kept))
        known = {"session": visitor.id, "device": device}
        await self._send(Answer(values=known | kept.values, data=kept.data).to(0))

    async def _answer_all(self, play: Play) -> None:
        rate = Rate()
        while True:
            message = await self._receive()
            rate.take()
            number = 0
            try:
                question = Question.read(message)
                number = question.number
                answer = await self._compute(self._ask(play, question))
            except (ValueError, TypeError) as error:  # which our own page does not cause
                await self._send(refuse(number, str(error)))
            else:
                await self._send(answer.to(number))

    def _ask(self, play: Play, question: Question) -> Any:
        if question.task == "step":
            return self._engine.step(play, **question.values)
        if question.task not in TASKS:
            raise ValueError(f"there is no task {question.task!r:.40}")
        task = getattr(play, question.task)
        return self._engine.do(lambda: task(**question.values))

    async def _compute(self, future: Any) -> Answer:
        """Wait for the engine; an error of the models ends the session."""
        try:
            return await asyncio.wrap_future(future)
        except (ValueError, TypeError):
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            print(f"genie: a play ended: {reason}", file=sys.stderr, flush=True)
            words = "this play ended with an error of the world; try again to begin anew"
            raise RefusalError(FAILED, words) from None

    async def _receive(self) -> str | bytes:
        try:
            message = await asyncio.wait_for(self._websocket.receive(), IDLE_SECONDS)
        except TimeoutError:
            minutes = round(IDLE_SECONDS / 60)
            words = f"nothing was played for {minutes} minutes; try again to go on"
            raise RefusalError(IDLE, words) from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        return message["text"] if message.get("text") is not None else message["bytes"]

    async def _send(self, data: bytes) -> None:
        await asyncio.wait_for(self._websocket.send_bytes(data), SEND_SECONDS)

    async def _close(self, refusal: RefusalError) -> None:
        with suppress(*_GONE):
            close = self._websocket.close(refusal.code, refusal.words)
            await asyncio.wait_for(close, SEND_SECONDS)
