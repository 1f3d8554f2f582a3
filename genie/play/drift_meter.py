"""The drift meter while a world is played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genie.drift import DriftMeter
from genie.session.log import Session


class DriftTracker:
    """Measures the last 64 frames of a line every 16 frames.

    Attributes:
        distance: of the last window measured; None before the first.
        threshold: above it, a window is unlike real episodes; None where the corpus was too small.

    Source: metrics.md, "Long play".
    """

    def __init__(self, meter: DriftMeter) -> None:
        """Take a world's meter."""
        self._meter = meter
        self.threshold = meter.threshold
        self.distance: float | None = None

    @classmethod
    def of(cls, statistics: Mapping[str, Any]) -> DriftTracker | None:
        """Return a tracker, or None for a world that carries no statistics."""
        meter = DriftMeter.of(statistics)
        return None if meter is None else cls(meter)

    @property
    def drifted(self) -> bool:
        """Whether the last window measured lies above the threshold."""
        return None not in (self.distance, self.threshold) and self.distance > self.threshold

    def follow(self, session: Session, head: int) -> None:
        """Measure after a new frame, once per stride."""
        if (session.frame_number(head) + 1) % self._meter.stride == 0:
            self.measure(session, head)

    def measure(self, session: Session, head: int) -> float | None:
        """Measure the window that ends with a record; None where its line is too short."""
        self.distance = self._distance(session, head)
        return self.distance

    def last_healthy(self, session: Session, head: int) -> int:
        """Find the latest record of a line at which the world is like its corpus and moves.

        A player who is stuck may be in a picture like any other: only a frame that has moved shows
        that a key still acts. Returns the line's first record if there is none.
        """
        line = session.line(head)
        moved = self._meter.moved(session.ids(line))
        end = len(line) - 1
        while end + 1 >= self._meter.window:
            if not moved[end - 1]:
                end -= 1
                continue
            distance = self._distance(session, int(line[end]))
            if self.threshold is None or distance <= self.threshold:
                return int(line[end])
            end -= self._meter.stride
        return int(line[0])

    def _distance(self, session: Session, head: int) -> float | None:
        line = session.line(head, self._meter.window)
        if len(line) < self._meter.window:
            return None
        actions = session.actions(line[1:])
        return float(self._meter.distances(session.ids(line), actions)[0])
