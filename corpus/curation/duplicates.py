"""Footage that was seen before, in the same recording or an earlier one, also re-encoded.

Games look alike for hours, so what counts is motion: where the picture changes, and how much, over
seconds. Windows of one and a half seconds whose motion is alike, at one and the same distance in
time, make a stretch suspect; then its pixels decide.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from corpus.curation.confirm import SPAN, confirm
from corpus.curation.decide import tidy
from corpus.curation.measure import Measurements
from corpus.curation.options import CurationOptions, Stretch
from corpus.curation.windows import BINS, CELLS, Index, Windows

WINDOW = 1.5  # seconds
EVERY = 0.5  # seconds from one stored window to the next
PIECE = 8.0  # seconds looked up before they are stored
CAPACITY = 1 << 18  # stored windows: 36 hours of footage in 60 MB
# How far a copy's window may be from its original in place, liveliness, looks and centre: measured
# on re-encoded games. Where pixels are at hand they decide, so it may be farther.
LOOSE = np.array([0.06, 0.1, 5.0, 0.12])
STRICT = np.array([0.028, 0.045, 5.0, 0.056])
SOME = 0.2  # share of the stored windows of a copy that must match
FULL = 0.6  # the same where there are no pixels
CORE = 0.85  # share of the shortest copy in which they must match
TRIES = 8  # suspects whose pixels are compared before a frame counts as new
STEPS = (32, 16, 8)  # frames by which the ends of a copy are sought

# Takes the name of a recording, a first frame and the one after the last; returns uint8
# (n, H, W, 3), or None if they are not at hand.
Frames = Callable[[str, int, int], np.ndarray | None]


@dataclasses.dataclass(frozen=True)
class _Suspect:
    """A stretch that may be a copy.

    Attributes:
        start: first frame.
        stop: the frame after the last.
        recording: number of the original.
        shift: frames to add to get to the original.
        windows: how many matched.
        sure: whether it counts as a copy without a look at its pixels.
    """

    start: int
    stop: int
    recording: int
    shift: int
    windows: int
    sure: bool


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

    def split(
        self,
        name: str,
        m: Measurements,
        stretches: list[Stretch],
        frames: Frames,
        wanted: Iterable[tuple[int, int]] = (),
    ) -> list[Stretch]:
        """Drop the parts of kept stretches that are copies, and remember the rest.

        Args:
            name: of the recording, for reasons.
            m: its measurements.
            stretches: what ``decide`` said of it.
            frames: gives frames of this and of earlier recordings.
            wanted: spans that the user keeps: no copies are dropped there.

        Returns:
            The same with some parts dropped ("duplicate of NAME at S s").
        """
        if not self._options.duplicates:
            return stretches
        names = [*self._names, name]
        shortest = self._options.duplicate_seconds * self._fps
        origin = np.full((len(m), 2), -1)  # recording, and how far back in time the original is
        tries = np.zeros(len(m), int)
        borders = np.unique([edge for part in stretches for edge in (part.start, part.stop)])
        windows = Windows(m, self._length)
        for suspect in self._suspects(self._without_dropped(windows, stretches)):
            span = slice(suspect.start, suspect.stop)
            if np.mean(origin[span, 0] < 0) < 0.5 or tries[span].mean() >= TRIES:
                continue  # most of it is a copy already, or nothing comes of it
            copy = _confirmed(suspect, names, frames)
            if copy is None:
                tries[span] += 1
                continue
            # A copy is known to half a second or so, a border exactly.
            start = _snap(copy.start, borders[borders <= copy.start], self._length)
            stop = _snap(copy.stop, borders[borders >= copy.stop], self._length)
            if stop - start >= shortest:
                part = origin[start:stop]
                part[part[:, 0] < 0] = copy.recording, copy.shift
        for start, stop in wanted:
            origin[start:stop] = -1
        result: list[Stretch] = []
        for stretch in stretches:
            kept = stretch.decision == "keep"
            result += self._parts(stretch, origin, names) if kept else [stretch]
        result = tidy(result, self._options.shortest)
        self._remember(name, self._without_dropped(windows, result))
        return result

    def remember(self, name: str, m: Measurements, stretches: list[Stretch]) -> None:
        """Take in a recording of which it is known already what ``split`` returns."""
        if self._options.duplicates:
            self._remember(name, self._without_dropped(Windows(m, self._length), stretches))

    def _remember(self, name: str, windows: Windows) -> None:
        self._store(self._index, windows, np.flatnonzero(windows.alive))
        self._names.append(name)

    def _without_dropped(self, windows: Windows, stretches: list[Stretch]) -> Windows:
        """Leave out the windows that hold dropped frames, which say nothing."""
        alive = windows.alive.copy()
        for stretch in stretches:
            if stretch.decision == "drop":
                alive[max(0, stretch.start - self._length) : stretch.stop] = False
        return windows.some(alive)

    def _store(self, index: Index, windows: Windows, rows: np.ndarray) -> None:
        rows = rows[rows % self._every == 0]
        source = np.column_stack([np.full(len(rows), len(self._names)), rows + 1])
        index.add(windows.motion[rows], windows.looks[rows], source)

    def _parts(self, stretch: Stretch, origin: np.ndarray, names: list[str]) -> Iterator[Stretch]:
        """Divide a kept stretch where copies begin and end."""
        here = origin[stretch.start : stretch.stop].copy()
        for start, stop in _runs(here):
            if stop - start < self._fps:  # what two copies leave over between them
                here[start:stop] = -1
        for start, stop in _runs(here):
            part = Stretch(stretch.start + start, stretch.start + stop, "keep", stretch.reason)
            recording, shift = here[start].tolist()
            if recording >= 0:
                seconds = max(0, part.start + shift) / self._fps
                reason = f"duplicate of {names[recording]} at {seconds:.1f} s"
                part = dataclasses.replace(part, decision="drop", reason=reason)
            yield part

    def _suspects(self, windows: Windows) -> list[_Suspect]:
        """List what may be copied, the surest first."""
        matches = self._matches(windows)
        shift = matches[:, 2] - matches[:, 0]
        order = np.lexsort((matches[:, 0], shift, matches[:, 1]))
        matches, shift = matches[order], shift[order]
        new = (np.diff(matches[:, 1]) != 0) | (np.diff(shift) != 0)
        new |= np.diff(matches[:, 0]) > 2 * self._length
        firsts = np.concatenate([[0], np.flatnonzero(new) + 1])[: len(matches)]
        lasts = np.concatenate([firsts[1:], [len(matches)]])[: len(firsts)] - 1
        least = CORE * self._options.duplicate_seconds * self._fps
        long = matches[lasts, 0] + self._length - matches[firsts, 0] >= least
        suspects = []
        for first, last in zip(firsts[long].tolist(), lasts[long].tolist(), strict=True):
            start, stop = int(matches[first, 0]), int(matches[last, 0]) + self._length
            expected = windows.alive[start - 1 : stop - self._length].sum() / self._every
            count = last - first + 1
            if count >= SOME * expected:
                sure = bool(matches[first : last + 1, 3].sum() >= FULL * expected)
                recording, apart = int(matches[first, 1]), int(shift[first])
                suspects.append(_Suspect(start, stop, recording, apart, count, sure))
        return sorted(suspects, key=lambda suspect: -suspect.windows)

    def _matches(self, windows: Windows) -> np.ndarray:
        """Look up all windows; int (M, 4): frame, its original's recording and frame, how alike."""
        found, number = [np.empty((0, 4), np.int64)], len(self._names)
        piece = max(1, round(PIECE * self._fps))
        own = Index(CAPACITY)
        for first in range(0, len(windows.alive), piece):
            rows = first + np.flatnonzero(windows.alive[first : first + piece])
            for index in (self._index, own):
                at, stored = index.candidates(windows.motion[rows])
                at = rows[at]
                alike = _alike(windows, at, index, stored)
                source = index.source[stored]
                far = (source[:, 0] != number) | (at + 1 - source[:, 1] >= piece)
                pairs = np.column_stack([at + 1, source, alike > 1])
                found.append(pairs[far & (alike > 0)])
            self._store(own, windows, rows)
        return np.concatenate(found)


