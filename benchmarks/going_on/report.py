"""The table, and the curves over minutes of new video."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.going_on.ways import WAYS
from genie.evaluate.metrics.errors import (
    BOOTSTRAP_DRAWS,
    CEILING,
    FROZEN,
    INFERRED,
    INTERVAL,
    ErrorTable,
    paired_difference,
    psnr,
    resample_means,
)
from genie.media.charts import Line, draw_lines, new_figure, save_chart

Record = dict[str, Any]
Figure = Callable[[ErrorTable], np.ndarray]


def errors_of(record: Record) -> ErrorTable:
    """Return the squared errors (clips, arms, 1): of rollouts after four frames, or of frames."""
    errors = record["errors"]
    squared = np.array(list(errors.values()), float).T[..., None] / 1e6
    return ErrorTable(squared=squared, arms=tuple(errors))


def markdown(records: Sequence[Record]) -> str:
    """Return a table for each stage, a line for each fit."""
    order, found = list(WAYS), []
    for stage, (names, figures) in COLUMNS.items():
        mine = [record for record in records if record["stage"] == stage]
        if not mine:
            continue
        mine.sort(key=lambda r: (r["game"], r["minutes"], order.index(r["way"]), r["seed"]))
        heads = ("game", "minutes", stage, "seed", *names, "core minutes")
        found += [_row(heads), _row(["---"] * len(heads))]
        for record in mine:
            way = WAYS[record["way"]].about
            named = (record["game"], f"{record['minutes']:g}", way, record["seed"])
            found.append(_row((*named, *figures(record), f"{record['seconds'] / 60:.1f}")))
        found.append("")
    return "\n".join(found)


def _row(cells: Sequence[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _of_tokenizer(record: Record) -> tuple[str, ...]:
    table = errors_of(record)
    ceiling = _figure(table.psnr(CEILING), table.psnr_interval(CEILING))
    return ceiling, f"{table.psnr(FROZEN)[0]:.2f}"


def _of_actions(record: Record) -> tuple[str, ...]:
    return (f"{record['agreement']:.2f}",)


def _of_world(record: Record) -> tuple[str, ...]:
    table = errors_of(record)
    return (
        _figure(table.delta(), table.delta_interval()),
        _figure(table.psnr(INFERRED), table.psnr_interval(INFERRED)),
        f"{table.psnr(FROZEN)[0]:.2f}",
        f"{table.psnr(CEILING)[0]:.2f}",
    )


COLUMNS = {
    "tokenizer": (("PSNR, dB", "frozen"), _of_tokenizer),
    "lam": (("agreement",), _of_actions),
    "dynamics": (("Δ₄PSNR, dB", "rollout, t = 4", "frozen", "ceiling"), _of_world),
}
"""Of each stage: the figures of its table, and how they are made of a record."""


def differences(records: Sequence[Record], base: str) -> str:
    """Say how far each fit is from that of another way with the same footage, on equal clips."""
    bases = {_footage(record): record for record in records if record["way"] == base}
    lines = []
    for record in records:
        if record["way"] == base or record["stage"] == "lam" or _footage(record) not in bases:
            continue
        one, other = errors_of(record), errors_of(bases[_footage(record)])
        if record["stage"] == "tokenizer":
            told = f"PSNR {_figure(*_ceilings_apart(one, other))}"
        else:
            apart = paired_difference(one, other)
            told = f"Δ₄ {_figure(apart.delta, apart.delta_ci)}, rollout "
            told += _figure(apart.psnr, apart.psnr_ci)
        game, minutes, seed = (record[name] for name in ("game", "minutes", "seed"))
        named = f"{record['stage']}, {game}, {minutes:g} minutes, seed {seed}"
        lines.append(f"{named}: {record['way']} less {base}: {told}")
    return "\n".join(lines)


def _ceilings_apart(one: ErrorTable, other: ErrorTable) -> tuple[np.ndarray, np.ndarray]:
    """Subtract the PSNR of two tokenizers: (1,), and the interval (1, 2) over the same clips."""
    errors = np.stack((one.of(CEILING), other.of(CEILING)), axis=1)  # (clips, 2, 1)
    resampled = psnr(resample_means(errors, 0, BOOTSTRAP_DRAWS))  # (draws, 2, 1)
    found = psnr(errors.mean(axis=0))
    bounds = np.percentile(resampled[:, 0] - resampled[:, 1], INTERVAL, axis=0).T
    return found[0] - found[1], bounds


def draw_curves(records: Sequence[Record], path: Path, game: str) -> None:
    """Draw the tokenizers' PSNR and the worlds' Δ₄PSNR over minutes, where there are any.

    Raises:
        ValueError: no way has figures of two lengths of footage.
    """
    curves = (
        ("tokenizer", "PSNR of the tokenizer", _ceiling, _ceiling_interval),
        ("dynamics", "Δ₄PSNR", ErrorTable.delta, ErrorTable.delta_interval),
    )
    charts = []
    for stage, title, value, bounds in curves:
        mine = [record for record in records if (record["stage"], record["game"]) == (stage, game)]
        if lines := [line for way in WAYS if (line := _line(mine, way, value, bounds))]:
            charts.append((title, lines))
    if not charts:
        raise ValueError(f"nothing to draw: no way of {game} has footage of two lengths")
    figure, axes = new_figure(columns=len(charts))
    for (title, lines), place in zip(charts, axes, strict=True):
        draw_lines(place, title, "minutes of new video", "dB", lines)
    save_chart(figure, path)


def _line(records: Sequence[Record], way: str, value: Figure, bounds: Figure) -> Line | None:
    """Return one way's figures over minutes, seeds averaged; None if there is but one length."""
    mine = [record for record in records if record["way"] == way]
    minutes = sorted({record["minutes"] for record in mine})
    if len(minutes) < 2:
        return None
    tables = [[errors_of(r) for r in mine if r["minutes"] == one] for one in minutes]
    y = np.array([np.mean([value(table)[0] for table in same]) for same in tables])
    band = np.array([np.mean([bounds(table)[0] for table in same], axis=0) for same in tables])
    return Line(name=WAYS[way].about, x=np.array(minutes), y=y, band=band)


def _footage(record: Record) -> tuple[str, str, float, int]:
    return record["stage"], record["game"], record["minutes"], record["seed"]


def _ceiling(table: ErrorTable) -> np.ndarray:
    return table.psnr(CEILING)


def _ceiling_interval(table: ErrorTable) -> np.ndarray:
    return table.psnr_interval(CEILING)


def _figure(values: np.ndarray, bounds: np.ndarray) -> str:
    return f"{values[0]:.2f} ({bounds[0, 0]:.2f} to {bounds[0, 1]:.2f})"
