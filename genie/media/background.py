"""A film that a process of its own encodes, so that play does not wait for it."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from genie.media.recording import Recording, check_fps, check_target, final_path

_WAITING_BYTES = 4 << 20  # of frames that wait for the encoder; beyond, play waits for it
_ROOT = Path(__file__).resolve().parents[2]
_RUN = (
    "import sys; sys.path.insert(0, sys.argv[1]); from genie.media.background import main; main()"
)
_SIZE = struct.Struct("<II")
_FRAME, _END = b"f", b"e"


class BackgroundRecording:
    """A `Recording` in another process; what it takes is one copy of a frame.

    A thread would not do: the encoder of GIFs holds Python's lock. The process ends by itself: once
    the film is whole, or without it if this program ends before.

    Attributes:
        path: where the film will be.
        num_frames: frames added so far.
    """

    def __init__(self, path: Path | str, fps: float) -> None:
        """Prepare a film as `Recording` does; the process begins with the first frame."""
        self.path = check_target(path)
        check_fps(fps)
        self._fps, self.num_frames = fps, 0
        self._process: subprocess.Popen | None = None
        self._frames: queue.Queue[bytes | None] = queue.Queue()
        self._feeder: threading.Thread | None = None

    def add(self, frame: np.ndarray) -> None:
        """Add a frame, uint8 (H, W, 3), of the same size as the first.

        Raises:
            OSError: if the disk refuses; call `discard` then.
        """
        if self._process is None:
            self._start(*frame.shape[:2], frame.nbytes)
        if self._process.poll() is not None:
            self._check()
        self._frames.put(_FRAME + np.ascontiguousarray(frame).tobytes())
        self.num_frames += 1

    @property
    def full(self) -> bool:
        """Whether `add` would have to wait."""
        return self._process is not None and self._frames.full()

    def end(self) -> None:
        """Say that no frame follows; `ended` tells when the film is whole."""
        if self._feeder is not None and self._feeder.is_alive():
            self._frames.put(None)

    def ended(self) -> bool:
        """Return whether the film has its name; raises OSError if the disk refuses."""
        if self._process.poll() is None:
            return False
        self._check()
        return True

    def finish(self) -> Path:
        """Complete the film and give it its name; returns where it lies.

        Raises:
            ValueError: if no frame was added.
            OSError: if the disk refuses; nothing is left behind.
        """
        if self._process is None:
            raise ValueError(f"{self.path} would be a recording without a frame: play some first")
        self.end()
        self._feeder.join()
        self._process.wait()
        self._check()
        return final_path(self.path)

    def discard(self) -> None:
        """Remove what was written so far; after `finish` this does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(queue.Empty):  # the process takes frames meanwhile
            while True:
                self._frames.get_nowait()
        self._cancelled = True
        self._frames.put(None)
        self._feeder.join()
        process.wait()
        process.stdout.close()

    def _start(self, height: int, width: int, frame_bytes: int) -> None:
        self._frames = queue.Queue(max(2, _WAITING_BYTES // frame_bytes))
        self._cancelled = False
        command = [sys.executable, "-c", _RUN, str(_ROOT), str(self.path.resolve())]
        with _signals_blocked():
            self._process = subprocess.Popen(
                [*command, repr(self._fps)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        self._frames.put(_SIZE.pack(height, width))
        self._feeder = threading.Thread(target=self._feed, name="genie-film", daemon=True)
        self._feeder.start()

    def _feed(self) -> None:
        """Pass on what is added; without the mark of the end, the process discards the film."""
        pipe, broken = self._process.stdin, False
        while (data := self._frames.get()) is not None:
            if broken:
                continue  # nobody reads it any more, but `add` must not wait for ever
            try:
                pipe.write(data)
            except OSError:
                broken = True
        try:
            if not (self._cancelled or broken):
                pipe.write(_END)
            pipe.close()
        except OSError:
            pass  # the process says why it has ended

    def _check(self) -> None:
        said = self._process.stdout.read().decode(errors="replace").strip()
        if self._process.returncode:
            raise OSError(said or f"{self.path}: the process that writes the film has ended")


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Keep what ends a program from a process that is started meanwhile: its stdin ends it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows has none of them
        yield
        return
    numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def main() -> None:
    """Encode the frames that come through stdin; runs in the process."""
    if hasattr(os, "nice"):
        os.nice(10)  # play goes first
    path, fps = Path(sys.argv[2]), float(sys.argv[3])
    try:
        with Recording(path, fps) as recording:
            _encode(recording)
    except EOFError:
        sys.exit(1)
    except (OSError, ValueError) as error:
        from spacetime.partial import plain

        print(plain(error))
        sys.exit(2)


def _encode(recording: Recording) -> None:
    source = sys.stdin.buffer
    height, width = _SIZE.unpack(_exactly(source, _SIZE.size))
    while _exactly(source, 1) == _FRAME:
        pixels = np.frombuffer(_exactly(source, height * width * 3), np.uint8)
        recording.add(pixels.reshape(height, width, 3))


def _exactly(source: object, count: int) -> bytes:
    data = source.read(count)
    if len(data) < count:
        raise EOFError
    return data
