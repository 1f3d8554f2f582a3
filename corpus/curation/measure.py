"""What curation needs to know of each frame: 58 bytes of it, measured while the frames go by.

Decisions are taken later, from these numbers alone, so other thresholds need no second reading.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from corpus.curation.grids import BATCH, COARSE, Grids
from corpus.curation.motion import halve, match_blocks

NEAR, FAR = 4, 12  # frames to both sides in the test for dissolves
LAG = 8  # frames back for changes too slow to be seen from one frame to the next
HISTORY = 2 * FAR
NOISE = 8  # an encoder changes a cell by less; grey levels
SMALL = 0.3  # change in grey levels below which nothing is searched
BYTES = ("brightness", "contrast", "thumbnail")
TYPES = {"cells": np.uint64} | dict.fromkeys(BYTES, np.uint8)
COLUMNS = {"back": 3, "colours": 3, "blend": 2, "span": 2, "where": 2, "thumbnail": 16}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurements:
    """N frames of one recording, each compared with those before it.

    All changes are mean absolute differences in grey levels of 0 to 255, and 0 at the first frame.

    Attributes:
        change: float16 (N,), from the frame before.
        unexplained: float16 (N,), of it what remains after each block found its best place in the
            frame before; measured where no neighbour changed much more, else 0.
        peak: float16 (N,), change of the cell that changed most.
        slow_peak: float16 (N,), the same against the frame 8 before.
        back: float16 (N, 3), change of coarse cells from the frames 1, 2 and 3 before.
        colours: float16 (N, 3), share of the pixels whose colour is new against those frames.
        blend: float16 (N, 2), how far the frame is from the mean of those 4 (12) before and after.
        span: float16 (N, 2), how far those two differ from each other.
        where: float16 (N, 2), centre of what changed, y and x in 0 to 1; 0.5 without a change.
        cells: uint64 (N,), one bit for each cell of 8x8 that changed.
        brightness: uint8 (N,), the mean.
        contrast: uint8 (N,), how far the cell that is most unlike the mean is from it.
        thumbnail: uint8 (N, 16), brightness on a 4x4 grid.
    """

    change: np.ndarray
    unexplained: np.ndarray
    peak: np.ndarray
    slow_peak: np.ndarray
    back: np.ndarray
    colours: np.ndarray
    blend: np.ndarray
    span: np.ndarray
    where: np.ndarray
    cells: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    thumbnail: np.ndarray

    def __len__(self) -> int:
        """How many frames were measured."""
        return len(self.change)

    def part(self, start: int, stop: int) -> Measurements:
        """Return those of some consecutive frames, as views."""
        return Measurements(**{name: array[start:stop] for name, array in vars(self).items()})

    def save(self, path: Path) -> None:
        """Write an npz file."""
        with open(path, "wb") as file:
            np.savez(file, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Measurements:
        """Read what ``save`` wrote.

        Raises:
            ValueError: the file holds something else.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        with np.load(path, allow_pickle=False) as file:
            if set(file.files) != set(names):
                raise ValueError(f"{path} holds no measurements of this version: measure again")
            arrays = {name: file[name] for name in names}
        if len({len(array) for array in arrays.values()}) > 1:
            raise ValueError(f"{path} is damaged: its arrays differ in length")
        return cls(**arrays)


