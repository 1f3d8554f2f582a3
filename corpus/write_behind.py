"""Episodes written while the next ones are played."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from corpus.writer import CorpusWriter

MOST_WAITING = 4  # episodes that are over and not yet written


class WriteBehind:
    """Writes episodes in a thread of its own, in their order, while the games go on.

    Hashing, packing and writing take longer than playing, and leave Python's lock to the games.
    """

    def __init__(self, writer: CorpusWriter) -> None:
        """Write with `writer`, which nobody else uses meanwhile."""
        self._writer, self._thread = writer, ThreadPoolExecutor(1)
        self._waiting: deque[Future] = deque()

    def __enter__(self) -> WriteBehind:
        """Return this."""
        return self

    def __exit__(self, *error: object) -> None:
        """Wait for what is not written yet; after an error, only for the episode in progress."""
        self._thread.shutdown(cancel_futures=error[0] is not None)
        if error[0] is None:
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

    def _write(self, record: dict, frames: list[np.ndarray], actions: list[int]) -> None:
        self._writer.add(np.stack(frames))
        self._writer.end_episode(record, np.array(actions, np.int64))
