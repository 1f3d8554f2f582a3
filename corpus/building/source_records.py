"""What became of each recording of a build: ``sources.jsonl``, one line for each.

It is what a build goes on from, what a later one compares with, and what people read to see why a
part of their footage is not there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from corpus.curation.options import Stretch
from corpus.readers import sidecar
from corpus.readers.base import ReadOptions, Source
from corpus.readers.find import is_corpus
from corpus.readers.registry import READERS
from corpus.whole_file import read_lines

SOURCES_FILE = "sources.jsonl"
_EDGE = 1 << 16  # bytes at each end of a file that its stamp looks at


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceRecord:
    """What became of one recording.

    Attributes:
        file: its name in the corpus.
        stamp: of it and of its true actions, see ``stamps_of``; "" if left out early.
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


def read_records(folder: Path | Any) -> list[SourceRecord]:
    """Read ``sources.jsonl`` of a corpus, finished or not; a torn last line is left out.

    Raises:
        ValueError: a line is damaged.
    """
    path = folder / SOURCES_FILE
    if not path.is_file():
        return []
    *lines, _ = read_lines(path)
    names = {field.name for field in dataclasses.fields(SourceRecord)}
    records = []
    for number, line in enumerate(lines, 1):
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


def stamps_of(sources: Sequence[Source], options: ReadOptions) -> list[str]:
    """Digest of each recording what a change of it would change.

    Of a file that is its size and its ends, of a folder the sizes of its files: one that is edited
    in place at equal size and with equal ends is not noticed, as a hash of all of it would read
    hours of video once more. The file of true actions beside it counts as a whole.
    """
    found, path, content = [], None, b""
    for source in sources:
        if source.path != path:  # the recordings of one file follow each other
            path, content = source.path, _content(source, options)
        digest = hashlib.sha256(f"{source.reader} {source.number}".encode() + content)
        found.append(digest.hexdigest())
    return found


def _content(source: Source, options: ReadOptions) -> bytes:
    """What is digested of a file or folder of recordings, and of the actions beside it."""
    path = source.path
    if path.is_dir():
        files = sorted(_files(path, READERS[source.reader].takes_subfolders))
        lines = (f"{file.relative_to(path).as_posix()} {file.stat().st_size}\n" for file in files)
        content = "".join(lines).encode("utf-8", "surrogateescape")
    else:
        size = path.stat().st_size
        with path.open("rb") as file:
            content = f"{size}\n".encode() + file.read(_EDGE)
            file.seek(max(0, size - _EDGE))
            content += file.read(_EDGE)
    actions = sidecar.find(path, options) if source.has_actions else None
    if actions is not None:
        with contextlib.suppress(OSError):  # who reads them says why it cannot
            content += hashlib.sha256(actions.read_bytes()).digest()
    return content


def _files(folder: Path, below: bool) -> Iterator[Path]:
    """The files of a folder that a reader may read, also in those below, but for corpora there."""
    for here, folders, files in os.walk(folder):
        kept = [name for name in folders if name[0] != "." and not is_corpus(Path(here, name))]
        folders[:] = kept if below else []
        visible = (Path(here, name) for name in files if name[0] != ".")
        yield from (file for file in visible if file.is_file())
