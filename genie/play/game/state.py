"""What the player holds and wants: actions, pause, pace, message; no screen, no world."""

from __future__ import annotations

from collections import deque

from genie.play.game.action_keys import Bindings
from spacetime.partial import plain

MESSAGE_SECONDS = 4.0
PACES = (1, 2, 3, 5, 8, 10, 12, 15, 20, 24, 30, 40, 50, 60)
"""Frames per second that the keys step through."""
_FPS_FRAMES = 30  # frame times that the shown rate is a mean over


class PlayState:
    """The state of play at the keys; time is an argument, so that tests need no clock."""

    def __init__(self, bindings: Bindings, idle: int, fps: float) -> None:
        """Begin with no key held: `idle` is the action then, `fps` the world's pace."""
        self.total = 0  # frames sampled since the window opened
        self.paused = False
        self.quit = False  # whether the player wants to leave
        self.fps_wanted = min(max(float(fps), PACES[0]), PACES[-1])
        self.hud = True  # whether figures and keys are shown beside the frame
        self.fullscreen = False
        self.rewinding = False
        self.shown_action = idle  # what led to the frame on the screen; A for a prompt
        self._bindings = bindings
        self._idle = idle
        self._held: list[str] = []  # in the order of pressing
        self._tapped: int | None = None
        self._message = ""
        self._message_until: float | None = 0.0  # None: it has not been asked for yet
        self._times: deque[float] = deque(maxlen=_FPS_FRAMES + 1)
        self._intervals, self._seconds = 0, 0.0  # between the frames of all play, without pauses

    def load_keys(self) -> None:
        """Load the keys that the player has saved; a message says if they cannot be read."""
        try:
            self._bindings.load()
        except (ValueError, OSError) as error:
            self.say(plain(error), None)

    @property
    def action(self) -> int:
        """Action id of the keys that are held now: the last one pressed wins.

        Where the world has an action for two arrows at once, the two together play it.
        """
        # The keys may have been changed meanwhile.
        held = [key for key in self._held if self._bindings.action(key) is not None]
        if not held:
            return self._idle
        both = self._bindings.together(held)
        return self._bindings.action(held[-1]) if both is None else both

    @property
    def lit_action(self) -> int | None:
        """Action id of the keys that are held or were tapped since the last frame, or None."""
        return self._tapped if self._tapped is not None else (self.action if self._held else None)

    def press(self, key: str) -> bool:
        """Note that a key went down; returns whether it stands for an action."""
        if self._bindings.action(key) is None:
            return False
        if key not in self._held:
            self._held.append(key)
            self._tapped = self.action
        return True

    def release(self, key: str) -> None:
        """Note that a key went up; the key pressed before it, if still held, takes over."""
        if key in self._held:
            self._held.remove(key)

    def release_all(self) -> None:
        """Forget all keys: a window without focus is not told when they go up."""
        self._held.clear()
        self._tapped = None
        self.rewinding = False

    def take_action(self) -> int:
        """Return the action of the next frame.

        A key that went down and up again since the last frame still counts for one frame, or a
        slow world would swallow short presses.
        """
        action = self.action if self._tapped is None else self._tapped
        self._tapped = None
        return action

    def advanced(self, action: int, now: float) -> None:
        """Note that an action led to a new frame at `now`, in seconds."""
        self.total += 1
        self.shown_action = action
        if self._times:
            self._intervals += 1
            self._seconds += now - self._times[-1]
        self._times.append(now)

    def moved(self, action: int) -> None:
        """Note that play went elsewhere, to a frame that this action led to (A for a prompt's)."""
        self.shown_action = action
        self._tapped = None
        self.measure_afresh()

    def toggle_pause(self) -> None:
        """Stop time, or let it go on."""
        self.paused = not self.paused
        self.measure_afresh()

    def measure_afresh(self) -> None:
        """Forget the frame times so far, because time stood still or its pace has changed."""
        self._times.clear()

    def change_pace(self, faster: bool, now: float) -> None:
        """Take the next higher or lower pace, and say so."""
        if faster:
            self.fps_wanted = min((p for p in PACES if p > self.fps_wanted), default=PACES[-1])
        else:
            self.fps_wanted = max((p for p in PACES if p < self.fps_wanted), default=PACES[0])
        self.measure_afresh()
        self.say(f"{self.fps_wanted:g} frames per second", now)

    @property
    def fps(self) -> float:
        """Frames per second over the last 30 frames; 0 before there are two."""
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return 0.0
        return (len(self._times) - 1) / (self._times[-1] - self._times[0])

    @property
    def played_fps(self) -> float:
        """Frames per second over all of play, pauses not counted; 0 before there are two."""
        return self._intervals / self._seconds if self._seconds else 0.0

    def say(self, text: str, now: float | None) -> None:
        """Show a message for four seconds from `now`; None: from when it is first asked for."""
        self._message = text
        self._message_until = None if now is None else now + MESSAGE_SECONDS

    def message(self, now: float) -> str:
        """Return the message to show at `now`, or an empty string."""
        if self._message_until is None:
            self._message_until = now + MESSAGE_SECONDS
        return self._message if now < self._message_until else ""
