"""What the player does and sees, without a window: held keys, pause, frame, message."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from genie.catalog import WorldCard

MESSAGE_SECONDS = 4.0
_FPS_FRAMES = 30  # frame times that the shown rate is a mean over


def key_bindings(card: WorldCard) -> dict[str, int]:
    """Return key name to action id: the keymap's keys, and digits for the first ten actions."""
    digits = {str(action): action for action in range(min(len(card.actions), 10))}
    return digits | {key: id for id, action in enumerate(card.actions) for key in action.keys}


class PlayState:
    """A pure record of play; time is an argument, so that tests need no clock.

    Attributes:
        names: name of each action, by id.
        frame: frames drawn since the last reset.
        total: frames drawn since the window opened.
        paused: whether time stands still.
        recording: whether a GIF is being recorded.
        quit: whether the player wants to leave.
        shown_action: id of the action that led to the frame on the screen.
    """

    def __init__(self, bindings: Mapping[str, int], idle: int, names: Sequence[str]) -> None:
        """Begin with no key held.

        Args:
            bindings: key name, as pygame spells it, to action id.
            idle: action id while no key is held.
            names: name of each action, by id.
        """
        self.names = tuple(names)
        self.frame = 0
        self.total = 0
        self.paused = False
        self.recording = False
        self.quit = False
        self.shown_action = idle
        self._bindings = dict(bindings)
        self._idle = idle
        self._held: list[str] = []  # in the order of pressing
        self._tapped: int | None = None
        self._message, self._message_until = "", 0.0
        self._times: deque[float] = deque(maxlen=_FPS_FRAMES + 1)

    @property
    def action(self) -> int:
        """Action id of the keys that are held now: the last one pressed wins."""
        return self._bindings[self._held[-1]] if self._held else self._idle

    def press(self, key: str) -> bool:
        """Note that a key went down; returns whether it stands for an action."""
        if key not in self._bindings:
            return False
        if key not in self._held:
            self._held.append(key)
            self._tapped = self._bindings[key]
        return True

    def release(self, key: str) -> None:
        """Note that a key went up; the key pressed before it, if still held, takes over."""
        if key in self._held:
            self._held.remove(key)

    def release_all(self) -> None:
        """Forget all keys: a window without focus is not told when they go up."""
        self._held.clear()
        self._tapped = None

    def take_action(self) -> int:
        """Return the action of the next frame.

        A key that went down and up again since the last frame still counts for one frame, or a
        slow world would swallow short presses.
        """
        action = self.action if self._tapped is None else self._tapped
        self._tapped = None
        return action

    def drawn(self, action: int, now: float) -> None:
        """Note that a frame was drawn.

        Args:
            action: what led to it.
            now: seconds on a clock that never goes back.
        """
        self.frame += 1
        self.total += 1
        self.shown_action = action
        self._times.append(now)

    def restarted(self) -> None:
        """Note that play began again from a prompt."""
        self.frame = 0
        self.shown_action = self._idle
        self._tapped = None

    def toggle_pause(self) -> None:
        """Stop time, or let it go on; the rate is measured afresh."""
        self.paused = not self.paused
        self._times.clear()

    @property
    def fps(self) -> float:
        """Frames per second over the last 30 frames; 0 before there are two."""
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])

    def say(self, text: str, now: float) -> None:
        """Show a message for four seconds from `now`."""
        self._message, self._message_until = text, now + MESSAGE_SECONDS

    def message(self, now: float) -> str:
        """Return the message to show at `now`, or an empty string."""
        return self._message if now < self._message_until else ""
