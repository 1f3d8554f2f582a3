"""Decisions in a csv file, with columns file, start, stop, decision and reason.

What a build decided is written in this form, and what a user decides instead is read from it.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from corpus.curation.decide import tidy
from corpus.curation.options import SHORTEST, Stretch

COLUMNS = ["file", "start", "stop", "decision", "reason"]
DECISIONS = ("keep", "drop", "cut")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Override:
    """One row.

    Attributes:
        file: as the corpus names it.
        start: seconds; None with ``stop`` for the whole file.
        stop: seconds, exclusive; for "cut" it may be None.
        decision: "keep", "drop", or "cut" at ``start``.
        reason: why, for people.
    """

    file: str
    start: float | None
    stop: float | None
    decision: str
    reason: str


def read_overrides(path: Path) -> list[Override]:
    """Read a file strictly.

    Raises:
        ValueError: a row is wrong; the line says which, and how.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, None)
            if header != COLUMNS:
                raise ValueError(f"{path}, line 1: the columns must be {','.join(COLUMNS)}")
            return [_row(row, f"{path}, line {rows.line_num}") for row in rows if row]
    except csv.Error as error:
        raise ValueError(f"{path} is not a csv file: {error}") from error


def write_decisions(path: Path, rows: Iterable[Override]) -> None:
    """Write rows in the form that ``read_overrides`` reads."""
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            times = ["" if time is None else f"{time:.3f}" for time in (row.start, row.stop)]
            writer.writerow([row.file, *times, row.decision, row.reason])


def decisions_of(file: str, stretches: Iterable[Stretch], fps: float) -> list[Override]:
    """Say the stretches of one file as rows."""
    return [
        Override(
            file=file,
            start=stretch.start / fps,
            stop=stretch.stop / fps,
            decision=stretch.decision,
            reason=stretch.reason,
        )
        for stretch in stretches
    ]


def lay_over(
    stretches: list[Stretch],
    overrides: Iterable[Override],
    file: str,
    fps: float,
    shortest: int = SHORTEST,
) -> list[Stretch]:
    """Let the rows of one file replace what was decided; later rows win.

    A kept row is one episode: what was decided inside, also cuts, no longer holds.

    Raises:
        ValueError: a row begins behind the end of the file.
    """
    frames = stretches[-1].stop if stretches else 0
    why = np.empty(frames, object)
    begins = np.zeros(frames + 1, bool)
    for stretch in stretches:
        why[stretch.start : stretch.stop] = [(stretch.decision, stretch.reason)] * (
            stretch.stop - stretch.start
        )
        begins[stretch.start] = True
    for row in overrides:
        if row.file != file:
            continue
        start, stop = _span(row, frames, fps)
        if start >= frames:
            raise ValueError(
                f"{file} ends at {frames / fps:.3f} s, before the {row.decision} at {row.start} s"
            )
        begins[start] = True
        if row.decision != "cut":
            why[start:stop] = [(row.decision, row.reason)] * (stop - start)
            begins[start + 1 : stop] = False
            begins[stop] = True
    starts = np.flatnonzero(begins[:frames]).tolist()
    result = [
        Stretch(start, stop, *why[start])
        for start, stop in zip(starts, [*starts[1:], frames], strict=True)
    ]
    return tidy(result, shortest)


def kept_spans(
    overrides: Iterable[Override], file: str, frames: int, fps: float
) -> list[tuple[int, int]]:
    """List the spans of one file of so many frames that rows keep: (first, one behind the last)."""
    return [
        _span(row, frames, fps) for row in overrides if row.file == file and row.decision == "keep"
    ]


def _span(row: Override, frames: int, fps: float) -> tuple[int, int]:
    start = 0 if row.start is None else round(row.start * fps)
    return start, frames if row.stop is None else min(frames, round(row.stop * fps))


def _row(row: list[str], place: str) -> Override:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{place}: {len(row)} columns, not {len(COLUMNS)}")
    file, start, stop, decision, reason = row
    if not file:
        raise ValueError(f"{place}: no file is named")
    if decision not in DECISIONS:
        raise ValueError(f"{place}: the decision is {decision!r}; give {', '.join(DECISIONS)}")
    begin, end = _seconds(start, place), _seconds(stop, place)
    if decision == "cut":
        if begin is None:
            raise ValueError(f"{place}: a cut needs its start in seconds")
        if end not in (None, begin):
            raise ValueError(f"{place}: a cut has no length: leave its stop empty")
    elif (begin is None) != (end is None):
        raise ValueError(f"{place}: give both start and stop, or neither for the whole file")
    elif begin is not None and end is not None and end <= begin:
        raise ValueError(f"{place}: it stops at {end} s, not after its start at {begin} s")
    stop_at = None if decision == "cut" else end
    return Override(file=file, start=begin, stop=stop_at, decision=decision, reason=reason)


def _seconds(text: str, place: str) -> float | None:
    if not text.strip():
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{place}: {text!r} is no time in seconds")
    return seconds
