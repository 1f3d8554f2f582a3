"""What is kept of one recording, from its measurements alone."""

from __future__ import annotations

import dataclasses

import numpy as np

from corpus.curation.cuts import find_cuts, gradual_frames
from corpus.curation.measure import Measurements
from corpus.curation.options import CurationOptions, Stretch
from corpus.curation.still import flat_frames, frozen_frames, long_runs, menu_frames

# Later ones win where several hold.
REASONS = ("", "fade or dissolve", "menu or loading screen", "frozen", "single colour", "black")
GRADUAL, MENU, FROZEN, FLAT, BLACK = range(1, len(REASONS))
DARK = 32  # mean brightness up to which one colour is called black
SHORT = "too short"


def decide(m: Measurements, fps: float, options: CurationOptions) -> list[Stretch]:
    """Divide a recording into stretches to keep and to drop.

    Args:
        m: the measurements of its N frames.
        fps: frames per second.
        options: what to look for.

    Returns:
        Stretches that cover 0 to N without gaps, in order. Each kept one is an episode.
    """
    if not len(m):
        return []
    why = _reasons(m, fps, options)
    cuts = find_cuts(m, options.cut_probability) if options.cuts else np.zeros(0, int)
    edges = np.unique(
        np.concatenate([[0], np.flatnonzero(np.diff(why)) + 1, cuts[why[cuts] == 0], [len(m)]])
    ).astype(int)
    flat = flat_frames(m, options.flat_contrast)
    stretches = []
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        reason = REASONS[why[start]]
        if not reason and options.flat and flat[start:stop].all():
            # Between two cuts, even a single frame of one colour is no flash.
            reason = REASONS[BLACK if m.brightness[start] <= DARK else FLAT]
        stretches.append(Stretch(start, stop, "drop" if reason else "keep", reason))
    return tidy(stretches, options.shortest)


def tidy(stretches: list[Stretch], shortest: int) -> list[Stretch]:
    """Drop kept stretches that are too short, join dropped ones of one reason, and mark cuts."""
    if not stretches:
        return []
    tidied: list[Stretch] = []
    for stretch, following in zip(stretches, [*stretches[1:], None], strict=True):
        kept = stretch.decision == "keep"
        if kept and stretch.stop - stretch.start < shortest:
            beside = [s for s in (following, *tidied[-1:]) if s and s.decision == "drop"]
            reason = beside[0].reason if beside else SHORT
            stretch = dataclasses.replace(stretch, decision="drop", reason=reason)
        elif kept:
            follows = bool(tidied) and tidied[-1].decision == "keep"
            stretch = dataclasses.replace(stretch, reason="cut" if follows else "")
        last = tidied[-1] if tidied else None
        if last and last.decision == stretch.decision == "drop" and last.reason == stretch.reason:
            tidied[-1] = dataclasses.replace(last, stop=stretch.stop)
        else:
            tidied.append(stretch)
    return tidied


def _reasons(m: Measurements, fps: float, options: CurationOptions) -> np.ndarray:
    """Number of the reason to drop each frame, 0 for none, int (N,)."""
    why = np.zeros(len(m), np.int8)
    if options.gradual:
        why[gradual_frames(m, options.gradual_probability)] = GRADUAL
    frozen = np.zeros(len(m), bool)
    if options.frozen:
        frozen = frozen_frames(m, options.frozen_noise, options.frozen_seconds * fps)
    if options.menus:
        length = max(2, round(options.menu_seconds * fps))
        why[menu_frames(m, options.menu_share, length, frozen)] = MENU
    why[frozen] = FROZEN
    if options.flat:
        shortest = max(3, options.flat_seconds * fps)
        flat = long_runs(flat_frames(m, options.flat_contrast), shortest)
        why[flat] = np.where(m.brightness[flat] <= DARK, BLACK, FLAT)
    return why
