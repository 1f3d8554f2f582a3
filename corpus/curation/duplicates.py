"""Footage that was seen before, in the same recording or an earlier one, also re-encoded.

Games look alike for hours, so what counts is motion: where the picture changes, and how much, over
seconds. Two windows of one and a half seconds match if these agree, and a stretch is a copy if
windows match all along it at one and the same distance in time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from corpus.curation.decide import tidy
from corpus.curation.measure import Measurements
from corpus.curation.options import CurationOptions, Stretch
from corpus.curation.windows import BINS, CELLS, Index, Windows

WINDOW = 1.5  # seconds
EVERY = 0.5  # seconds from one stored window to the next
PIECE = 8.0  # seconds looked up before they are stored
CAPACITY = 1 << 18  # stored windows: 36 hours of footage in 60 MB
# How far a copy's window may be from its original: measured on re-encoded games.
PLACE, LIVELY, LOOKS = 0.028, 0.045, 5.0
CORE = 0.85  # share of the shortest copy that must match before its ends are sought
FULL = 0.6  # share of the stored windows of a copy that must match


class Duplicates:
    """Remembers what was kept and finds it again; the order of calls decides which copy stays."""

    def __init__(self, fps: float, options: CurationOptions, capacity: int = CAPACITY) -> None:
        """Begin with nothing seen.

        Args:
            fps: frames per second of all recordings.
            options: ``duplicates`` and ``duplicate_seconds`` are read.
            capacity: how many windows are remembered.
        """
        self._fps, self._options = fps, options
        self._length = max(BINS, round(WINDOW * fps))
        self._every = max(1, round(EVERY * fps))
        self._index, self._names = Index(capacity), []

    def split(self, name: str, m: Measurements, stretches: list[Stretch]) -> list[Stretch]:
        """Drop the parts of kept stretches that are copies, and remember the rest.

        Args:
            name: of the recording, for reasons.
            m: its measurements.
            stretches: what ``decide`` said of it.

        Returns:
            The same with some parts dropped ("duplicate of NAME at S s").
        """
        if not self._options.duplicates:
            return stretches
        self._names.append(name)
        origin = np.full((len(m), 2), -1)  # recording, and how far back in time the original is
        for start, stop, recording, shift in self._copies(m, stretches):
            origin[start:stop] = recording, shift
        result: list[Stretch] = []
        for stretch in stretches:
            result += self._parts(stretch, origin) if stretch.decision == "keep" else [stretch]
        return tidy(result, self._options.shortest)

    def _parts(self, stretch: Stretch, origin: np.ndarray) -> Iterator[Stretch]:
        """Divide a kept stretch where copies begin and end."""
        here = origin[stretch.start : stretch.stop]
        inner = (np.flatnonzero(np.any(np.diff(here, axis=0) != 0, axis=1)) + 1).tolist()
        for start, stop in zip([0, *inner], [*inner, len(here)], strict=True):
            part = Stretch(stretch.start + start, stretch.start + stop, "keep", stretch.reason)
            recording, shift = here[start].tolist()
            if recording >= 0 and stop - start >= self._fps:  # not what two copies leave over
                seconds = max(0, part.start + shift) / self._fps
                reason = f"duplicate of {self._names[recording]} at {seconds:.1f} s"
                part = dataclasses.replace(part, decision="drop", reason=reason)
            yield part

    def _copies(
        self, m: Measurements, stretches: list[Stretch]
    ) -> Iterator[tuple[int, int, int, int]]:
        """Yield (start, stop, recording, shift to the original) of each copied part."""
        windows = Windows(m, self._length)
        for stretch in stretches:  # a window that holds dropped frames says nothing
            if stretch.decision == "drop":
                windows.alive[max(0, stretch.start - self._length) : stretch.stop] = False
        matches = self._matches(windows)
        shift = matches[:, 2] - matches[:, 0]
        order = np.lexsort((matches[:, 0], shift, matches[:, 1]))
        matches, shift = matches[order], shift[order]
        new = (np.diff(matches[:, 1]) != 0) | (np.diff(shift) != 0)
        new |= np.diff(matches[:, 0]) > 2 * self._length
        edges = [0, *(np.flatnonzero(new) + 1).tolist(), len(matches)] if len(matches) else [0]
        shortest = self._options.duplicate_seconds * self._fps
        borders = np.unique([edge for part in stretches for edge in (part.start, part.stop)])
        for first, last in zip(edges[:-1], edges[1:], strict=True):
            start, stop = int(matches[first, 0]), int(matches[last - 1, 0]) + self._length
            expected = windows.alive[start - 1 : stop - self._length].sum() / self._every
            core = stop - start
            # Windows are stored at intervals, so a copy begins and ends a little outside of them.
            start = _snap(start, borders[borders <= start], self._length)
            stop = _snap(stop, borders[borders >= stop], self._length)
            if (
                core >= CORE * shortest
                and stop - start >= shortest
                and last - first >= FULL * expected
            ):
                yield start, stop, int(matches[first, 1]), int(shift[first])

    def _matches(self, windows: Windows) -> np.ndarray:
        """Look up all windows, and store those that are new; int (M, 3): frame, its original's."""
        found, number = [np.empty((0, 3), np.int64)], len(self._names) - 1
        piece = max(1, round(PIECE * self._fps))
        for first in range(0, len(windows.alive), piece):
            rows = first + np.flatnonzero(windows.alive[first : first + piece])
            if not len(rows):
                continue
            at, stored = self._index.candidates(windows.motion[rows])
            at = rows[at]
            alike = self._alike(windows, at, stored)
            at, source = at[alike], self._index.source[stored[alike]]
            far = (source[:, 0] != number) | (at + 1 - source[:, 1] >= piece)
            found.append(np.column_stack([at + 1, source])[far])
            kept = rows[(rows % self._every == 0) & ~np.isin(rows, at[far])]
            source = np.column_stack([np.full(len(kept), number), kept + 1])
            self._index.add(windows.motion[kept], windows.looks[kept], source)
        return np.concatenate(found)

    def _alike(self, windows: Windows, rows: np.ndarray, stored: np.ndarray) -> np.ndarray:
        """Compare windows in full, bool (P,)."""
        motion = np.abs(windows.motion[rows] - self._index.motion[stored])
        looks = np.abs(windows.looks[rows] - self._index.looks[stored])
        return (
            (motion[:, : 2 * BINS].mean(1) <= PLACE)
            & (motion[:, 2 * BINS :].mean(1) <= LIVELY)
            & (looks[:, : 2 * CELLS].mean(1) <= LOOKS)
            & (looks[:, 2 * CELLS :].max(1) <= 2 * PLACE)
        )


def _snap(frame: int, edges: np.ndarray, reach: int) -> int:
    """Move to the nearest edge if it is within reach."""
    if not len(edges):
        return frame
    nearest = int(edges[np.abs(edges - frame).argmin()])
    return nearest if abs(nearest - frame) <= reach else frame
