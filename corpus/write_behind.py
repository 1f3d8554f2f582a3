"""Episodes written while the next ones are played."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np

from corpus.writer import CorpusWriter

MOST_WAITING = 4  # episodes that wait to be written, beside the one in progress


class WriteBehind:
    """Writes episodes in a thread of its own, in their order, while the games go on.

    Hashing, packing and writing take longer than playing, and leave Python's lock to the games.
    """

    def __init__(self, writer: CorpusWriter) -> None:
        """Write with `writer`, which nobody else uses meanwhile."""
        self._writer, self._thread = writer, ThreadPoolExecutor(1)
        self._waiting: deque[Future] = deque()
        self._failed = False

    def __enter__(self) -> WriteBehind:
        """Return this."""
        return self

    def __exit__(self, *error: object) -> None:
        """Wait for what is not written yet; after an error, only for the episode in progress."""
        self._thread.shutdown(wait=False, cancel_futures=error[0] is not None)
        interrupted = self._wait()
        if error[0] is not None:
            return
        if interrupted is not None:
            raise interrupted
        self._settle(0)

    def write(self, record: dict, frames: list[np.ndarray], actions: list[int]) -> None:
        """Hand an episode over.

        Args:
            record: its provenance.
            frames: n pictures, uint8 (H, W, 3).
            actions: n - 1 of them.

        Raises:
            OSError: an earlier episode could not be written, because the disk is full or fails.
        """
        self._settle(MOST_WAITING)
        self._waiting.append(self._thread.submit(self._write, record, frames, actions))

    def _settle(self, most: int) -> None:
        """Wait until at most ``most`` episodes are left to write."""
        while len(self._waiting) > most:
            self._waiting.popleft().result()

    def _wait(self) -> KeyboardInterrupt | None:
        """Wait until the thread is done, whatever is pressed: nothing may be written after this."""
        pressed = None
        # A cancelled one is done, but `wait` would wait for it.
        while running := [future for future in self._waiting if not future.done()]:
            try:
                wait(running)
            except KeyboardInterrupt as error:
                pressed = error
        return pressed

    def _write(self, record: dict, frames: list[np.ndarray], actions: list[int]) -> None:
        """Write one episode, unless one before it could not be: the next would be joined to it."""
        if self._failed:
            return
        try:
            self._writer.add(np.stack(frames))
            self._writer.end_episode(record, np.array(actions, np.int64))
        except BaseException:
            self._failed = True
            raise
