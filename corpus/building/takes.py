"""Recordings whose frames are at hand, each when its turn to be committed comes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from corpus.building.previous import Kept
from corpus.building.source_records import SourceRecord
from corpus.curation.measure import Measurements, Measurer
from corpus.curation.options import Stretch
from corpus.digest import EpisodeDigest
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


def measure_again(
    stretches: list[Stretch],
    kept: Kept,
    size: tuple[int, int],
    check: Callable[[int, str], None],
) -> Measurements:
    """Measure a recording of which only the kept stretches are at hand; the others read as black.

    Duplicates are looked for in kept stretches only, so this finds what the first look found.

    Args:
        stretches: what was decided.
        kept: where the kept ones lie.
        size: (H, W) of a frame.
        check: takes the place and the digest of each kept one, and refuses one that is damaged.
    """
    measurer = Measurer()
    for stretch in stretches:
        digest = EpisodeDigest()
        for start in range(stretch.start, stretch.stop, PIECE):
            stop = min(start + PIECE, stretch.stop)
            if stretch.decision == "keep":
                frames = kept.read(start, stop)
                digest.add(frames)
            else:
                frames = np.zeros((stop - start, *size, 3), np.uint8)
            measurer.add(frames)
        if stretch.decision == "keep":
            check(kept.place(stretch.start), digest.hexdigest())
    return measurer.result()
