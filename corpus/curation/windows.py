"""Windows of a recording as vectors that survive an encoder, and an index to look them up in."""

from __future__ import annotations

import copy

import numpy as np

from corpus.curation.measure import Measurements

BINS = 12  # of a window: each holds where and how much the picture changed
CELLS = 16  # of the thumbnail
MOTION = 3 * BINS
BANDS, BITS, SLOTS = 8, 14, 16
PIECE = 4096  # windows described at once; each takes two kilobytes meanwhile
ALIVE = 6  # bins of a window in which something must have moved


class Windows:
    """All windows of one recording.

    Attributes:
        motion: float32 (P, 36), centre y, centre x and log change of each bin, without their mean.
        looks: float32 (P, 48), mean thumbnail, its change over the window, and the motion's mean.
        alive: bool (P,), whether enough moves to compare it.
    """

    def __init__(self, m: Measurements, length: int) -> None:
        """Describe the windows that begin at frames 1 to N - length.

        Args:
            m: measurements of N frames.
            length: of a window, in frames.
        """
        positions = max(0, len(m) - length)
        self.motion = np.empty((positions, MOTION), np.float32)
        self.looks = np.empty((positions, 2 * CELLS + 3), np.float32)
        self.alive = np.empty(positions, bool)
        for start in range(0, positions, PIECE):
            stop = min(start + PIECE, positions)
            described = _describe(m.part(start + 1, stop + length), length)
            for array, part in zip((self.motion, self.looks, self.alive), described, strict=True):
                array[start:stop] = part

    def some(self, alive: np.ndarray) -> Windows:
        """Return the same windows, of which only those in ``alive``, bool (P,), are compared."""
        view = copy.copy(self)
        view.alive = alive
        return view


def _describe(m: Measurements, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Describe the windows that begin at frames 0 to N - length: (motion, looks, alive)."""
    change = np.minimum(m.change.astype(np.float64), 50)
    weight = np.where(m.peak >= 4, change, 0)  # what an encoder adds has no place
    where = m.where.astype(np.float64)
    columns = np.column_stack(
        [weight, where[:, 0] * weight, where[:, 1] * weight, change, weight > 0, m.thumbnail]
    )
    sums = np.concatenate([np.zeros((1, columns.shape[1])), np.cumsum(columns, axis=0)])
    start = np.arange(len(m) - length + 1)
    edges = start[:, None] + np.rint(np.linspace(0, length, BINS + 1)).astype(int)
    bins = np.diff(sums[edges], axis=1)  # P, BINS, columns
    moved = bins[..., 0] > 0
    centre = np.where(moved[..., None], bins[..., 1:3] / np.maximum(bins[..., :1], 1e-9), 0.5)
    lively = np.log(bins[..., 3] / (length / BINS) + 0.1) / 8
    motion = np.concatenate([centre, lively[..., None]], axis=2).transpose(0, 2, 1)
    mean = motion.mean(2)
    thumbs = bins[..., 5:] / np.maximum(np.diff(edges, axis=1), 1)[..., None]
    third = BINS // 3
    drift = thumbs[:, -third:].mean(1) - thumbs[:, :third].mean(1)
    motion = (motion - mean[..., None]).reshape(len(start), MOTION)
    return motion, np.concatenate([thumbs.mean(1), drift, mean], axis=1), moved.sum(1) >= ALIVE


class Index:
    """Windows of all recordings so far, at most ``capacity`` of them; newer ones replace old ones.

    Each window is filed under BANDS keys, drawn from the signs of random projections of its motion:
    alike windows share a key, and a look-up reads SLOTS entries of each, however many there are.
    """

    def __init__(self, capacity: int) -> None:
        """Begin empty."""
        rng = np.random.default_rng(20261128)
        self._planes = rng.standard_normal((MOTION, BANDS * BITS)).astype(np.float32)
        self._powers = 1 << np.arange(BITS)
        self._slots = np.full((BANDS, 1 << BITS, SLOTS), -1, np.int32)
        self._filled = np.zeros((BANDS, 1 << BITS), np.uint8)
        self._capacity, self._count = capacity, 0
        self.motion = np.empty((0, MOTION), np.float16)
        self.looks = np.empty((0, 2 * CELLS + 3), np.float16)
        self.source = np.empty((0, 2), np.int32)  # recording, frame

    def keys(self, motion: np.ndarray) -> np.ndarray:
        """Keys of windows, int (P, BANDS)."""
        signs = (motion @ self._planes > 0).reshape(len(motion), BANDS, BITS)
        return signs @ self._powers

    def add(self, motion: np.ndarray, looks: np.ndarray, source: np.ndarray) -> None:
        """Store windows with the (recording, frame) they come from."""
        for key, *row in zip(self.keys(motion), motion, looks, source, strict=True):
            place = self._count % self._capacity
            if place >= len(self.motion):
                self._grow()
            self.motion[place], self.looks[place], self.source[place] = row
            for band, bucket in enumerate(key):
                slot = self._filled[band, bucket]
                self._slots[band, bucket, slot] = place
                self._filled[band, bucket] = (slot + 1) % SLOTS
            self._count += 1

    def candidates(self, motion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs (row of ``motion``, stored window) that share a key, each once."""
        found = np.concatenate(
            [self._slots[band, key] for band, key in enumerate(self.keys(motion).T)], axis=1
        )
        row, column = np.nonzero(found >= 0)
        pairs = np.unique(row.astype(np.int64) << 32 | found[row, column])
        return pairs >> 32, pairs & 0xFFFFFFFF

    def _grow(self) -> None:
        more = min(max(1024, len(self.motion)), self._capacity - len(self.motion))
        for name in ("motion", "looks", "source"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros((more, *old.shape[1:]), old.dtype)]))
