"""Recordings to episodes, in order: the part of a build that only one process does."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from corpus.building.bar import BuildBar
from corpus.building.decisions import Curation
from corpus.building.dropped import save_dropped
from corpus.building.engine import Outcome, stage_all
from corpus.building.previous import Kept, Previous
from corpus.building.source_records import (
    SourceRecord,
    append_record,
    read_records,
    write_records,
)
from corpus.building.staging import StageOptions, open_staged, staged_frames
from corpus.building.takes import Take, measure_again
from corpus.curation.duplicates import Duplicates
from corpus.curation.measure import Measurements
from corpus.curation.repeats import repeat_pattern
from corpus.readers.base import Source
from corpus.store import PIECE
from corpus.writing.writer import CorpusWriter, partial_path

# Folders in DIR.partial, until the build is finished.
_STAGED = "staged"  # recordings wait there for their turn
_MEASURED = "measured"  # what resuming tells the search for duplicates again


class Committer:
    """Commits recordings to a writer, each as the stretches of it that are kept.

    Attributes:
        records: what became of the recordings so far.
    """

    def __init__(
        self,
        writer: CorpusWriter,
        sources: Sequence[Source],
        stamps: Sequence[str],
        curation: Curation,
        previous: Previous | None,
        strict: bool,
    ) -> None:
        """Go on behind what the writer has, with recordings and their stamps; see ``run``.

        Raises:
            ValueError: the interrupted build was of other recordings.
        """
        self._writer, self._curation, self._strict = writer, curation, strict
        self._previous = previous
        self._sources, self._stamps = sources, stamps
        self._partial = partial_path(writer.out)
        self._duplicates = Duplicates(writer.fps, curation.options)
        self._earlier: dict[str, tuple[SourceRecord, Kept]] = {}  # what is committed
        self._errors: list[str] = []  # why recordings were left out
        self.records = self._recover()

    def run(self, options: StageOptions, engine: str, jobs: int | None, progress: bool) -> None:
        """Commit every recording that is not committed yet.

        Raises:
            ValueError: a recording cannot be read, where this is to end the build.
        """
        done = len(self.records)
        todo = list(zip(self._sources, self._stamps, strict=True))[done:]
        fresh = [index for index, (source, _) in enumerate(todo) if not self._unchanged(source)]
        folders = [
            (self._partial / _STAGED / f"{done + index:06d}-{todo[index][1][:16]}").resolve()
            for index in fresh
        ]
        self._clear(folders)
        expected = sum(_expected_frames(source, options) for source, _ in todo)
        with BuildBar(self, expected, len(self._sources), progress) as bar:
            sources = [todo[index][0] for index in fresh]
            staging = stage_all(sources, options, folders, engine, jobs, bar.show)
            with contextlib.closing(staging) as staged:  # or workers go on after an interruption
                for source, mark in todo:
                    if self._unchanged(source):
                        self._commit(source, self._kept_before(source))
                    else:
                        self._commit_staged(source, mark, next(staged)[1])
                    bar.show()
        for folder in (_STAGED, _MEASURED):
            shutil.rmtree(self._partial / folder, ignore_errors=True)
        if not self._writer.records:
            raise ValueError(self._why_nothing())

    def _unchanged(self, source: Source) -> bool:
        return self._previous is not None and self._previous.has(source.name)

    def _clear(self, folders: list[Path]) -> None:
        """Remove what an interrupted build has staged and nobody asks for now."""
        wanted = {folder.name for folder in folders}
        staged = self._partial / _STAGED
        for folder in staged.iterdir() if staged.exists() else ():
            if folder.name not in wanted:
                shutil.rmtree(folder)

    def _recover(self) -> list[SourceRecord]:
        """Return the records of what is committed as a whole, and know its frames again."""
        records = read_records(self._partial)
        records = [record for record in records if record.stamp]  # others were never begun
        write_records(self._partial, records)
        for index, record in enumerate(records):
            given = self._sources[index].name if index < len(self._sources) else "none"
            if (given, self._stamps[index : index + 1]) != (record.file, [record.stamp]):
                raise ValueError(
                    f"{self._partial} has {record.file} as recording {index}, those given have "
                    f"{given} or it changed: give the same recordings, or delete the folder"
                )
            # The search for duplicates knows it again, if it has something left to search: what was
            # measured is removed before the corpus gets its name.
            if not record.left_out and len(records) < len(self._sources):
                measured = self._measured(index)
                if not measured.exists():
                    raise ValueError(
                        f"{self._partial} is a build of {len(records)} recordings that lacks only "
                        "its name: go on with these, then give all with --update, or delete "
                        "the folder"
                    )
                measurements = Measurements.load(measured)
                self._duplicates.remember(record.file, measurements, record.decided())
                self._know(record)
        return records

    def _measured(self, index: int) -> Path:
        """Where measurements are kept for a build that resumes this one."""
        folder = self._partial / _MEASURED
        folder.mkdir(exist_ok=True)
        return folder / f"{index:06d}.npz"

    def _know(self, record: SourceRecord) -> None:
        """Remember where the kept frames of a committed recording lie."""
        start = max((kept.stop for _, kept in self._earlier.values()), default=0)
        kept = Kept(self._read_committed, record.kept, start)
        self._earlier[record.file] = record, kept

    def _read_committed(self, start: int, stop: int) -> np.ndarray:
        return np.asarray(self._writer.committed_frames[start:stop])

    def _kept_before(self, source: Source) -> Take:
        """Take a recording from the corpus that is updated."""
        record, kept, actions = self._previous.take(source.name)
        return Take(
            record=record,
            measurements=measure_again(
                record.decided(), kept, self._previous.size, self._previous.check
            ),
            read=kept.read,
            picture=partial(self._previous.dropped, record),
            actions=actions,
            remove=lambda: None,
        )

    def _staged(self, source: Source, mark: str, folder: Path) -> Take:
        """Take a recording that was staged, and decide on it."""
        staged, fps = open_staged(folder), self._writer.fps
        stretches = self._curation.decide(source.name, staged.measurements, fps)
        return Take(
            record=SourceRecord(
                file=source.name,
                stamp=mark,
                picture=[source.height, source.width],
                fps=fps,
                notes=[*staged.notes, *_repeats(staged.measurements, fps)],
                stretches=[dataclasses.astuple(stretch) for stretch in stretches],
            ),
            measurements=staged.measurements,
            read=staged.frames.read,
            picture=lambda number: staged.frames.read(number, number + 1)[0],
            actions=staged.actions,
            remove=lambda: shutil.rmtree(folder),
        )

    def _commit_staged(self, source: Source, mark: str, outcome: Outcome) -> None:
        """Commit a recording that was staged, or leave it out."""
        try:
            if isinstance(outcome, Exception):
                raise outcome
            take = self._staged(source, mark, outcome)
        except (ValueError, OSError, ModuleNotFoundError) as error:
            self._leave_out(source, mark, error)
        else:
            self._commit(source, take)

    def _leave_out(self, source: Source, mark: str, error: Exception) -> None:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if self._strict or full or isinstance(error, ModuleNotFoundError):
            raise error
        self._errors.append(str(error))
        reason = str(error).removeprefix(str(source.path)).removeprefix(source.name).lstrip(": ")
        self._append(SourceRecord(file=source.name, stamp=mark, left_out=reason))

    def _commit(self, source: Source, take: Take) -> None:
        """Write the kept stretches of a recording, each as an episode, and its record."""
        take.measurements.save(self._measured(len(self.records)))
        stretches = self._duplicates.split(
            source.name,
            take.measurements,
            take.record.decided(),
            partial(self._frames, take),
            self._curation.wanted(source.name, len(take.measurements), self._writer.fps),
        )
        kept = [stretch for stretch in stretches if stretch.decision == "keep"]
        committed = sum(record.get("file") == source.name for record in self._writer.records)
        for stretch in kept[committed:]:  # an interruption may have left the first ones
            for start in range(stretch.start, stretch.stop, PIECE):
                self._writer.add(take.read(start, min(start + PIECE, stretch.stop)))
            record = {
                "file": source.name,
                "span": [stretch.start, stretch.stop],
                "video": list(take.record.picture),
            }
            actions = take.actions
            if actions is not None:
                actions = actions[stretch.start : stretch.stop - 1]
            self._writer.end_episode(record, actions)
        for stretch in stretches:
            middle = (stretch.start + stretch.stop) // 2
            if stretch.decision == "drop" and (frame := take.picture(middle)) is not None:
                save_dropped(self._partial, source.name, stretch.start, frame)
        plain = [dataclasses.astuple(stretch) for stretch in stretches]
        self._append(dataclasses.replace(take.record, stretches=plain))
        self._know(self.records[-1])
        take.remove()

    def _frames(self, take: Take, name: str, start: int, stop: int) -> np.ndarray | None:
        """Frames of one recording, this or an earlier one; None unless all of them are kept."""
        record, read = take.record, take.read
        if name != record.file:
            record, kept = self._earlier[name]
            read = kept.read
        return read(start, stop) if record.keeps(start, stop) else None

    @property
    def num_frames(self) -> int:
        """How many frames are staged or decided on so far."""
        decided = (record.stretches[-1][1] for record in self.records if record.stretches)
        return sum(decided) + staged_frames(self._partial / _STAGED)

    def _why_nothing(self) -> str:
        """Say why no episode came of any recording."""
        if self._errors:
            more = f" (and {len(self._errors) - 1} more)" if len(self._errors) > 1 else ""
            return self._errors[0] + more
        reasons = {stretch.reason for record in self.records for stretch in record.decided()}
        return f"everything was dropped ({', '.join(sorted(reasons))}): see --keep"

    def _append(self, record: SourceRecord) -> None:
        append_record(self._partial, record)
        self.records.append(record)


def _repeats(measurements: Measurements, fps: float) -> list[str]:
    """Say that a game was recorded at a higher rate than it draws; nothing otherwise."""
    factor = repeat_pattern(measurements)
    if factor is None:
        return []
    return [f"each picture is shown {round(1 / factor)} times: --fps {fps * factor:g} loses none"]


def _expected_frames(source: Source, options: StageOptions) -> int:
    """About how many frames a recording will give."""
    if options.fps is None or not source.fps:
        return source.frames
    return round(source.frames / source.fps * options.fps)
