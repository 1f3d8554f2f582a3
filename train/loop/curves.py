"""Curves of a fit, plotted from its logs: the loss and every held-out figure."""

import csv
import functools
from pathlib import Path

import numpy as np
from rich import get_console

from genie.media.charts import Line, draw_lines, new_figure, save_chart

MOST_POINTS = 400
COLUMNS = 2
NOT_PLOTTED = ("step", "seconds")


def draw_curves(folder: Path) -> Path | None:
    """Plot the logs of a stage.

    Args:
        folder: RUN/logs/STAGE, with loss.csv and held-out.csv as far as they exist.

    Returns:
        curves.png in that folder, a chart of each column over the step; None if nothing is logged
        yet, or without matplotlib.
    """
    series = read_series(folder / "loss.csv")
    held_out = read_series(folder / "held-out.csv")
    series |= {f"held-out: {name}": points for name, points in held_out.items()}
    if not series:
        return None
    columns = min(COLUMNS, len(series))
    try:
        figure, charts = new_figure(-(-len(series) // columns), columns)
    except ModuleNotFoundError as error:
        _say_once(f"no curves of this fit: {error}")
        return None
    for axes, (name, points) in zip(charts, series.items(), strict=False):
        draw_lines(axes, name, "step", "", [Line(name="", x=points[:, 0], y=points[:, 1])])
    for axes in charts[len(series) :]:
        axes.set_axis_off()
    path = folder / "curves.png"
    save_chart(figure, path)
    return path


@functools.cache
def _say_once(message: str) -> None:
    get_console().print(message, markup=False, highlight=False, soft_wrap=True)


def read_series(path: Path) -> dict[str, np.ndarray]:
    """Read the columns of a log.

    Args:
        path: csv; a header may come again with other columns where the figures changed half-way.

    Returns:
        For each column float64 (n, 2), step and value, at most 400 points; values that are not
        finite are left out, and so are columns without any. Empty if there is no file.
    """
    if not path.exists():
        return {}
    columns: dict[str, list[tuple[float, float]]] = {}
    names: list[str] = []
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            if row and row[0] == "step":
                names = row
                continue
            try:
                values = dict(zip(names, map(float, row), strict=True))
            except ValueError:  # a kill or a full disk cut the row
                continue
            for name in names:
                if name not in NOT_PLOTTED and np.isfinite(values[name]):
                    columns.setdefault(name, []).append((values["step"], values[name]))
    return {name: _thinned(np.array(points)) for name, points in columns.items()}


def _thinned(points: np.ndarray) -> np.ndarray:
    """Keep at most 400 points, evenly spread, the last among them."""
    if len(points) <= MOST_POINTS:
        return points
    return points[np.linspace(0, len(points) - 1, MOST_POINTS).round().astype(int)]
