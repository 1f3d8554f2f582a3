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
PLACE, LIVELY, LOOKS = 0.035, 0.05, 5.0
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
        result: list[Stretch] = []
        for stretch in stretches:
            if stretch.decision == "keep":
                result += self._split_kept(stretch, m)
            else:
                result.append(stretch)
        return tidy(result, self._options.shortest)

    def _split_kept(self, stretch: Stretch, m: Measurements) -> Iterator[Stretch]:
        source = np.full((stretch.stop - stretch.start, 2), -1)  # recording, frame, of the original
        for start, stop, recording, frame in self._copies(stretch, m):
            inside = slice(start - stretch.start, stop - stretch.start)
            source[inside] = recording, frame - start  # constant along a copy
        edges = np.flatnonzero(np.any(np.diff(source, axis=0) != 0, axis=1)) + 1
        for start, stop in zip([0, *edges.tolist()], [*edges.tolist(), len(source)], strict=True):
            part = Stretch(stretch.start + start, stretch.start + stop, "keep", stretch.reason)
            recording, shift = source[start].tolist()
            if recording >= 0:
                seconds = max(0, part.start + shift) / self._fps
                reason = f"duplicate of {self._names[recording]} at {seconds:.1f} s"
                part = dataclasses.replace(part, decision="drop", reason=reason)
            yield part

    def _copies(self, stretch: Stretch, m: Measurements) -> Iterator[tuple[int, int, int, int]]:
        """Yield (start, stop, recording, its frame) of each copied part of a kept stretch."""
        matches = self._matches(stretch, m)
        shift = matches[:, 2] - matches[:, 0]
        order = np.lexsort((matches[:, 0], shift, matches[:, 1]))
        matches, shift = matches[order], shift[order]
        new = (np.diff(matches[:, 1]) != 0) | (np.diff(shift) != 0)
        new |= np.diff(matches[:, 0]) > 4 * self._every
        edges = [0, *(np.flatnonzero(new) + 1).tolist(), len(matches)]
        for start, stop in zip(edges[:-1], edges[1:], strict=True):
            chain = matches[start:stop]
            if not len(chain):
                continue
            first, last = int(chain[:, 0].min()), int(chain[:, 0].max())
            expected = (last - first) / self._every + 1
            if last + self._length - first < self._options.duplicate_seconds * self._fps:
                continue
            if len(np.unique(chain[:, 2] // self._every)) < FULL * expected:
                continue
            begin, end = first, last + self._length
            # Windows are stored at intervals: what is left to an edge of the episode is shorter.
            begin = stretch.start if begin - stretch.start <= 2 * self._every else begin
            end = stretch.stop if stretch.stop - end <= 2 * self._every else end
            yield begin, end, int(chain[0, 1]), int(chain[0, 2] - (chain[0, 0] - begin))

    def _matches(self, stretch: Stretch, m: Measurements) -> np.ndarray:
        """Look up all windows of a stretch; int (M, 3): frame, recording, frame there."""
        windows = Windows(m.part(stretch.start, stretch.stop), self._length)
        frames = stretch.start + 1 + np.arange(len(windows.alive))
        found, number = [np.empty((0, 3), np.int64)], len(self._names) - 1
        piece = max(1, round(PIECE * self._fps))
        for first in range(0, len(frames), piece):
            rows = first + np.flatnonzero(windows.alive[first : first + piece])
            if not len(rows):
                continue
            at, stored = self._index.candidates(windows.motion[rows])
            at = rows[at]
            alike = self._alike(windows, at, stored)
            at, stored = at[alike], stored[alike]
            source = self._index.source[stored]
            far = (source[:, 0] != number) | (frames[at] - source[:, 1] >= piece)
            found.append(np.column_stack([frames[at], source])[far])
            kept = rows[(frames[rows] % self._every == 0) & ~np.isin(rows, at[far])]
            origin = np.column_stack([np.full(len(kept), number), frames[kept]])
            self._index.add(windows.motion[kept], windows.looks[kept], origin)
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
