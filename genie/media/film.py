"""The film of `--record`, written while play goes on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from genie.media.background import BackgroundRecording
from genie.media.recording import final_path

ENDING = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
"""Signals that end a program; Windows has no SIGHUP."""


@contextmanager
def film(path: Path | None, fps: float) -> Iterator[Callable[[np.ndarray], None] | None]:
    """Yield a function that takes each frame, or None without a path.

    The file appears when the body ends without an error, or with Ctrl-C.
    """
    if path is None:
        yield None
        return
    recording = BackgroundRecording(path, fps)

    def add(frame: np.ndarray) -> None:
        with _signals_wait():
            recording.add(frame)

    try:
        try:
            yield add
        except KeyboardInterrupt:
            _finish(recording)  # what was played so far is worth keeping
            raise
        if _finish(recording):
            print(f"recorded {final_path(path)}: {recording.num_frames} frames")
        else:
            print(f"no frame was drawn, so {path} was not written")
    finally:
        recording.discard()  # nothing, once it is finished


def _finish(recording: BackgroundRecording) -> bool:
    """Complete a film; returns whether it has any frame."""
    if recording.num_frames:
        with _signals_wait():
            recording.finish()
    return recording.num_frames > 0


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Let Ctrl-C and what ends a program wait for the body, or it could leave half a frame."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in ENDING}
    for number in ENDING:
        signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
