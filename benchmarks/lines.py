"""Files of records, a line of JSON each, to which a benchmark adds what it has measured."""

import json
import os
import sys
from pathlib import Path
from typing import Any


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read all records of a file; there are none if it does not exist.

    A line that is no record, as a kill in the middle of writing leaves it, is named on stderr and
    left out: what it would have said is measured again by the next run.
    """
    if not path.exists():
        return []
    records = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        try:
            if line.strip():
                records.append(json.loads(line))
        except ValueError:
            print(f"{path}, line {number} is cut off, and left out: delete it", file=sys.stderr)
    return records


def add_line(path: Path, record: dict[str, Any]) -> None:
    """Append one record, on a line of its own; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # the line before was cut off
                file.write(b"\n")
        file.write(json.dumps(record).encode() + b"\n")
