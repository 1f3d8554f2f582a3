"""Episodes written while the next ones are played."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np

from corpus.digest import EpisodeDigest
from corpus.writing.writer import CorpusWriter, partial_path

MOST_WAITING = 4  # episodes that wait to be written, beside the one in progress


class WriteBehind:
    """Writes episodes in a thread of its own, in their order, while the games go on.

    Hashing, packing and writing take longer than playing, and leave Python's lock to the games.
    The first episodes of a resumed recording are on disk already: they are compared, not written.
    """

    def __init__(self, writer: CorpusWriter) -> None:
        """Write with `writer`, which nothing else uses meanwhile."""
        self._writer, self._thread = writer, ThreadPoolExecutor(1)
        self._on_disk = deque(writer.records)
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
        self._drain(0)

    def write(self, record: dict, frames: list[np.ndarray], actions: list[int]) -> None:
        """Hand an episode over.

        Args:
            record: its provenance.
            frames: n frames, uint8 (H, W, 3).
            actions: n - 1 of them.

        Raises:
            OSError: an earlier episode could not be written, because the disk is full or fails.
            ValueError: an earlier episode is not the one on disk.
        """
        self._drain(MOST_WAITING)
        self._waiting.append(self._thread.submit(self._write, record, frames, actions))

    def _drain(self, most: int) -> None:
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
            if self._on_disk:
                self._compare(self._on_disk.popleft(), record, np.stack(frames))
            else:
                self._writer.add(np.stack(frames))
                self._writer.end_episode(record, np.array(actions, np.int64))
        except BaseException:
            self._failed = True
            raise

    def _compare(self, old: dict, record: dict, frames: np.ndarray) -> None:
        """Refuse to go on behind an episode that the game does not show again."""
        if old != {**old, **record, "digest": EpisodeDigest().add(frames).hexdigest()}:
            raise ValueError(
                f"episode {old['episode']} in {partial_path(self._writer.out)} is not what the "
                "game shows now: give the same --frames and version of the game, or keep only "
                f"what is there with --resume --frames {self._writer.num_frames}"
            )
