"""A world, its session and where play stands in it: forward, back, and on from any frame."""

from __future__ import annotations

import array
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from genie.edit import Fade
from genie.library.progress import Say, silent
from genie.session.header import new_header
from genie.session.log import Session

FADE_FRAMES = 8
"""How long a scene takes to come in."""
_WARM_UP_FRAMES = 2


class WorldLike(Protocol):
    """What play needs of genie.world.World."""

    bundle: Any
    settings: Any
    session: Session | None
    head: int
    picture_memory: int

    def start(self, prompt: np.ndarray, session: Session) -> np.ndarray:
        """Start a line of a session from a uint8 (H, W, 3) frame."""

    def step(self, action: int) -> np.ndarray:
        """Sample the next uint8 (H, W, 3) frame, into the session."""

    def commit_pending(self) -> None:
        """Commit the last frame to the cache."""

    def picture(self, ids: np.ndarray, first: int) -> np.ndarray:
        """Decode a frame of any history."""

    def go_to(self, session: Session, record: int) -> np.ndarray:
        """Continue from a record of a session."""

    def edit(self, change: np.ndarray) -> np.ndarray:
        """Change tokens of the last frame."""

    def see(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the tokens of a picture, and the frame that they make."""


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Time from key to decoded frame, and the rate.

    Attributes:
        frames: how many frames were sampled.
        fps: frames per second that the world makes: one over the mean time, commits included.
        p50_ms: median of key to frame, milliseconds.
        p95_ms: 95th percentile of it, milliseconds.
    """

    frames: int
    fps: float
    p50_ms: float
    p95_ms: float

    def record(self) -> dict[str, float]:
        """Return plain values for json."""
        return asdict(self)


class Player:
    """Plays a world; the window and headless play share it.

    Attributes:
        world: the world; assign its `settings` through `set_steps` and `set_temperature`.
        session: every frame that was played.
        head: record of the frame that is shown.
        frame: uint8 (H, W, 3), what is shown.
        prompts: pictures to start from, uint8 (H, W, 3) each.
        prompt_index: which of them play started from.
    """

    def __init__(
        self,
        world: WorldLike,
        prompts: Sequence[np.ndarray],
        seed: int = 0,
        path: Path | str = "",
        device: str = "cpu",
        say: Say = silent,
    ) -> None:
        """Start from the first prompt.

        Args:
            world: the world.
            prompts: uint8 (H, W, 3) each, at least one.
            seed: of every rollout that this player starts.
            path: folder of the world, for the session's header.
            device: that it plays on, likewise.
            say: called with what comes next and how far loading is, 0 to 1.
        """
        self.world = world
        self.prompts = list(prompts)
        self.prompt_index = 0
        self.session = Session(new_header(world.bundle, seed, path, device))
        self._fade: Fade | None = None
        self._seconds = array.array("d")
        self._commit_seconds = 0.0
        say("first frames", 0.86)
        # The first frames after loading are slow; the first key must not wait for them.
        world.start(self.prompts[0], Session(self.session.header))
        for _ in range(_WARM_UP_FRAMES):
            world.step(world.bundle.keymap.idle)
        self.restart()

    def restart(self) -> np.ndarray:
        """Begin again from the same prompt; returns the first frame."""
        return self.start_from(self.prompt_index)

    def next_prompt(self) -> np.ndarray:
        """Begin from the next prompt, after the last from the first; returns the first frame."""
        return self.start_from((self.prompt_index + 1) % len(self.prompts))

    def start_from(self, prompt_index: int) -> np.ndarray:
        """Begin from one of the prompts; returns the first frame."""
        self.prompt_index = prompt_index
        if not (self._seconds or self.session.path or self.session.error):
            self.session = Session(self.session.header)  # a choice, not yet a branch
        self._fade = None
        self.frame = self.world.start(self.prompts[prompt_index], self.session)
        self.head = self._tip = self.world.head
        return self.frame

    def advance(self, action: int) -> np.ndarray:
        """Sample the next frame under an action id and take the time; returns the frame.

        After going back, this begins a new branch; the old one stays in the session.
        """
        self._bring_world()
        before = time.perf_counter()
        self.frame = self.world.step(action)
        if self._fade is not None:
            self.frame = self.world.edit(self._fade.next())
            self._fade = self._fade if self._fade.left else None
        self._seconds.append(time.perf_counter() - before)
        self.head = self._tip = self.world.head
        return self.frame

    def edit(self, change: np.ndarray) -> np.ndarray:
        """Change tokens of the frame that is shown, as `World.edit` does; returns the frame."""
        self._bring_world()
        self.frame = self.world.edit(change)
        self.head = self._tip = self.world.head
        return self.frame

    def fade_to(self, scene: np.ndarray) -> None:
        """Let a scene come in over the next frames, under the actions that are played meanwhile.

        Args:
            scene: a picture, uint8 (H, W, 3), or token ids, integer (N,).
        """
        self._fade = Fade(self.world.see(scene)[0] if scene.ndim == 3 else scene, FADE_FRAMES)

    def commit_pending(self) -> None:
        """Prepare for the next frame, once the last one is shown."""
        before = time.perf_counter()
        self.world.commit_pending()
        self._commit_seconds += time.perf_counter() - before

    def go_to(self, record: int) -> np.ndarray:
        """Show another frame of the session; play goes on from there. Returns the frame."""
        self._tip = record
        return self._show(record)

    def back(self, frames: int = 1) -> bool:
        """Go back on the line that is played; returns whether there was anything to go back to."""
        line = self.session.line(self.head, frames + 1)
        target = int(line[0])
        if target == self.head:
            return False
        self._show(target)
        return True

    def forward(self) -> bool:
        """Undo one `back`; returns whether there was one to undo."""
        if self.head == self._tip:
            return False
        ahead = self.session.frame_number(self._tip) - self.session.frame_number(self.head)
        self._show(int(self.session.line(self._tip, ahead)[0]))
        return True

    @property
    def frame_number(self) -> int:
        """Frames between the first and the one that is shown."""
        return self.session.frame_number(self.head)

    @property
    def shown_action(self) -> int:
        """Id of the action that led to the frame that is shown; A for a prompt's."""
        return self.session[self.head].action

    def set_steps(self, steps: int) -> None:
        """Sample with so many refinement steps from the next frame on."""
        if steps != self.world.settings.steps:
            self.world.settings = replace(self.world.settings, steps=steps)

    def set_temperature(self, temperature: float) -> None:
        """Sample at another temperature from the next frame on."""
        self.world.settings = replace(self.world.settings, temperature=temperature)

    def continue_session(self, session: Session) -> np.ndarray:
        """Go on with a session of this world, from its last frame; returns that frame.

        Raises:
            ValueError: if it was played in another world or with another precision, or is empty.
        """
        ours, theirs = self.session.header, session.header
        if theirs.fingerprint != ours.fingerprint or not len(session):
            raise ValueError("the log holds no frame of this world: choose another")
        if theirs.precision != ours.precision:  # or `genie replay --verify` would refuse it
            raise ValueError(
                f"this was played with precision {theirs.precision}, and frames of now would have "
                f"{ours.precision}: start play with --precision {theirs.precision} to go on"
            )
        self.session = session
        return self.go_to(len(session) - 1)

    def timings(self) -> Timings:
        """Return the times of all frames so far; zeros before the first."""
        if not self._seconds:
            return Timings(frames=0, fps=0.0, p50_ms=0.0, p95_ms=0.0)
        seconds = np.array(self._seconds)
        return Timings(
            frames=len(seconds),
            fps=round(len(seconds) / max(float(seconds.sum()) + self._commit_seconds, 1e-9), 3),
            p50_ms=round(float(np.percentile(seconds, 50) * 1000), 3),
            p95_ms=round(float(np.percentile(seconds, 95) * 1000), 3),
        )

    def _bring_world(self) -> None:
        """Let the world stand where the player does."""
        if self.world.session is not self.session or self.world.head != self.head:
            self.world.go_to(self.session, self.head)

    def _show(self, record: int) -> np.ndarray:
        self._fade = None
        line = self.session.history(record, self.world.picture_memory)
        first = self.session.frame_number(int(line[0]))
        self.frame = self.world.picture(self.session.ids(line), first)
        self.head = record
        return self.frame
