"""What travels between a page and the server; the page's end is page/models/server.js."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from genie.values import whole

_NUMBER = 4  # bytes
_MOST = (1 << 32) - 1
_ROOM = 4096  # for all of a question but tokens and pixels
_DIGITS = 8  # of a token in json, with its comma


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a page asks: a task with its values; `number` comes back with the answer."""

    number: int
    task: str
    values: dict[str, Any]

    @classmethod
    def read(cls, message: str | bytes) -> Question:
        """Read json, or a number and the bytes of a picture; ValueError for anything else."""
        if isinstance(message, bytes):
            number = int.from_bytes(message[:_NUMBER], "little")
            return cls(number=number, task="encode", values={"pixels": message[_NUMBER:]})
        try:
            values = json.loads(message)
            number, task = whole(values.pop("number"), 0, _MOST), values.pop("task")
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"a question lacks or misspells {error}") from None
        return cls(number=number, task=str(task), values=values)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a task returns: values for json, and bytes of a picture or of tokens."""

    values: dict[str, Any]
    data: bytes = b""

    def to(self, number: int) -> bytes:
        """Return the message that answers a question."""
        return _pack({"number": number, "result": self.values}, self.data)


def refuse(number: int, error: str) -> bytes:
    """Return the message that says why a question has no answer."""
    return _pack({"number": number, "error": error}, b"")


def most_bytes(height: int, width: int, tokens: int) -> int:
    """Return how long a question may be: a picture of a world's own size, or a frame's tokens."""
    return _ROOM + max(3 * height * width, _DIGITS * tokens)


def _pack(record: dict[str, Any], data: bytes) -> bytes:
    head = json.dumps(record).encode()
    return len(head).to_bytes(_NUMBER, "little") + head + data
