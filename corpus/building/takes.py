"""Recordings whose frames are at hand, each when its turn to be committed comes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from corpus.building.previous import Kept
from corpus.building.source_records import SourceRecord
from corpus.curation.measure import Measurements, Measurer
from corpus.curation.options import Stretch
from corpus.store import PIECE


@dataclasses.dataclass(frozen=True, kw_only=True)
class Take:
    """A recording whose frames are at hand: staged, or in the corpus that is updated.

    Attributes:
        record: what is known of it; its stretches are decided.
        measurements: of all its frames.
        read: frames start to stop - 1: uint8 (n, H, W, 3).
        picture: one frame of a stretch that is dropped: uint8 (H, W, 3); None if it is gone.
        actions: true actions, integers (N - 1,); None without any.
        remove: gives its room on the disk back.
    """

    record: SourceRecord
    measurements: Measurements
    read: Callable[[int, int], np.ndarray]
    picture: Callable[[int], np.ndarray | None]
    actions: np.ndarray | None
    remove: Callable[[], None]


def measure_again(stretches: list[Stretch], kept: Kept) -> Measurements:
    """Measure a recording of which only the kept stretches are at hand; the others read as black.

    Duplicates are looked for in kept stretches only, so this finds what the first look found.
    """
    measurer = Measurer()
    for stretch in stretches:
        for start in range(stretch.start, stretch.stop, PIECE):
            stop = min(start + PIECE, stretch.stop)
            if stretch.decision == "keep":
                measurer.add(kept.read(start, stop))
            else:
                measurer.add(np.zeros((stop - start, *kept.size, 3), np.uint8))
    return measurer.result()
