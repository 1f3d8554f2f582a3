"""What curation and the user decide of the recordings of a build."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from corpus.building.previous import COPY_OF
from corpus.building.source_records import SourceRecord
from corpus.curation.decide import decide
from corpus.curation.measure import Measurements
from corpus.curation.options import CurationOptions, Stretch
from corpus.curation.overrides import Override, kept_spans, lay_over
from corpus.readers.base import Source

MOST_NAMED = 5  # recordings that a message lists
SURE = 1.1  # times the length that a recording says it has, and a second: behind it is nothing


@dataclasses.dataclass(frozen=True, kw_only=True)
class Curation:
    """How stretches are decided on.

    Attributes:
        options: thresholds, and what is looked for.
        overrides: what the user decided otherwise.
    """

    options: CurationOptions
    overrides: list[Override]

    def decide(self, name: str, measurements: Measurements, fps: float) -> list[Stretch]:
        """Partition a recording into what is kept and what is dropped."""
        stretches = decide(measurements, fps, self.options)
        return lay_over(stretches, self.overrides, name, fps, self.options.shortest)

    def wanted(self, name: str, frames: int, fps: float) -> list[tuple[int, int]]:
        """List the spans of a recording of so many frames that the user keeps."""
        return kept_spans(self.overrides, name, frames, fps)

    def settles(self, record: SourceRecord) -> bool:
        """Whether nothing that the user keeps was dropped as a copy, as it was in older corpora."""
        wanted = self.wanted(record.file, record.stretches[-1][1], record.fps)
        return not any(
            copy.start < stop and start < copy.stop
            for copy in record.decided()
            for start, stop in wanted
            if copy.reason.startswith(COPY_OF)
        )


def refuse_strange_rows(
    rows: Sequence[Override], sources: Sequence[Source], others: Collection[str]
) -> None:
    """Refuse decisions that cannot be meant, before hours of video are read.

    Args:
        rows: what the user decided.
        sources: the recordings that are read.
        others: names that rows may have as well: of what was left out, or built before.

    Raises:
        ValueError: a row is of no recording, or begins far behind the end of one.
    """
    ends = {item.name: float(item.frames / item.fps) if item.fps else 0.0 for item in sources}
    for row in rows:
        if row.file not in ends and row.file not in others:
            named = ", ".join(list(ends)[:MOST_NAMED]) + ", …" * (len(ends) > MOST_NAMED)
            raise ValueError(
                f"--decisions has a row of {row.file!r}, which is none of the recordings: {named}"
            )
        end = ends.get(row.file)
        if end and row.start is not None and row.start > SURE * end + 1:
            raise ValueError(
                f"--decisions has a row of {row.file} from {row.start:g} s on, which ends at about "
                f"{end:.1f} s"
            )
