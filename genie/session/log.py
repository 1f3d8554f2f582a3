"""The session log: every frame that was played, as tokens, in one append-only file.

Recording, replay, rewinding, branches, saved states, crash recovery and "the last ten seconds" are
views of it. A record holds a frame and names the record that it follows, so a log is a tree: to go
back in time and play on is to append a record that follows an older one, and to edit a frame is to
append one that follows what the frame follows. Nothing is ever changed.

Each record goes to the system in one write, so a program that is killed loses at most the frame it
was writing.
"""

from __future__ import annotations

import array
import os
from collections.abc import Container, Iterable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from corpus.lock import Lock
from genie.session.format import (
    EDITED,
    MISSING,
    NONE,
    Damage,
    FrameRecord,
    numbered,
    origin,
    pack,
    read_records,
    record_type,
    unpack,
)
from genie.session.header import Header, header_bytes, read_header
from genie.session.repair import keep_copy
from spacetime.partial import plain, write_atomic

_LARGEST = 1 << 30  # bytes of a log: days of play
_CHUNK = 1024  # records that memory grows by


class Session:
    """A tree of frames in memory (as tokens), and its log on disk where it has one.

    Attributes:
        header: what all frames share.
        path: of the log, or None.
        error: why there is no log or it stopped growing, and where; empty while all is well.
        missing: records that stand for damaged ones.
        edited: records of edited frames.
        damage: what was wrong with the log when it was read.
        original: the copy of the damaged log that was made before this one was written, or None.
        has_check: whether the header that was read has a checksum; older logs have none.
    """

    def __init__(self, header: Header) -> None:
        """Begin without a frame and without a log; `log_to` gives it one."""
        self.header = header
        self.path: Path | None = None
        self.error = ""
        self.missing: set[int] = set()
        self.edited: set[int] = set()
        self.damage, self.has_check = Damage(), True
        self.original: Path | None = None
        self._layout = record_type(header.tokens)
        self._chunks: list[np.ndarray] = []
        self._parents = array.array("I")
        self._depths = array.array("I")
        self._file: BinaryIO | None = None
        self._lock: Lock | None = None

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._parents)

    def __getitem__(self, index: int) -> FrameRecord:
        """Return a record; raises IndexError if there is none of that number."""
        if not 0 <= index < len(self):
            raise IndexError(f"there is no record {index}: the session has {len(self)}")
        return unpack(self._record(index))

    def append(self, frame: FrameRecord) -> int:
        """Add a frame; returns its number.

        An error of the disk ends the log (see `error`), not the play.

        Raises:
            ValueError: if its parent does not exist, or it has another number of tokens.
        """
        if frame.parent is not None and not 0 <= frame.parent < len(self):
            raise ValueError(f"a frame follows record {frame.parent}, there are {len(self)}")
        if frame.ids.shape != (self.header.tokens,):
            raise ValueError(f"a frame here has {self.header.tokens} tokens, got {frame.ids.shape}")
        record = pack(frame, self._layout)
        self._store(record)
        self._log(record.tobytes())
        return len(self) - 1

    def frame_number(self, index: int) -> int:
        """Return how many frames come before a record on its line, prompt frames included."""
        return self._depths[index]

    def line(self, head: int, length: int | None = None) -> np.ndarray:
        """Return the records that lead to `head`, the last `length` of them if given.

        Returns:
            int64 (T,): numbers of records, `head` last.
        """
        return self._walk(head, length, ())

    def history(self, head: int, length: int | None = None) -> np.ndarray:
        """Return the end of `line` that frames after `head` may depend on.

        It begins with the last edited frame: the world is not shown what came before.
        """
        return self._walk(head, length, self.edited)

    def ids(self, records: Iterable[int]) -> np.ndarray:
        """Return the tokens of records, uint16 (T, N)."""
        rows = [self._record(int(index))["ids"] for index in records]
        return np.stack(rows) if rows else np.zeros((0, self.header.tokens), np.uint16)

    def actions(self, records: Iterable[int]) -> np.ndarray:
        """Return the actions that led to records, int64 (T,); A where none was given."""
        return np.array([self._record(int(index))["action"] for index in records], np.int64)

    def ends(self) -> list[int]:
        """Return the last record of every branch; a frame edited at once is none."""
        over, open_ends = set(self._parents), {}
        for index in range(len(self)):
            if index in self.edited:
                over.add(open_ends.get(origin(self._record(index)), NONE))
            if index not in over:
                open_ends[origin(self._record(index))] = index
        return [index for index in range(len(self)) if index not in over]

    def problems(self) -> str:
        """Return all that is wrong with the log in part of a line; empty if nothing is."""
        older = sorted(self.missing - set(self.damage.lost))
        known = f"{numbered(older)} missing since an earlier repair" if older else ""
        return ", ".join(filter(None, (str(self.damage), known)))

    def adopt(self, other: Session, head: int) -> int:
        """Copy the line that leads to a record of another session, unless it is here already.

        Returns:
            The number of its last record here.

        Raises:
            ValueError: if it was played in another world, or under another seed.
        """
        self.header.check_takes(other.header)
        here = self._find(other, other.line(head))
        if here is not None:
            return here
        parent = None
        for index in other.line(head):
            parent = self.append(replace(other[int(index)], parent=parent))
        return parent

    def cut(self, head: int) -> Session:
        """Return a session, without a log, of only the line that leads to a record."""
        only = Session(self.header)
        only.adopt(self, head)
        return only

    def write(self, path: Path | str) -> None:
        """Write all of it as one file, atomically."""
        body = b"".join(chunk.tobytes() for chunk in self._chunks)
        write_atomic(path, header_bytes(self.header) + body[: len(self) * self._layout.itemsize])

    def log_to(self, path: Path | str) -> None:
        """Write a log from here on, with what was played so far; makes its folder.

        Raises:
            LockedError: if another program writes it.
            OSError: if it cannot be written.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(path)
        try:
            self.write(path)
            self._open(path)
        finally:
            self._unlock_unless_open()

    def close(self) -> None:
        """Flush the log to the disk and close it."""
        file, self._file = self._file, None
        try:
            if file is not None:
                with file:
                    os.fsync(file.fileno())
        finally:
            self._unlock_unless_open()

    @classmethod
    def read(cls, path: Path | str) -> Session:
        """Read a log; `damage` says what was wrong with it, the file stays as it is.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no session log, or of a newer format.
        """
        found = read_header(path)
        if Path(path).stat().st_size > _LARGEST:
            raise ValueError(f"{path} is larger than {_LARGEST} bytes: it is no log of a play")
        session = cls(found.header)
        records, damage = read_records(
            Path(path).read_bytes()[found.size :], session._layout, len(found.header.card.actions)
        )
        for record in records:
            session._store(record)
        session.damage = replace(damage, header=found.damaged)
        session.has_check = found.has_check
        return session

    @classmethod
    def resume(cls, path: Path | str) -> Session:
        """Read a log and go on writing it; of a damaged one, the original is kept as a copy.

        Raises:
            LockedError: if another program writes it.
            OSError: if it cannot be written.
            ValueError: as `read` does.
        """
        path = Path(path)
        lock = Lock(path) if path.is_file() else None
        try:
            session = cls.read(path)
            if session.damage:
                session.original = keep_copy(path)
                session.write(path)
            session._open(path)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        session._lock = lock
        return session

    def _find(self, other: Session, line: np.ndarray) -> int | None:
        """Return the record that ends a line like one of another session, or None."""
        wanted = other._contents(line)
        for index in np.flatnonzero(np.array(self._depths) == len(line) - 1):
            same = np.array_equal(self._record(int(index))["ids"], wanted[0][-1])
            if same and all(map(np.array_equal, self._contents(self.line(int(index))), wanted)):
                return int(index)
        return None

    def _contents(self, line: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Not tokens alone: other keys, or an edit, may have led to the same ones.
        return self.ids(line), self.actions(line), np.isin(line, list(self.edited))

    def _walk(self, head: int, length: int | None, last: Container[int]) -> np.ndarray:
        """Return the records that lead to `head`, back to one of `last` or the first."""
        found: list[int] = []
        index = head
        while index != NONE and (length is None or len(found) < length):
            found.append(index)
            index = NONE if index in last else self._parents[index]
        return np.array(found[::-1], dtype=np.int64)

    def _record(self, index: int) -> np.void:
        return self._chunks[index // _CHUNK][index % _CHUNK]

    def _store(self, record: np.ndarray) -> None:
        index, parent = len(self), int(record["parent"])
        if index % _CHUNK == 0:
            self._chunks.append(np.zeros(_CHUNK, self._layout))
        self._chunks[-1][index % _CHUNK] = record
        self._depths.append(0 if parent == NONE else self._depths[parent] + 1)
        self._parents.append(parent)
        if record["order"] == MISSING:
            self.missing.add(index)
        elif record["order"] >= EDITED:
            self.edited.add(index)

    def _open(self, path: Path) -> None:
        self.path = path
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115  (open until `close`)

    def _unlock_unless_open(self) -> None:
        if self._file is None and self._lock is not None:
            self._lock.release()

    def _log(self, data: bytes) -> None:
        if self._file is None:
            return
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            self._file.close()
            self._file, self.error = None, f"{plain(error)} at frame {self._depths[-1]}"
            self._unlock_unless_open()
