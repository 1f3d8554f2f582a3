"""The bytes of a session log: a line of json, then records of one fixed size."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genie.library.card import NamedAction, WorldCard

SUFFIX = ".session"
FORMAT = 1
KIND = "genie-session"
NONE = 0xFFFFFFFF
"""The parent of a first frame."""
UNMASK_ORDERS = ("confidence", "random")
"""The sampler's orders as format 1 numbers them."""
MOST_CODES = 65536
_LONGEST_HEADER = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Header:
    """What all frames of a session share.

    Attributes:
        card: the world that was played; its path is where it lay then.
        fingerprint: of that world.
        tokens: N, tokens a frame.
        seed: of everything drawn.
        machine: what the pixels depend on: torch's version, the machine, device and threads.
    """

    card: WorldCard
    fingerprint: str
    tokens: int
    seed: int
    machine: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class FrameRecord:
    """One frame of a session.

    Attributes:
        parent: number of the record that it follows, or None for a first frame.
        action: id of the action that led to it; A where none was given.
        steps: refinement passes it was drawn with; 0 for a frame of a prompt.
        unmask_order: in which its tokens were kept.
        temperature: of its codes.
        ids: uint16 (N,).
    """

    parent: int | None
    action: int
    steps: int
    unmask_order: str
    temperature: float
    ids: np.ndarray


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


def pack(moment: FrameRecord, layout: np.dtype) -> np.ndarray:
    """Lay a frame out as one record."""
    record = np.zeros((), layout)
    record["parent"] = NONE if moment.parent is None else moment.parent
    record["action"], record["steps"] = moment.action, moment.steps
    record["order"] = UNMASK_ORDERS.index(moment.unmask_order)
    record["temperature"], record["ids"] = moment.temperature, moment.ids
    record["check"] = zlib.crc32(record.tobytes()[:-4])
    return record


def unpack(record: np.void) -> FrameRecord:
    """Return the frame that a record holds."""
    parent = int(record["parent"])
    return FrameRecord(
        parent=None if parent == NONE else parent,
        action=int(record["action"]),
        steps=int(record["steps"]),
        unmask_order=UNMASK_ORDERS[record["order"]],
        temperature=float(record["temperature"]),
        ids=record["ids"],
    )


def sound_records(data: bytes, layout: np.dtype) -> np.ndarray:
    """Read records up to the first that is torn or damaged.

    Args:
        data: what follows the header.
        layout: from `record_type`.

    Returns:
        The records, up to the first whose checksum, order or parent is wrong.
    """
    size = layout.itemsize
    records = np.frombuffer(data, layout, count=len(data) // size)
    for number, record in enumerate(records):
        whole = zlib.crc32(data[number * size : (number + 1) * size - 4]) == record["check"]
        follows = record["parent"] == NONE or record["parent"] < number
        if not (whole and follows and record["order"] < len(UNMASK_ORDERS)):
            return records[:number]
    return records


def header_bytes(header: Header) -> bytes:
    """Return the first line of a log."""
    record = {
        "kind": KIND,
        "format": FORMAT,
        "world": {
            **header.card.record(),
            "fingerprint": header.fingerprint,
            "tokens": header.tokens,
        },
        "seed": header.seed,
        "machine": dict(header.machine),
    }
    return json.dumps(record, allow_nan=False).encode() + b"\n"


def read_header(path: Path | str) -> tuple[Header, int]:
    """Read the header of a log.

    Returns:
        The header, and how many bytes it takes.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no session log, or of a newer format.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no session at {path}: give a {SUFFIX} file that play has written")
    with open(path, "rb") as file:
        line = file.readline(_LONGEST_HEADER)
    try:
        record = json.loads(line)
        kind, found = record["kind"], record["format"]
    except (ValueError, KeyError, TypeError):
        kind, found = None, None
    if kind != KIND or not line.endswith(b"\n"):
        raise ValueError(f"{path} is not a session log: give a {SUFFIX} file that play has written")
    if found != FORMAT:
        raise ValueError(
            f"{path} has session format {found!r}, this version reads {FORMAT}: update genie-worlds"
        )
    return _header_of(path, record), len(line)


def _header_of(path: Path, record: Mapping[str, Any]) -> Header:
    try:
        world = dict(record["world"])
        fingerprint, tokens = str(world.pop("fingerprint")), int(world.pop("tokens"))
        world["path"] = Path(world["path"])
        world["actions"] = tuple(
            NamedAction(name=action["name"], keys=tuple(action["keys"]))
            for action in world["actions"]
        )
        return Header(
            card=WorldCard(**world),
            fingerprint=fingerprint,
            tokens=tokens,
            seed=int(record["seed"]),
            machine=dict(record["machine"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the header of {path} lacks or misspells {error}") from None
