"""Counts what curation found of what was planted, and what it found beside."""

from __future__ import annotations

import dataclasses

import numpy as np

from benchmarks.curation.plant import Planted
from corpus.curation.decide import BLACK, FLAT, FROZEN, GRADUAL, MENU, REASONS
from corpus.curation.options import Stretch

STILL = {REASONS[reason] for reason in (BLACK, FLAT, FROZEN, MENU)}
NEAR = 2  # frames by which a cut may be off


@dataclasses.dataclass
class Count:
    """Found, planted and right of one kind."""

    planted: int = 0
    recalled: int = 0
    found: int = 0
    right: int = 0

    def __add__(self, other: Count) -> Count:
        """Add two counts."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Count(*(a + b for a, b in pairs))

    @property
    def precision(self) -> float:
        """Share of what was found that is right."""
        return self.right / self.found if self.found else float("nan")

    @property
    def recall(self) -> float:
        """Share of what was planted that was found."""
        return self.recalled / self.planted if self.planted else float("nan")


def score(planted: Planted, stretches: list[Stretch]) -> dict[str, Count]:
    """Compare the decisions with the truth: hard cuts, all transitions, and static stretches.

    A cut is found where an episode ends within two frames of it. A transition is crossed, and
    missed, if one episode holds frames of before and after it. A static stretch is found if 0.8 of
    it is dropped, and a dropped one is right if half of it was planted, or if all of its frames are
    equal in the game itself.
    """
    n = len(planted.frames) if planted.frames is not None else stretches[-1].stop
    dropped = np.zeros(n, bool)
    for stretch in stretches:
        dropped[stretch.start : stretch.stop] = stretch.decision == "drop"
    ends = _ends(stretches)
    counts = {"cut": Count(), "gradual": Count(), "static": Count()}
    still = np.zeros(n, bool)
    for start, stop, _ in planted.static:
        still[start:stop] = True
        counts["static"].planted += 1
        counts["static"].recalled += bool(dropped[start + 1 : stop].mean() >= 0.8)
    for start, stop in planted.same:
        still[start:stop] = True
    beside = {edge for start, stop, _ in planted.static for edge in (start, stop)}
    for cut in planted.cuts:
        if cut not in beside:
            counts["cut"].planted += 1
            counts["cut"].recalled += bool(ends[max(0, cut - NEAR) : cut + NEAR + 1].any())
    for start, stop, _ in planted.gradual:
        counts["gradual"].planted += 1
        counts["gradual"].recalled += bool(ends[start : stop + 1].any())
    allowed = np.zeros(n + 1, bool)
    for start, stop in [(c, c) for c in planted.cuts] + [(a, b) for a, b, _ in planted.gradual]:
        allowed[max(0, start - NEAR) : stop + NEAR + 1] = True
    for stretch in stretches:
        part = slice(stretch.start, stretch.stop)
        if stretch.decision == "keep" and stretch.reason == "cut":
            counts["cut"].found += 1
            counts["cut"].right += bool(allowed[stretch.start])
        elif stretch.reason == REASONS[GRADUAL]:
            counts["gradual"].found += 1
            counts["gradual"].right += bool(allowed[part].any())
        elif stretch.reason in STILL:
            counts["static"].found += 1
            counts["static"].right += bool(still[part].mean() >= 0.5 or allowed[part].all())
    return counts


def _ends(stretches: list[Stretch]) -> np.ndarray:
    """Frames before which an episode ends or begins, and all dropped ones, bool (N + 1,)."""
    ends = np.zeros(stretches[-1].stop + 1, bool)
    for stretch in stretches:
        ends[stretch.start] = ends[stretch.stop] = True
        if stretch.decision == "drop":
            ends[stretch.start : stretch.stop] = True
    return ends