def _alike(windows: Windows, rows: np.ndarray, index: Index, stored: np.ndarray) -> np.ndarray:
    """Compare windows in full, int (P,): 2 if there is no doubt, 1 if their pixels must decide."""
    looks = np.abs(windows.looks[rows] - index.looks[stored])
    apart = np.full((len(rows), 4), np.inf, np.float32)
    apart[:, 2], apart[:, 3] = looks[:, : 2 * CELLS].mean(1), looks[:, 2 * CELLS :].max(1)
    near = np.flatnonzero(np.all(apart[:, 2:] <= LOOSE[2:], axis=1))  # few are left to compare
    motion = np.abs(windows.motion[rows[near]] - index.motion[stored[near]])
    apart[near, 0] = motion[:, : 2 * BINS].mean(1)
    apart[near, 1] = motion[:, 2 * BINS :].mean(1)
    return sum(np.all(apart <= limits, axis=1).astype(int) for limits in (LOOSE, STRICT))


def _compare(
    suspect: _Suspect, names: list[str], frames: Frames, start: int, stop: int
) -> bool | None:
    """Compare pixels of a part of the copy; None if they are not at hand."""
    copy = frames(names[-1], start, stop)
    original = frames(names[suspect.recording], start + suspect.shift, stop + suspect.shift)
    return None if copy is None or original is None else confirm(copy, original)


def _confirmed(suspect: _Suspect, names: list[str], frames: Frames) -> _Suspect | None:
    """Compare pixels at the beginning, the middle and the end; two must agree. Find the ends."""
    span = min(SPAN, suspect.stop - suspect.start)
    last = suspect.stop - span
    right, wrong = [], 0
    for at in ((suspect.start + last) // 2, suspect.start, last):
        verdict = _compare(suspect, names, frames, at, at + span)
        right += [at] if verdict else []
        wrong += verdict is False
        if wrong > 1:
            return None
    if len(right) <= wrong:
        return suspect if suspect.sure and not wrong else None
    start, stop = min(right), max(right) + span
    for step in STEPS:  # of each window, the rest agrees already
        while _compare(suspect, names, frames, start - step, start - step + span):
            start -= step
        while _compare(suspect, names, frames, stop + step - span, stop + step):
            stop += step
    return dataclasses.replace(suspect, start=start, stop=stop)


def _runs(rows: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of each run of equal rows."""
    inner = (np.flatnonzero(np.any(np.diff(rows, axis=0) != 0, axis=1)) + 1).tolist()
    return list(zip([0, *inner], [*inner, len(rows)], strict=True))


def _snap(frame: int, edges: np.ndarray, reach: int) -> int:
    """Move to the nearest edge if it is within reach."""
    if not len(edges):
        return frame
    nearest = int(edges[np.abs(edges - frame).argmin()])
    return nearest if abs(nearest - frame) <= reach else frame
