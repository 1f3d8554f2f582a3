"""Digests of episodes, and the fingerprint of a corpus over them."""

from __future__ import annotations

import hashlib

import numpy as np


class EpisodeDigest:
    """SHA-256 over the frames of one episode, fed in pieces of any length."""

    def __init__(self) -> None:
        """Begin with no frames."""
        self._hash = hashlib.sha256()
        self._length, self._size = 0, (0, 0)

    def add(self, frames: np.ndarray) -> EpisodeDigest:
        """Take in frames, uint8 (n, H, W, 3)."""
        self._hash.update(np.ascontiguousarray(frames).data)
        self._length, self._size = self._length + len(frames), frames.shape[1:3]
        return self

    def hexdigest(self) -> str:
        """The digest of the frames so far; their number and size count, too."""
        shape = f"{self._length}x{self._size[0]}x{self._size[1]}"
        return hashlib.sha256(shape.encode("ascii") + self._hash.digest()).hexdigest()


def fingerprint(digests: list[str]) -> str:
    """SHA-256 hex over the hex digests of all episodes, in order."""
    return hashlib.sha256("".join(digests).encode("ascii")).hexdigest()
