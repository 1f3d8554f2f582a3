"""Small drawings with Pillow: line charts with bands, bar charts, tables of pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 48, 46
INK, GRID, PAPER = (40, 40, 40), (224, 224, 224), (255, 255, 255)
COLOURS = ((31, 95, 180), (214, 93, 14), (120, 120, 120), (24, 140, 90), (150, 60, 160))
FONT_SIZE = 13
BAND_OPACITY = 64


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart.

    Attributes:
        name: in the legend.
        x: float (n,).
        y: float (n,).
        band: float (n, 2) or None, an interval drawn behind the line.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    band: np.ndarray | None = None


class _Axes:
    """Maps data to pixels and draws the frame around them."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
        self.draw = ImageDraw.Draw(self.image, "RGBA")  # so that bands may shine through
        self.font = ImageFont.load_default(FONT_SIZE)
        self._x = x if x[1] > x[0] else (x[0] - 0.5, x[0] + 0.5)
        self._y = y if y[1] > y[0] else (y[0] - 0.5, y[0] + 0.5)

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        up = (y - self._y[0]) / (self._y[1] - self._y[0])
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )

    def frame(self, title: str, x_name: str, y_name: str, with_x: bool = True) -> None:
        self.draw.text((LEFT, 8), title, fill=INK, font=ImageFont.load_default(FONT_SIZE + 2))
        for value in ticks(*self._y):
            y = self.at(self._x[0], value)[1]
            self.draw.line([(LEFT, y), (WIDTH - RIGHT, y)], fill=GRID)
            self.draw.text((LEFT - 6, y), f"{value:g}", fill=INK, font=self.font, anchor="rm")
        for value in ticks(*self._x) if with_x else []:
            x = self.at(value, self._y[0])[0]
            self.draw.text(
                (x, HEIGHT - BOTTOM + 6), f"{value:g}", fill=INK, font=self.font, anchor="ma"
            )
        self.draw.text((WIDTH // 2, HEIGHT - 18), x_name, fill=INK, font=self.font, anchor="ma")
        self.draw.text((4, 26), y_name, fill=INK, font=self.font)


def ticks(low: float, high: float) -> list[float]:
    """Choose four to eight round values between two limits."""
    rough = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * min((1, 2, 5, 10), key=lambda m: abs(m * power - rough))
    first = np.ceil(low / step - 1e-9)
    return [float(round(i * step, 10)) + 0.0 for i in np.arange(first, high / step + 1e-9)]


def line_chart(title: str, x_name: str, y_name: str, lines: Sequence[Line]) -> Image.Image:
    """Draw lines over a common axis.

    Args:
        title: above the chart.
        x_name: name and unit of the horizontal axis.
        y_name: name and unit of the vertical axis.
        lines: at least one, of at least one point.

    Returns:
        An RGB picture of 640 x 400 pixels.
    """
    values = np.concatenate([np.ravel(line.y) for line in lines])
    bands = [np.ravel(line.band) for line in lines if line.band is not None]
    values = np.concatenate([values, *bands])
    places = np.concatenate([line.x for line in lines])
    # A flat line has room around it, or its axis would name one value many times.
    margin = max(0.05 * float(np.ptp(values)), 1e-3 * float(np.abs(values).max()), 1e-6)
    axes = _Axes(
        (float(places.min()), float(places.max())),
        (float(values.min()) - margin, float(values.max()) + margin),
    )
    axes.frame(title, x_name, y_name)
    coloured = [(line, COLOURS[i % len(COLOURS)]) for i, line in enumerate(lines)]
    for draw in (_draw_band, _draw_line):  # no band hides a line
        for line, colour in coloured:
            draw(axes, line, colour)
    _draw_legend(axes, lines)
    return axes.image


def _draw_legend(axes: _Axes, lines: Sequence[Line]) -> None:
    """Name the lines in one row above them, where they hide nothing."""
    right = WIDTH - RIGHT
    for i in reversed(range(len(lines))):
        colour = COLOURS[i % len(COLOURS)]
        axes.draw.text((right, 26), lines[i].name, fill=colour, font=axes.font, anchor="ra")
        right -= int(axes.font.getlength(lines[i].name)) + 14


def _draw_band(axes: _Axes, line: Line, colour: tuple[int, int, int]) -> None:
    if line.band is not None and len(line.x) > 1:
        low = [axes.at(x, b) for x, b in zip(line.x, line.band[:, 0], strict=True)]
        high = [axes.at(x, b) for x, b in zip(line.x, line.band[:, 1], strict=True)]
        axes.draw.polygon(low + high[::-1], fill=(*colour, BAND_OPACITY))


def _draw_line(axes: _Axes, line: Line, colour: tuple[int, int, int]) -> None:
    points = [axes.at(x, y) for x, y in zip(line.x, line.y, strict=True)]
    axes.draw.line(points, fill=colour, width=2)
    for x, y in points if len(points) <= 32 else []:
        axes.draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=colour)


def bar_chart(
    title: str, y_name: str, names: Sequence[str], values: Sequence[float | None]
) -> Image.Image:
    """Draw one bar per name; an absent value has none.

    Args:
        title: above the chart.
        y_name: name and unit of the vertical axis, which begins at 0.
        names: below the bars.
        values: not negative, or None.

    Returns:
        An RGB picture of 640 x 400 pixels.
    """
    top = max([value for value in values if value is not None] or [1.0])
    axes = _Axes((-0.5, len(names) - 0.5), (0.0, 1.1 * max(top, 1e-6)))
    axes.frame(title, "", y_name, with_x=False)
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        place = axes.at(i, 0)
        axes.draw.text((place[0], place[1] + 6), name, fill=INK, font=axes.font, anchor="ma")
        if value is None:
            continue
        left, upper = axes.at(i - 0.35, value)
        axes.draw.rectangle([left, upper, axes.at(i + 0.35, 0)[0], place[1]], fill=COLOURS[0])
        axes.draw.text((place[0], upper - 3), f"{value:.3g}", fill=INK, font=axes.font, anchor="ms")
    return axes.image


def picture_table(
    pictures: Sequence[Sequence[np.ndarray]],
    rows: Sequence[str],
    columns: Sequence[str],
    scale: int,
) -> Image.Image:
    """Set pictures out in labelled rows and columns.

    Args:
        pictures: rows of uint8 (H, W, 3) arrays, all of one size.
        rows: a label for each row.
        columns: a label for each column.
        scale: how many pixels a pixel becomes.

    Returns:
        An RGB picture.
    """
    font = ImageFont.load_default(FONT_SIZE)
    height, width = (side * scale for side in pictures[0][0].shape[:2])
    label = 12 + max(int(font.getlength(name)) for name in rows)
    sheet = Image.new(
        "RGB", (label + len(columns) * (width + 4), 24 + len(rows) * (height + 4)), PAPER
    )
    draw = ImageDraw.Draw(sheet)
    for j, name in enumerate(columns):
        draw.text((label + j * (width + 4) + width // 2, 5), name, fill=INK, font=font, anchor="ma")
    for i, (name, line) in enumerate(zip(rows, pictures, strict=True)):
        y = 24 + i * (height + 4)
        draw.text((6, y + height // 2), name, fill=INK, font=font, anchor="lm")
        for j, picture in enumerate(line):
            cell = Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(cell, (label + j * (width + 4), y))
    return sheet


def label_rows(picture: np.ndarray, names: Sequence[str], legend: str) -> Image.Image:
    """Write names to the left of a picture whose rows are equally high.

    Args:
        picture: uint8 (H, W, 3).
        names: of its rows, from the top.
        legend: what stands in a row, written under each name.

    Returns:
        An RGB picture.
    """
    font = ImageFont.load_default(FONT_SIZE)
    label = 12 + max(int(font.getlength(text)) for text in (*names, legend))
    height, width = picture.shape[:2]
    sheet = Image.new("RGB", (label + width, height), PAPER)
    sheet.paste(Image.fromarray(picture), (label, 0))
    draw = ImageDraw.Draw(sheet)
    for i, name in enumerate(names):
        y = (i + 0.5) * height / len(names)
        draw.text((6, y - 1), name, fill=INK, font=font, anchor="ls")
        draw.text((6, y + 3), legend, fill=COLOURS[2], font=font, anchor="la")
    return sheet


def stack_charts(charts: Sequence[Image.Image], columns: int = 2) -> Image.Image:
    """Set charts of one size out in rows.

    Args:
        charts: at least one.
        columns: charts in a row.

    Returns:
        An RGB picture.
    """
    columns = min(columns, len(charts))
    rows = -(-len(charts) // columns)
    sheet = Image.new("RGB", (columns * charts[0].width, rows * charts[0].height), PAPER)
    for i, chart in enumerate(charts):
        sheet.paste(chart, (i % columns * chart.width, i // columns * chart.height))
    return sheet


def save_png(image: Image.Image, path: Path) -> None:
    """Write a picture under a temporary name, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    image.save(partial, format="PNG", optimize=True)
    os.replace(partial, path)
