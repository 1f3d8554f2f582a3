"""Charts with matplotlib, which is imported only when one is drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from spacetime.partial import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#1f5fb4", "#d65d0e", "#787878", "#188c5a", "#963ca0", "#a8841a")
INK, GRID = "#282828", "#e0e0e0"
WIDTH, HEIGHT, DPI = 640, 400, 100  # of one chart, in pixels
MOST_MARKED = 32  # points of a line that are marked one by one


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart.

    Attributes:
        name: in the legend; empty for none.
        x: float (n,).
        y: float (n,).
        band: float (n, 2) or None, an interval around the line.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    band: np.ndarray | None = None


def new_figure(rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure of equal charts, the axes row by row.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            'charts need matplotlib: pip install "genie-worlds[evaluate]"', name="matplotlib"
        ) from None
    size = (columns * WIDTH / DPI, rows * HEIGHT / DPI)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def draw_lines(axes: Axes, title: str, x_name: str, y_name: str, lines: Sequence[Line]) -> None:
    """Draw lines, their bands behind them; the names of the axes say their units."""
    _style(axes, title, y_name)
    axes.set_xlabel(x_name, color=INK)
    for i, line in enumerate(lines):
        colour = COLOURS[i % len(COLOURS)]
        # Two points are the ends of a straight line, not measurements.
        mark = "o" if len(line.x) <= MOST_MARKED and len(line.x) != 2 else None
        axes.plot(line.x, line.y, marker=mark, ms=4, color=colour, label=line.name, zorder=3)
        if line.band is not None:
            axes.fill_between(line.x, *line.band.T, color=colour, alpha=0.25, lw=0)
    if any(line.name for line in lines):  # in a row above the lines, where it hides none
        axes.set_title(title, loc="left", fontsize=12, color=INK, pad=24)
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=len(lines),
            frameon=False,
            fontsize=9,
            labelcolor="linecolor",
            handlelength=1,
            columnspacing=1.2,
        )


def draw_bars(
    axes: Axes, title: str, y_name: str, names: Sequence[str], values: Sequence[float | None]
) -> None:
    """Draw a bar from 0 for each name, with its value above; an absent value has none."""
    _style(axes, title, y_name)
    there = [i for i, value in enumerate(values) if value is not None]
    bars = axes.bar(there, [values[i] for i in there], 0.7, color=COLOURS[0], zorder=3)
    axes.bar_label(bars, fmt="%.3g", padding=2, fontsize=9, color=INK)
    crowded = sum(map(len, names)) > 60
    axes.set_xticks(
        range(len(names)), names, rotation=45 if crowded else 0, ha="right" if crowded else "center"
    )
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.margins(y=0.1)


def _style(axes: Axes, title: str, y_name: str) -> None:
    axes.set_title(title, loc="left", fontsize=12, color=INK)
    axes.set_ylabel(y_name, color=INK)
    axes.tick_params(length=0, labelsize=9, labelcolor=INK)
    axes.grid(axis="y", color=GRID)
    axes.spines[:].set_visible(False)


def save_chart(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, all at once."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    save_png(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"), path)


def save_png(image: Image.Image, path: Path) -> None:
    """Write a picture all at once; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = io.BytesIO()
    image.save(data, format="PNG", optimize=True)
    with data.getbuffer() as view:  # held on to, it keeps `data` from being freed
        write_atomic(path, view)
