"""Films of what was played, written between frames."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genie.media.background import BackgroundRecording
from genie.media.recording import final_path
from genie.session.log import Session
from genie.session.replay import pictures, with_keys

SECONDS = 10.0
"""How far "the last seconds" reach back."""


class Export:
    """A film that is drawn from the log, a few frames at a time, so that play goes on meanwhile.

    Attributes:
        path: where it will be.
        done: frames written.
        total: frames in all.
    """

    def __init__(
        self,
        path: Path,
        session: Session,
        records: Sequence[int],
        world: Any,
        show_keys: bool = False,
    ) -> None:
        """Prepare a film of records in the session of a genie.world.World; `work` writes it.

        Frames of a prompt are left out.

        Raises:
            ValueError: if the path cannot be a `Recording`, or there is no frame.
            OSError: if the folder does not exist.
        """
        sampled = [int(record) for record in records if session[int(record)].steps]
        if not sampled:
            raise ValueError("nothing was recorded: no frame was played")
        self.path, self.done, self.total = final_path(path), 0, len(sampled)
        self._recording = BackgroundRecording(path, session.header.card.fps)
        self._frames = pictures(session, sampled, world)
        if show_keys:
            self._frames = with_keys(session, sampled, self._frames)

    def work(self, seconds: float) -> bool:
        """Decode frames for about so long, at least one; returns whether the film is complete.

        A process of its own encodes them.

        Raises:
            OSError: if the disk refuses; nothing is left behind.
        """
        until = time.perf_counter() + seconds
        try:
            while self.done < self.total and not self._recording.full:
                self._recording.add(next(self._frames))
                self.done += 1
                if self.done == self.total:
                    self._recording.end()
                if time.perf_counter() >= until:
                    break
            return self.done == self.total and self._recording.ended()
        except BaseException:
            self._recording.discard()
            raise

    def finish(self) -> Path:
        """Write all that is left; returns where it is. Raises OSError as `work` does."""
        try:
            for frame in self._frames:
                self._recording.add(frame)
                self.done += 1
            return self._recording.finish()
        except BaseException:
            self._recording.discard()
            raise
