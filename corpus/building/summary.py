"""What became of the recordings of a build, in words, and as a file to edit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from corpus.building.source_records import SourceRecord, read_records
from corpus.curation.overrides import decisions_of
from corpus.curation.overrides import write_decisions as write_rows
from corpus.storage import location

MOST_LINES = 20  # of each kind that are printed; all of them are in sources.jsonl


def summarize(path: str | Path) -> list[str]:
    """Say what a build kept, dropped and left out, and what the user should know.

    Args:
        path: a corpus that ``genie corpus build`` made; nothing is said of another.
    """
    records = read_records(location(path))
    if not records:
        return []
    taken = [record for record in records if not record.left_out]
    kept = [stretch for record in taken for stretch in record.kept]
    frames = sum(stretch.stop - stretch.start for stretch in kept)
    lines = [
        f"{len(taken)} of {len(records)} recordings gave {len(kept)} episodes of {frames:,} frames"
    ]
    lines += _dropped(taken)
    notes = [f"{record.file}: {note}" for record in taken for note in record.notes]
    lines += _shortened(notes, "notes")
    left_out = [f"left out: {r.file} {r.left_out}" for r in records if r.left_out]
    return lines + _shortened(left_out, "recordings left out")


def write_decisions(path: str | Path, file: str | Path) -> Path:
    """Write what was kept and dropped as a csv file that ``--decisions`` reads.

    Raises:
        ValueError: the corpus does not say.
    """
    records = read_records(location(path))
    if not records:
        raise ValueError(f"{path} does not say what was dropped: genie corpus build made no part")
    rows = (row for r in records for row in decisions_of(r.file, r.decided(), r.fps))
    write_rows(file, rows)
    return Path(file)


def _dropped(records: list[SourceRecord]) -> list[str]:
    """How much was dropped for which kind of reason."""
    frames: Counter[str] = Counter()
    for record in records:
        for stretch in record.decided():
            if stretch.decision == "drop":
                frames[stretch.reason.split(" of ")[0]] += stretch.stop - stretch.start
    words = ", ".join(f"{count:,} {reason}" for reason, count in frames.most_common())
    return [f"dropped frames: {words}"] if frames else []


def _shortened(lines: list[str], what: str) -> list[str]:
    rest = len(lines) - MOST_LINES
    if rest <= 0:
        return lines
    return [*lines[:MOST_LINES], f"and {rest} more {what}: see sources.jsonl"]
