"""The chunks of a corpus that were read last."""

import threading
from collections import OrderedDict

import numpy as np

from corpus.store import FRAMES_PER_CHUNK, Corpus

FEWEST = 64  # chunks: those of one batch, so that neighbouring clips read each once


class ChunkCache:
    """Keeps chunks in memory, so that frames on object storage are not asked for twice in a row."""

    def __init__(self, corpus: Corpus, num_bytes: int) -> None:
        """Begin empty.

        Args:
            corpus: only its frames are read.
            num_bytes: of memory that chunks may take; at least ``FEWEST`` chunks are kept.
        """
        self._corpus = corpus
        chunk = FRAMES_PER_CHUNK * corpus.height * corpus.width * 3
        self._capacity = max(FEWEST, num_bytes // chunk)
        self._chunks: OrderedDict[int, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, first: int, last: int) -> np.ndarray:
        """Return frames `first` to `last` − 1: uint8 (frames, H, W, 3). Threads may call it."""
        begin = first // FRAMES_PER_CHUNK
        numbers = range(begin, -(-last // FRAMES_PER_CHUNK))
        frames = np.concatenate([self._chunk(number) for number in numbers])
        begin *= FRAMES_PER_CHUNK
        return frames[first - begin : last - begin]

    def _chunk(self, number: int) -> np.ndarray:
        with self._lock:
            if number in self._chunks:
                self._chunks.move_to_end(number)
                return self._chunks[number]
        start = number * FRAMES_PER_CHUNK
        stop = min(start + FRAMES_PER_CHUNK, self._corpus.num_frames)
        chunk = self._corpus.read(start, stop)
        with self._lock:
            self._chunks[number] = chunk
            while len(self._chunks) > self._capacity:
                self._chunks.popitem(last=False)
        return chunk
