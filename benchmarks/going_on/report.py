"""The table, and the curves over minutes of new video."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.going_on.ways import WAYS
from genie.evaluate.metrics.errors import (
    CEILING,
    FROZEN,
    INFERRED,
    ErrorTable,
    paired_difference,
)
from genie.media.charts import Line, draw_lines, new_figure, save_chart

Record = dict[str, Any]


def read_lines(path: Path) -> list[Record]:
    """Read all records of a file; there are none if it does not exist."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def add_line(path: Path, record: Record) -> None:
    """Append one record to a file of lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def errors_of(record: Record) -> ErrorTable:
    """Return the squared errors after four frames (clips, arms, 1)."""
    errors = record["errors"]
    squared = np.array(list(errors.values()), float).T[..., None] / 1e6
    return ErrorTable(squared=squared, arms=tuple(errors))


def markdown(records: Sequence[Record]) -> str:
    """Return a table, a line for each world."""
    lines = [
        "| game | minutes | way | seed | Δ₄PSNR | rollout, t = 4 | frozen | ceiling | agreement | "
        "core minutes |",
        "| --- " * 10 + "|",
    ]
    order = list(WAYS)
    for record in sorted(
        records, key=lambda r: (r["game"], r["minutes"], order.index(r["way"]), r["seed"])
    ):
        table = errors_of(record)
        lines.append(
            f"| {record['game']} | {record['minutes']:g} | {WAYS[record['way']].about} | "
            f"{record['seed']} | {_figure(table.delta(), table.delta_interval())} | "
            f"{_figure(table.psnr(INFERRED), table.psnr_interval(INFERRED))} | "
            f"{table.psnr(FROZEN)[0]:.2f} | {table.psnr(CEILING)[0]:.2f} | "
            f"{record['agreement']:.2f} | {record['seconds'] / 60:.1f} |"
        )
    return "\n".join(lines)


def differences(records: Sequence[Record], base: str) -> str:
    """Say how far each world is from that of another way with the same footage, on equal clips."""
    bases = {_footage(record): record for record in records if record["way"] == base}
    lines = []
    for record in records:
        if record["way"] != base and _footage(record) in bases:
            apart = paired_difference(errors_of(record), errors_of(bases[_footage(record)]))
            lines.append(
                f"{record['game']}, {record['minutes']:g} minutes, seed {record['seed']}: "
                f"{record['way']} less {base}: Δ₄ {_figure(apart.delta, apart.delta_ci)}, "
                f"rollout {_figure(apart.psnr, apart.psnr_ci)}"
            )
    return "\n".join(lines)


def draw_curves(records: Sequence[Record], path: Path, game: str) -> None:
    """Draw Δ₄PSNR and rollout PSNR over minutes, a line for each way; seeds are averaged."""
    figure, (left, right) = new_figure(columns=2)
    found: tuple[list[Line], list[Line]] = ([], [])
    for way in WAYS.values():
        mine = [r for r in records if (r["game"], r["way"]) == (game, way.name)]
        minutes = sorted({record["minutes"] for record in mine})
        if len(minutes) < 2:
            continue
        tables = [[errors_of(r) for r in mine if r["minutes"] == one] for one in minutes]
        for lines, value, bounds in (
            (found[0], ErrorTable.delta, ErrorTable.delta_interval),
            (found[1], _rollout, _rollout_interval),
        ):
            y = np.array([np.mean([value(table)[0] for table in same]) for same in tables])
            band = np.array([np.mean([bounds(table)[0] for table in same], 0) for same in tables])
            lines.append(Line(name=way.about, x=np.array(minutes), y=y, band=band))
    draw_lines(left, "Δ₄PSNR", "minutes of new video", "dB", found[0])
    draw_lines(right, "Rollout PSNR, t = 4", "minutes of new video", "dB", found[1])
    save_chart(figure, path)


def _footage(record: Record) -> tuple[str, float, int]:
    return record["game"], record["minutes"], record["seed"]


def _rollout(table: ErrorTable) -> np.ndarray:
    return table.psnr(INFERRED)


def _rollout_interval(table: ErrorTable) -> np.ndarray:
    return table.psnr_interval(INFERRED)


def _figure(values: np.ndarray, bounds: np.ndarray) -> str:
    return f"{values[0]:.2f} ({bounds[0, 0]:.2f} to {bounds[0, 1]:.2f})"