class Measurer:
    """Measures the frames of one recording as they come; keeps 25 small ones in memory."""

    def __init__(self) -> None:
        """Begin without a frame."""
        self._change = 0.0  # of the frame before
        self._held = 0  # frames in self._waiting
        self._last: np.ndarray | None = None  # the frame before, at full size
        self._fine: np.ndarray | None = None  # up to HISTORY frames before, int16 (32, 32, h)
        self._histograms: np.ndarray | None = None  # those of the 3 frames before
        self._parts: dict[str, list[np.ndarray]] = {
            field.name: [] for field in dataclasses.fields(Measurements)
        }
        self._grids: Grids | None = None

    def add(self, frames: np.ndarray) -> None:
        """Measure the next frames.

        Args:
            frames: uint8 (n, H, W, 3), n at least 0, of one size in all calls.

        Raises:
            ValueError: they are something else.
        """
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
            raise ValueError(
                f"the frames are {frames.dtype} {frames.shape}, not uint8 (n, H, W, 3)"
            )
        if self._grids is None:
            self._grids = Grids(frames.shape[1], frames.shape[2])
            self._waiting = np.empty((BATCH, *frames.shape[1:]), np.uint8)
        if frames.shape[1:3] != self._grids.size:
            raise ValueError(f"a frame of {frames.shape[1:3]} among those of {self._grids.size}")
        # Always the same batches: sums may differ in the last bit by the number of frames in one.
        while len(frames):
            taken = frames[: BATCH - self._held]
            self._waiting[self._held : self._held + len(taken)] = taken
            self._held, frames = self._held + len(taken), frames[len(taken) :]
            if self._held == BATCH:
                self._flush()

    def result(self) -> Measurements:
        """Return the measurements of all frames; nothing can be added afterwards."""
        self._flush()
        parts = {
            name: np.concatenate([_empty(name), *arrays]) for name, arrays in self._parts.items()
        }
        # The test for dissolves looks as far ahead as back: it is known later than the others.
        for column, reach in enumerate((NEAR, FAR)):
            for name in ("blend", "span"):
                shifted = np.zeros_like(parts[name][:, column])
                shifted[: max(0, len(shifted) - reach)] = parts[name][reach:, column]
                parts[name] = parts[name].copy()
                parts[name][:, column] = shifted
        return Measurements(**parts)

    def _flush(self) -> None:
        if self._held:
            self._measure(self._waiting[: self._held])
        self._held = 0

    def _measure(self, frames: np.ndarray) -> None:
        grids = self._grids
        changed = grids.change(frames, frames[0] if self._last is None else self._last)
        fine, histograms = grids.luma(frames), grids.histograms(frames)
        if self._last is None:
            self._fine, self._histograms = fine[:, :, :0], np.repeat(histograms[:1], 3, axis=0)
        change, peak = changed.mean((0, 1)), changed.max((0, 1))
        self._put("change", change)
        self._put("peak", peak)
        self._put("where", _centre(changed))
        self._put("cells", _bits(changed))
        known = np.concatenate([self._fine, fine], axis=2)
        self._put("unexplained", _unexplained(known, self._change, change))
        self._put_colours(histograms)
        self._put_slow(known, len(frames))
        self._last, self._change = frames[-1].copy(), change[-1]
        self._fine = known[:, :, -HISTORY:]
        self._histograms = np.concatenate([self._histograms, histograms])[-3:]

    def _put(self, name: str, values: np.ndarray) -> None:
        self._parts[name].append(values.astype(TYPES.get(name, np.float16)))

    def _put_colours(self, histograms: np.ndarray) -> None:
        """Compare colours however they lie: motion does not change them, another scene does."""
        known = np.concatenate([self._histograms, histograms])
        total = 2 * histograms[0].sum()
        new = [
            np.abs(histograms - known[3 - lag : len(known) - lag]).sum(1) / total
            for lag in (1, 2, 3)
        ]
        self._put("colours", np.stack(new, 1))

    def _put_slow(self, known: np.ndarray, n: int) -> None:
        """Measure what small pictures show, over up to 2 * FAR frames."""
        coarse = halve(known)
        first = coarse.shape[2] - n
        now = coarse[:, :, first:]

        def back(lag: int) -> np.ndarray:
            return coarse.take(np.maximum(np.arange(first, first + n) - lag, 0), 2)

        def mean(grid: np.ndarray) -> np.ndarray:
            return grid.reshape(-1, n).sum(0, dtype=np.int32) / np.float32(COARSE**2)

        self._put("back", np.stack([mean(np.abs(now - back(lag))) for lag in (1, 2, 3)], 1))
        self._put("slow_peak", np.abs(now - back(LAG)).max((0, 1)))
        brightness = mean(now)
        self._put("brightness", brightness)
        self._put("contrast", np.abs(now - brightness.astype(np.int16)).max((0, 1)))
        small = now.reshape(4, 4, 4, 4, n).mean((1, 3), dtype=np.float32).reshape(16, n)
        self._put("thumbnail", np.rint(small.T))
        blend, span = [], []
        for reach in (NEAR, FAR):
            half, whole = back(reach), back(2 * reach)
            blend.append(mean(np.abs(2 * half - now - whole)) / 2)
            span.append(mean(np.abs(now - whole)))
        self._put("blend", np.stack(blend, 1))
        self._put("span", np.stack(span, 1))


def _empty(name: str) -> np.ndarray:
    shape = (0, COLUMNS[name]) if name in COLUMNS else (0,)
    return np.zeros(shape, TYPES.get(name, np.float16))


def _unexplained(known: np.ndarray, last_change: float, change: np.ndarray) -> np.ndarray:
    """Change that motion does not explain; 0 where the frames before or after change much more.

    Args:
        known: int16 (32, 32, HISTORY + n), frames before and the n frames.
        last_change: of the frame before.
        change: (n,), that of the frames.
    """
    n = len(change)
    around = np.concatenate([[last_change], change, [0]])
    suspect = (change > SMALL) & (change >= 0.8 * np.maximum(around[:-2], around[2:]))
    where = np.arange(known.shape[2] - n, known.shape[2])[suspect]
    left = np.zeros(n, np.float32)
    left[suspect] = match_blocks(known.take(where, 2), known.take(np.maximum(where - 1, 0), 2))
    return left


def _centre(changed: np.ndarray) -> np.ndarray:
    """Centre of what changed more than noise does, y and x in 0 to 1, (n, 2)."""
    above = np.maximum(changed - NOISE / 2, 0)
    places = (np.arange(COARSE, dtype=np.float32) + 0.5) / COARSE
    total = above.sum((0, 1))
    centre = np.stack([places @ above.sum(1), places @ above.sum(0)], 1)
    return np.where(total[:, None] > 0, centre / np.maximum(total, 1e-6)[:, None], 0.5)


def _bits(changed: np.ndarray) -> np.ndarray:
    """One bit for each cell of 8x8 in which a cell of 16x16 changed, uint64 (n,)."""
    loud = (changed >= NOISE / 2).reshape(8, 2, 8, 2, -1).any((1, 3)).reshape(64, -1)
    return np.packbits(np.ascontiguousarray(loud.T), axis=1).view(np.uint64)[:, 0]


def count_cells(cells: np.ndarray) -> np.ndarray:
    """How many cells are set in each entry of ``Measurements.cells``, int (N,)."""
    octets = np.ascontiguousarray(cells).view(np.uint8).reshape(len(cells), 8)
    return np.unpackbits(octets, axis=1).sum(1, dtype=np.int64)
