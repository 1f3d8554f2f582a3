"""What may lie over the frame: help, slots, films, keys, a dropped picture. Pure state.

A panel takes key names and answers with what is to be done; time stands still while one is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from genie.play.game.action_keys import Bindings
from genie.play.game.slots import Slot
from genie.play.prompts import PromptHint

ENTER = ("return", "enter")
LEAVE = "escape"
FADE = "c"


class Panel(Protocol):
    """What the window lays over the frame."""

    def press(self, key: str) -> Answer:
        """Answer a key."""


class Answer(Enum):
    """What a key does to a panel: nothing, close it, or close it and do what it shows."""

    STAY = "stay"
    CLOSE = "close"
    CONFIRM = "confirm"


@dataclass
class HelpPanel:
    """The keys, explained; any key closes it."""

    def press(self, key: str) -> Answer:
        """Answer a key."""
        return Answer.CLOSE


@dataclass
class SlotPanel:
    """Choose a slot to save to or, if not `saving`, to load from."""

    slots: Sequence[Slot]
    saving: bool
    selected: int = 0  # index of the chosen slot
    fade: bool = False  # whether its frame fades into what is played, instead of loading

    def press(self, key: str) -> Answer:
        """Arrows and digits choose; Enter or the key that opened the panel confirms, C fades."""
        columns = 3
        moves = {"left": -1, "right": 1, "up": -columns, "down": columns}
        if key in moves:
            self.selected = (self.selected + moves[key]) % len(self.slots)
        elif key in (*ENTER, "f5" if self.saving else "f9"):
            return Answer.CONFIRM
        elif key == FADE and not self.saving:
            self.fade = True
            return Answer.CONFIRM
        elif key.isdecimal() and 1 <= int(key) <= len(self.slots):
            self.selected = int(key) - 1
            return Answer.CONFIRM
        elif key == LEAVE:
            return Answer.CLOSE
        return Answer.STAY


@dataclass
class SavePanel:
    """Choose a film: the span, the format, and whether keys are shown."""

    marked: bool  # whether a recording is running, which adds a span
    row: int = 0  # the row that the arrows change
    span: int = 0  # index of the chosen value, as in the next two
    format: int = 0
    keys: int = 0

    @property
    def rows(self) -> tuple[tuple[str, tuple[str, ...], int], ...]:
        """Return for each row its name, its values and the chosen one."""
        spans = ("last 10 seconds", "from the beginning", "since the mark")
        return (
            ("what", spans if self.marked else spans[:2], self.span),
            ("as", ("GIF", "MP4", "PNG pictures"), self.format),
            ("keys", ("hidden", "shown"), self.keys),
        )

    @property
    def suffix(self) -> str:
        """Return the chosen kind of file."""
        return (".gif", ".mp4", ".png")[self.format]

    def press(self, key: str) -> Answer:
        """Arrows choose, Enter confirms."""
        if key in ("up", "down"):
            self.row = (self.row + (1 if key == "down" else -1)) % len(self.rows)
        elif key in ("left", "right"):
            name = ("span", "format", "keys")[self.row]
            count = len(self.rows[self.row][1])
            setattr(self, name, (getattr(self, name) + (1 if key == "right" else -1)) % count)
        elif key in ENTER:
            return Answer.CONFIRM
        elif key in (LEAVE, "k"):
            return Answer.CLOSE
        return Answer.STAY


@dataclass
class KeysPanel:
    """Change which keys stand for the actions."""

    bindings: Bindings
    names: Sequence[str]  # of the actions
    reserved: frozenset[str]  # keys that the window itself needs
    selected: int = 0  # index of the chosen action
    listening: bool = False  # whether the next key is bound to it
    note: str = ""  # what just happened

    def press(self, key: str) -> Answer:
        """Enter listens for a key, Delete clears, Backspace takes the world's own keys again."""
        if self.listening:
            return self._bind(key)
        self.note = ""
        if key in ("up", "down"):
            step = 1 if key == "down" else -1
            self.selected = (self.selected + step) % len(self.names)
        elif key in ENTER:
            self.listening = True
        elif key == "delete":
            self.bindings.clear(self.selected)
        elif key == "backspace":
            self.bindings.reset()
            self.note = "the world's own keys again"
        elif key in (LEAVE, "f2"):
            return Answer.CONFIRM
        return Answer.STAY

    def _bind(self, key: str) -> Answer:
        self.listening = False
        if key == LEAVE:
            return Answer.STAY
        if key in self.reserved or key.isdecimal():
            self.note = f"{key} is taken: choose another key"
            return Answer.STAY
        self.bindings.bind(key, self.selected)
        self.note = f"{key} is {self.names[self.selected]} now"
        return Answer.STAY


@dataclass
class PromptPanel:
    """A picture that was dropped or given, as it is and as the tokenizer sees it."""

    hint: PromptHint
    fade: bool = False  # whether it fades into what is played, instead of a new start

    def press(self, key: str) -> Answer:
        """Enter starts from it, C fades it in, Esc does neither."""
        if key == FADE:
            self.fade = True
            return Answer.CONFIRM
        if key in (*ENTER, "space"):
            return Answer.CONFIRM
        return Answer.CLOSE if key == LEAVE else Answer.STAY
