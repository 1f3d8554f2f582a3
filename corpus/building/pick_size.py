"""The size of the frames of a build that leaves it to what the recordings show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.curation.borders import find_borders
from corpus.frame_size import SizeChoice, choose_size
from corpus.readers.base import Box, ReadOptions, Source
from corpus.readers.layout import check_crop
from corpus.readers.read import Samples, look

RECORDINGS = 4  # that are looked at, the longest ones
SAMPLES = 96  # pictures of each


def pick_size(
    sources: Sequence[Source],
    options: ReadOptions,
    fit: str = "crop",
    crop: Box | None = None,
    cut_borders: bool = True,
) -> SizeChoice:
    """Look at the longest recordings and choose a size.

    Args:
        sources: all recordings of a build.
        options: what the user says of them.
        fit: how another shape is made to fit: ``crop`` or ``pad``.
        crop: the part of the picture that is kept; None: all, without borders where they are cut.
        cut_borders: whether bars of one colour around the picture are cut away.

    Raises:
        ValueError: none of them can be read.
    """
    seen, damage = [], None
    for source in sorted(sources, key=lambda source: -source.frames)[:RECORDINGS]:
        try:
            check_crop(source, crop)
            samples = look(source, options, SAMPLES)
            seen.append(_kept(samples, crop, cut_borders))
        except ValueError as error:  # the build names it with its reason, and goes on
            damage = error
    if not seen:
        raise ValueError(f"--size auto has nothing to look at: {damage}")
    return choose_size(seen, fit)


def _kept(samples: Samples, crop: Box | None, cut_borders: bool) -> np.ndarray:
    """Return the part of the pictures that is kept: uint8 (S, h, w, 3)."""
    if cut_borders and crop is None and (found := find_borders(samples.pictures)):
        crop = samples.shown(found)
    return np.stack(samples.within(crop))
