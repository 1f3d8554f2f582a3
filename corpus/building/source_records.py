"""What became of each recording of a build: ``sources.jsonl``, one line for each.

It is what a build goes on from, what a later one compares with, and what people read to see why a
part of their footage is not there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from corpus.curation.options import Stretch
from corpus.readers.base import Source

SOURCES_FILE = "sources.jsonl"
_EDGE = 1 << 16  # bytes at each end of a file that its stamp looks at


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceRecord:
    """What became of one recording.

    Attributes:
        file: its name in the corpus.
        stamp: a digest of its size and its ends, to notice that it changed; "" if left out early.
        picture: [height, width] as it is shown, in pixels; [] if left out early.
        fps: frames per second of the corpus, in which ``stretches`` count; 0 if left out early.
        notes: what the user should know.
        stretches: [start, stop, decision, reason] over all its frames; the kept ones are episodes.
        left_out: why nothing of it was taken, or "".
    """

    file: str
    stamp: str = ""
    picture: Sequence[int] = ()
    fps: float = 0.0
    notes: Sequence[str] = ()
    stretches: Sequence[Sequence] = ()
    left_out: str = ""

    def decided(self) -> list[Stretch]:
        """Return the stretches as what they are."""
        return [Stretch(*stretch) for stretch in self.stretches]

    @property
    def kept(self) -> list[Stretch]:
        """The stretches that are episodes, in order."""
        return [stretch for stretch in self.decided() if stretch.decision == "keep"]

    def keeps(self, start: int, stop: int) -> bool:
        """Whether all of frames start to stop - 1 are in episodes."""
        kept = [min(s.stop, stop) - max(s.start, start) for s in self.kept]
        return sum(max(0, length) for length in kept) == stop - start

    def line(self) -> str:
        """Return the record as one line of json."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False) + "\n"


def read_records(folder: Path) -> list[SourceRecord]:
    """Read ``sources.jsonl`` of a corpus, finished or not; a torn last line is left out.

    Raises:
        ValueError: a line is damaged.
    """
    path = folder / SOURCES_FILE
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    names = {field.name for field in dataclasses.fields(SourceRecord)}
    records = []
    for number, line in enumerate(lines, 1):
        if not line.endswith("\n"):
            break
        try:
            values = json.loads(line)
            if set(values) != names:
                raise ValueError("other fields")
            records.append(SourceRecord(**values))
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(
                f"{path} is damaged in line {number}: build the corpus again"
            ) from error
    return records


def write_records(folder: Path, records: Iterable[SourceRecord]) -> None:
    """Write ``sources.jsonl`` anew."""
    new = folder / (SOURCES_FILE + ".new")
    new.write_text("".join(record.line() for record in records), encoding="utf-8")
    new.replace(folder / SOURCES_FILE)


def append_record(folder: Path, record: SourceRecord) -> None:
    """Append one recording that is committed as a whole."""
    with (folder / SOURCES_FILE).open("a", encoding="utf-8") as file:
        file.write(record.line())


def stamp(source: Source) -> str:
    """Digest of what a change of the recording would change: sizes, and the ends of its file.

    A file that is edited in place at equal size and with equal ends is not noticed: a hash of all
    of it would read hours of video once more.
    """
    digest = hashlib.sha256(f"{source.reader} {source.number}".encode())
    if source.path.is_dir():
        for path in sorted(source.path.rglob("*")):
            if path.is_file():
                name = path.relative_to(source.path).as_posix()
                digest.update(f"{name} {path.stat().st_size}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()
    size = source.path.stat().st_size
    with source.path.open("rb") as file:
        digest.update(f"{size}\n".encode() + file.read(_EDGE))
        file.seek(max(0, size - _EDGE))
        digest.update(file.read(_EDGE))
    return digest.hexdigest()
