"""The progress of a build."""

from __future__ import annotations

import time
from collections.abc import Sized
from typing import Protocol

from corpus.progress import progress_bar


class Builder(Protocol):
    """What a bar asks of who builds."""

    records: Sized

    @property
    def num_frames(self) -> int:
        """How many frames are staged or decided on so far."""


class BuildBar:
    """Files, frames a second, and time left; a bar inside a `with` block."""

    def __init__(self, builder: Builder, frames: int, files: int, visible: bool) -> None:
        """Show how far a builder is, of about so many frames in so many files."""
        self._builder, self._files = builder, files
        self._began, self._shown = time.monotonic(), 0
        self._first = builder.num_frames
        self._bar = progress_bar("building", frames, visible, status=self._status)

    def __enter__(self) -> BuildBar:
        """Begin to show it."""
        self._advance = self._bar.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """End it."""
        self._bar.__exit__(*error)

    def show(self) -> None:
        """Bring the bar up to date."""
        # What is found in the frames may have them read again.
        done = max(self._shown, self._builder.num_frames - self._first)
        self._advance(done - self._shown)
        self._shown = done

    def _status(self) -> str:
        rate = self._shown / max(1e-9, time.monotonic() - self._began)
        return f"{len(self._builder.records)} of {self._files} files, {rate:,.0f} frames/s"
