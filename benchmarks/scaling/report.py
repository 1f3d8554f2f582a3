"""The table of fits, the laws, and their picture."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.going_on.report import errors_of
from benchmarks.scaling.law import (
    EXPONENTS,
    Law,
    Point,
    fit_law,
    relative_error,
    without_each,
)
from genie.media.charts import Line, draw_lines, new_figure, save_chart

Record = dict[str, Any]
ASKED = {
    1e14: "half an hour of a core",
    1e15: "five hours of a core",
    6e18: "a day of an H100",
    1.5e21: "a day of 256 of them",
}
"""Operations for which the law is asked. A core does some 6e10 a second in these fits, an H100 did
7e13 in one of 4 M weights (lab notes, 2026-11-26)."""

LEAST_STEPS = 100
"""Shorter fits have hardly left their warm-up; the table and the picture show them, no law."""


def loss_of(record: Record) -> float:
    """Return the loss of the law: nats a token, or the mean squared error of pixels."""
    held_out = record["held_out"]
    return held_out if record["part"] == "dynamics" else 10 ** (-held_out / 10)


def points_of(records: Sequence[Record], part: str) -> list[Point]:
    """Return the fits of one part that are long enough for a law."""
    return [
        Point(weights=r["weights"], frames=r["frames"], flops=r["flops"], loss=loss_of(r))
        for r in records
        if r["part"] == part and r["steps"] >= LEAST_STEPS
    ]


def markdown(records: Sequence[Record]) -> str:
    """Return a table of all fits, the smallest first."""
    heads = ("part", "size", "weights", "operations", "steps", "frames", "held out", "after play")
    lines = [_row(heads), _row(["---"] * len(heads))]
    for record in sorted(records, key=lambda r: (r["part"], r["weights"], r["flops"])):
        dynamics = record["part"] == "dynamics"
        held_out = f"{record['held_out']:.3f} nats" if dynamics else f"{record['held_out']:.2f} dB"
        lines.append(
            _row(
                (
                    record["part"], record["size"], f"{record['weights'] / 1e6:.2f} M",
                    f"{record['flops']:.1e}", f"{record['steps']:,}", f"{record['frames']:,}",
                    held_out,
                    _delta(record) if dynamics else "",
                )
            )
        )  # fmt: skip
    return "\n".join(lines)


def _delta(record: Record) -> str:
    table = errors_of(record)
    value, (low, high) = table.delta()[0], table.delta_interval()[0]
    return f"Δ₄ {value:.2f} ({low:.2f} to {high:.2f})"


def describe(law: Law, others: Sequence[Law], points: Sequence[Point]) -> str:
    """Say a law in a line, and what it expects of larger budgets, with the range of `others`.

    Where there are none, as of six fits, it says that no range is known.
    """
    missed = relative_error(law, points)
    undetermined = law.alpha >= EXPONENTS[-1]
    edge = ["alpha is the largest that was tried: not determined"] if undetermined else []
    if not others:
        edge.append("no range: without one of these fits too few, or too few sizes, make no law")
    lines = [
        f"loss = {law.floor:.3g} + {law.size:.3g} (N / 1 M)^-{law.alpha:.2f} + {law.data:.3g} "
        f"(D / 1 M)^-{law.beta:.2f}, {law.cost:.0f} operations a weight and frame; it misses "
        f"{len(points)} fits by {missed:.1%}",
        *edge,
        _row(("operations", "about", "weights", "frames", "loss")),
        _row(["---"] * 5),
    ]
    for flops, about in ASKED.items():
        best = law.best(flops)
        found = [other.best(flops) for other in others]
        ranges = zip(*found, strict=True) if found else [()] * len(best)
        cells = (_with_range(*pair) for pair in zip(best, ranges, strict=True))
        lines.append(_row((f"{flops:.2g}", about, *cells)))
    return "\n".join(lines)


def _with_range(value: float, others: Sequence[float]) -> str:
    return f"{value:.3g} ({min(others):.3g} to {max(others):.3g})" if others else f"{value:.3g}"


def laws(records: Sequence[Record]) -> dict[str, tuple[Law, list[Law]]]:
    """Fit a law for each part that has enough fits, and it again without each of them.

    The second list is empty where one of those is not enough: six fits make a law, and five none.
    """
    found = {}
    for part in ("dynamics", "tokenizer"):
        points, others = points_of(records, part), []
        try:
            law = fit_law(points)
        except ValueError:
            continue
        with suppress(ValueError):
            others = without_each(points)
        found[part] = law, others
    return found


def draw(records: Sequence[Record], path: Path) -> None:
    """Draw the loss over operations, a line a size, and the law's best below them.

    Raises:
        ValueError: no part has enough fits for a law.
    """
    if not (fitted := laws(records)):
        raise ValueError("no part has the six fits that a law asks for")
    figure, axes = new_figure(columns=len(fitted))
    for place, (part, (law, _)) in zip(axes, fitted.items(), strict=True):
        mine = sorted((r for r in records if r["part"] == part), key=lambda r: r["flops"])
        lines = []
        for name in dict.fromkeys(r["size"] for r in sorted(mine, key=lambda r: r["weights"])):
            same = [r for r in mine if r["size"] == name]
            x, y = np.array([(np.log10(r["flops"]), loss_of(r)) for r in same]).T
            lines.append(Line(name=f"{name}, {same[0]['weights'] / 1e6:.2f} M", x=x, y=y))
        x = np.linspace(
            min(line.x.min() for line in lines), max(line.x.max() for line in lines), 40
        )
        best = np.array([law.best(10**value)[2] for value in x])
        lines.append(Line(name="best size, by the law", x=x, y=best))
        unit = "nats a token" if part == "dynamics" else "mean squared error"
        draw_lines(place, part, "log10 of operations", unit, lines)
    save_chart(figure, path)


def _row(cells: Sequence[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
