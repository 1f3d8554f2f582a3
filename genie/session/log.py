"""The session log: every frame that was played, as tokens, in one append-only file.

Recording, replay, rewinding, branches, saved moments, crash recovery and "the last ten seconds" are
views of it. A record holds a frame and names the record that it follows, so a log is a tree: to go
back in time and play on is to append a record that follows an older one. Nothing is ever changed.

Each record goes to the system in one write, so a program that is killed loses at most the frame it
was writing; what is torn at the end of a file is dropped when it is read.
"""

from __future__ import annotations

import array
import os
import platform
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from genie.library.card import NamedAction, WorldCard
from genie.session.format import (
    MOST_CODES,
    NONE,
    FrameRecord,
    Header,
    header_bytes,
    pack,
    read_header,
    record_type,
    sound_records,
    unpack,
)

_CHUNK = 1024  # records that memory grows by


class Session:
    """A tree of frames in memory (as tokens), and its log on disk where it has one.

    Attributes:
        header: what all frames share.
        path: of the log, or None.
        error: why the log stopped growing, such as a full disk; empty while all is well.
    """

    def __init__(self, header: Header) -> None:
        """Begin without a frame and without a log; `log_to` gives it one."""
        self.header = header
        self.path: Path | None = None
        self.error = ""
        self._layout = record_type(header.tokens)
        self._chunks: list[np.ndarray] = []
        self._parents = array.array("I")
        self._depths = array.array("I")
        self._file: BinaryIO | None = None

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._parents)

    def __getitem__(self, index: int) -> FrameRecord:
        """Return a record; raises IndexError if there is none of that number."""
        if not 0 <= index < len(self):
            raise IndexError(f"there is no record {index}: the session has {len(self)}")
        return unpack(self._record(index))

    def append(self, moment: FrameRecord) -> int:
        """Add a frame; returns its number.

        A disk that refuses ends the log (see `error`), not the play.

        Raises:
            ValueError: if the frame follows none that there is, or has another number of tokens.
        """
        if moment.parent is not None and not 0 <= moment.parent < len(self):
            raise ValueError(f"a frame follows record {moment.parent}, there are {len(self)}")
        if moment.ids.shape != (self.header.tokens,):
            raise ValueError(
                f"a frame here has {self.header.tokens} tokens, got {moment.ids.shape}"
            )
        record = pack(moment, self._layout)
        self._store(record)
        self._log(record.tobytes())
        return len(self) - 1

    def frame_number(self, index: int) -> int:
        """Return how many frames lie before a record on its line, those of the prompt included."""
        return self._depths[index]

    def line(self, head: int, length: int | None = None) -> np.ndarray:
        """Return what led to a frame.

        Args:
            head: number of its record.
            length: of how many frames at most, those nearest to it; None takes all.

        Returns:
            int64 (T,): numbers of records, the oldest frame's first, `head` last.
        """
        found: list[int] = []
        index = head
        while index != NONE and (length is None or len(found) < length):
            found.append(index)
            index = self._parents[index]
        return np.array(found[::-1], dtype=np.int64)

    def ids(self, records: Iterable[int]) -> np.ndarray:
        """Return the tokens of records, uint16 (T, N)."""
        rows = [self._record(int(index))["ids"] for index in records]
        return np.stack(rows) if rows else np.zeros((0, self.header.tokens), np.uint16)

    def ends(self) -> list[int]:
        """Return the last record of every branch, the oldest first."""
        followed = set(self._parents)
        return [index for index in range(len(self)) if index not in followed]

    def adopt(self, other: Session, head: int) -> int:
        """Take over the line that leads to a record of another session.

        Returns:
            The number of its last record here; a line that is here already is not taken twice.

        Raises:
            ValueError: if it was played in another world.
        """
        if other.header.fingerprint != self.header.fingerprint:
            raise ValueError(
                f"this was played in another world ({other.header.card.title}, fingerprint "
                f"{other.header.fingerprint[:12]}): play that world to go on from it"
            )
        here = self._find(other.ids(other.line(head)))
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
        """Write all of it as one file, atomically; raises OSError if the disk refuses."""
        from spacetime.weights import write_atomic

        body = b"".join(chunk.tobytes() for chunk in self._chunks)
        write_atomic(path, header_bytes(self.header) + body[: len(self) * self._layout.itemsize])

    def log_to(self, path: Path | str) -> None:
        """Write a log from here on, with what was played so far; makes its folder.

        Raises:
            OSError: if the disk refuses.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.write(path)
        self._open(path)

    def close(self) -> None:
        """Let go of the log, once it is safe on the disk."""
        if self._file is not None:
            file, self._file = self._file, None
            os.fsync(file.fileno())
            file.close()

    @classmethod
    def read(cls, path: Path | str) -> Session:
        """Read a log; what is torn or damaged at its end is dropped.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is no session log, or of a newer format.
        """
        header, start = read_header(path)
        session = cls(header)
        for record in sound_records(Path(path).read_bytes()[start:], session._layout):
            session._store(record)
        return session

    @classmethod
    def resume(cls, path: Path | str) -> Session:
        """Read a log and go on writing it; raises as `read` does, and OSError."""
        session = cls.read(path)
        os.truncate(path, read_header(path)[1] + len(session) * session._layout.itemsize)
        session._open(Path(path))
        return session

    def _find(self, ids: np.ndarray) -> int | None:
        """Return the record that ends a line with these tokens, uint16 (T, N), or None."""
        depths = np.array(self._depths, dtype=np.int64)
        for index in np.flatnonzero(depths == len(ids) - 1):
            same = np.array_equal(self._record(int(index))["ids"], ids[-1])
            if same and np.array_equal(self.ids(self.line(int(index))), ids):
                return int(index)
        return None

    def _record(self, index: int) -> np.void:
        return self._chunks[index // _CHUNK][index % _CHUNK]

    def _store(self, record: np.ndarray) -> None:
        index, parent = len(self), int(record["parent"])
        if index % _CHUNK == 0:
            self._chunks.append(np.zeros(_CHUNK, self._layout))
        self._chunks[-1][index % _CHUNK] = record
        self._depths.append(0 if parent == NONE else self._depths[parent] + 1)
        self._parents.append(parent)

    def _open(self, path: Path) -> None:
        self.path = path
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115  (open until `close`)

    def _log(self, data: bytes) -> None:
        if self._file is None:
            return
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            self._file.close()
            self._file, self.error = None, str(error)


def new_header(bundle: Any, seed: int, path: Path | str = "", device: str = "cpu") -> Header:
    """Return the header of a new session.

    Args:
        bundle: the world, as genie.library.bundle.Bundle.
        seed: of everything that will be drawn.
        path: folder of the world.
        device: that it plays on.

    Raises:
        ValueError: if the world has more codes than the log's 16 bits can name.
    """
    import torch

    sizes = bundle.dynamics.config
    if sizes.num_codes > MOST_CODES:
        raise ValueError(f"a log holds up to {MOST_CODES} codes, this world has {sizes.num_codes}")
    card = WorldCard(
        path=Path(path),
        name=bundle.name,
        title=bundle.title,
        fps=bundle.fps,
        height=bundle.height,
        width=bundle.width,
        idle=bundle.keymap.idle,
        actions=tuple(NamedAction(name=a.name, keys=a.keys) for a in bundle.keymap.actions),
    )
    machine = {
        "torch": torch.__version__,
        "machine": platform.machine(),
        "device": device,
        "threads": torch.get_num_threads(),
    }
    return Header(
        card=card,
        fingerprint=bundle.fingerprint,
        tokens=sizes.num_tokens,
        seed=seed,
        machine=machine,
    )
