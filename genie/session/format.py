"""The records of a session log: one a frame, all of one size."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genie.session.repair import flipped_bits, undo

SUFFIX = ".session"
NONE = 0xFFFFFFFF
"""The parent of a first frame."""
MISSING = 255
"""Order of a record that stands for one that was damaged."""
EDITED = 128
"""Added to the order of a record whose tokens were changed by hand."""
UNMASK_ORDERS = ("confidence", "random", "anchored")
"""The sampler's orders as the format numbers them."""
MOST_CODES = 65536


@dataclass(frozen=True, kw_only=True)
class FrameRecord:
    """One frame of a session.

    Attributes:
        parent: number of the record that it follows, or None for a first frame.
        action: id of the action that led to it; A where none was given.
        steps: refinement steps it was sampled with; 0 for a frame of a prompt.
        unmask_order: in which its tokens were kept.
        temperature: of its codes.
        ids: uint16 (N,).
        edited: whether it takes the place of a frame that was sampled or given, some tokens of
            which were changed by hand. The other values are those of that frame.
        missing: whether it stands for a record that was damaged, with the tokens of the one before.
    """

    parent: int | None
    action: int
    steps: int
    unmask_order: str
    temperature: float
    ids: np.ndarray
    edited: bool = False
    missing: bool = False


@dataclass(frozen=True, kw_only=True)
class Damage:
    """What was wrong with a log when it was read; false if nothing was.

    Attributes:
        header: whether the header did not match its checksum.
        repaired: records whose flipped bits were found and undone.
        lost: records that are damaged beyond repair.
        torn: bytes of an unfinished record at the end.
    """

    header: bool = False
    repaired: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    torn: int = 0

    def __bool__(self) -> bool:
        """Return whether anything was wrong."""
        return self != Damage()

    def __str__(self) -> str:
        """Return it as part of a line, records by number."""
        parts = [
            "the header was damaged" if self.header else "",
            f"{numbered(self.repaired)} repaired" if self.repaired else "",
            f"{numbered(self.lost)} lost" if self.lost else "",
            f"{self.torn} bytes of an unfinished record at the end" if self.torn else "",
        ]
        return ", ".join(part for part in parts if part)


def numbered(records: Sequence[int]) -> str:
    """Name records by number, at most forty of them."""
    shown = ", ".join(map(str, records[:40])) + (", ..." if len(records) > 40 else "")
    return f"record {shown}" if len(records) == 1 else f"{len(records)} records ({shown})"


def record_type(tokens: int) -> np.dtype:
    """Return the layout of a record of N tokens: 20 + 2·N bytes, little-endian."""
    return np.dtype(
        [
            ("parent", "<u4"),
            ("action", "<u2"),
            ("steps", "u1"),
            ("order", "u1"),
            ("temperature", "<f8"),
            ("ids", "<u2", (tokens,)),
            ("check", "<u4"),  # CRC-32 of the bytes before it
        ]
    )


def pack(frame: FrameRecord, layout: np.dtype) -> np.ndarray:
    """Lay a frame out as one record."""
    record = np.zeros((), layout)
    record["parent"] = NONE if frame.parent is None else frame.parent
    record["action"], record["steps"] = frame.action, frame.steps
    order = UNMASK_ORDERS.index(frame.unmask_order) + EDITED * frame.edited
    record["order"] = MISSING if frame.missing else order
    record["temperature"], record["ids"] = frame.temperature, frame.ids
    record["check"] = zlib.crc32(record.tobytes()[:-4])
    return record


def unpack(record: np.void) -> FrameRecord:
    """Return the frame that a record holds."""
    parent, order = int(record["parent"]), int(record["order"])
    missing = order == MISSING
    return FrameRecord(
        parent=None if parent == NONE else parent,
        action=int(record["action"]),
        steps=int(record["steps"]),
        unmask_order=UNMASK_ORDERS[0 if missing else order % EDITED],
        temperature=float(record["temperature"]),
        ids=record["ids"],
        edited=order >= EDITED and not missing,
        missing=missing,
    )


def origin(record: np.void) -> tuple[int, int, int, float]:
    """Return what an edit keeps of its record; frames that are drawn otherwise differ in it."""
    return tuple(record[name].item() for name in ("parent", "action", "steps", "temperature"))


def read_records(data: bytes, layout: np.dtype, no_action: int) -> tuple[np.ndarray, Damage]:
    """Read records, and repair what is damaged.

    Args:
        data: what follows the header.
        layout: from `record_type`.
        no_action: A, the action of a record that is lost.

    Returns:
        The records up to the last sound one; a lost one among them is marked as missing.
    """
    size = layout.itemsize
    records = np.frombuffer(data, layout, count=len(data) // size).copy()
    repaired, lost = [], []
    for number in range(len(records)):
        body, check = data[number * size : (number + 1) * size - 4], records["check"][number]
        bits = flipped_bits(body, int(check))
        if bits:
            body = undo(body, bits)
            records[number] = np.frombuffer(body + zlib.crc32(body).to_bytes(4, "little"), layout)
        if bits is None or not _is_possible(records[number], number, no_action):
            records[number] = _stand_in(records, number, no_action)
            lost.append(number)
        elif bits:
            repaired.append(number)
    # Nothing follows lost records at the end: they are dropped.
    sound = max(set(range(len(records))) - set(lost), default=-1) + 1
    torn = len(data) % size
    return records[:sound], Damage(repaired=tuple(repaired), lost=tuple(lost), torn=torn)


def _is_possible(record: np.void, number: int, no_action: int) -> bool:
    follows = record["parent"] == NONE or record["parent"] < number
    order, sampled = int(record["order"]), record["steps"] > 0
    known = record["action"] < no_action + (not sampled)  # a prompt's frame may have none
    return follows and known and (order % EDITED < len(UNMASK_ORDERS) or order == MISSING)


def _stand_in(records: np.ndarray, number: int, no_action: int) -> np.ndarray:
    """Return what stands for a lost record, so that those behind it keep their numbers."""
    # Its parent is believed where it says more than zeros do; most records follow the one before.
    parent = int(records["parent"][number])
    if not 0 < parent < number:
        parent = number - 1 if number else None
    ids = records["ids"][0 if parent is None else parent]
    frame = FrameRecord(
        parent=parent,
        action=no_action,
        steps=0,
        unmask_order=UNMASK_ORDERS[0],
        temperature=0.0,
        ids=np.zeros_like(ids) if parent is None else ids,
        missing=True,
    )
    return pack(frame, records.dtype)
