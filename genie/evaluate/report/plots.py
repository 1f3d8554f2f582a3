"""Plots of a finished report: every figure comes from the JSON, none is measured here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genie.drift.statistics import STRIDE
from genie.evaluate.report.report import KEYS_IN_WORDS
from genie.media.charts import Line, draw_bars, draw_lines, new_figure, save_chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Draw = Callable[[Axes], None]


def draw_plots(report: dict, names: list[str], folder: Path) -> list[Path]:
    """Draw what the report holds.

    Args:
        report: as returned by genie.evaluate.run.evaluate.
        names: of the actions, in the order of their ids.
        folder: written into; made if it does not exist.

    Returns:
        The files written: psnr.png, delta_psnr.png, code_share.png, round_trip_held.png,
        round_trip_random.png, drift.png, moving_share.png, obeyed.png, speed.png; those whose
        figures are absent are left out.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    lam, drift = report["lam"], report["drift"]
    charts = {
        "psnr": _psnr(report["dynamics"]),
        "delta_psnr": _delta(report["dynamics"]),
        "code_share": _bars("Share of transitions per code", names, lam["code_share"]),
        "drift": _drift(drift),
        "moving_share": _series(drift, "moving_share", "Pixels that change a frame"),
        "obeyed": _series(drift, "round_trip", "Keys read back in long play"),
        "speed": _speed(report["speed"]),
    }
    for keys, shares in lam["round_trip"].items():
        charts[f"round_trip_{keys}"] = _bars(f"Keys read back, {keys} keys", names, shares)
    written = []
    for name, draw in charts.items():
        if draw is not None:
            figure, (axes,) = new_figure()
            draw(axes)
            written.append(folder / f"{name}.png")
            save_chart(figure, written[-1])
    return written


def _lines(title: str, x_name: str, y_name: str, lines: list[Line]) -> Draw | None:
    if not lines:
        return None
    return partial(draw_lines, title=title, x_name=x_name, y_name=y_name, lines=lines)


def _bars(title: str, names: list[str], values: list | None, unit: str = "share") -> Draw | None:
    if not values:
        return None
    return partial(draw_bars, title=title, y_name=unit, names=names, values=values)


def _line(name: str, dynamics: dict, key: str) -> Line:
    y, band = np.array(dynamics[key]), dynamics.get(f"{key}_ci")
    return Line(name=name, x=1.0 + np.arange(len(y)), y=y, band=band and np.array(band))


def _psnr(dynamics: dict) -> Draw | None:
    shown = {
        "inferred actions, 95 %": "psnr",
        "random actions, 95 %": "random_psnr",
        "frozen": "frozen_psnr",
        "tokenizer ceiling": "ceiling_psnr",
    }
    lines = [_line(name, dynamics, key) for name, key in shown.items() if dynamics[key]]
    return _lines("Rollout PSNR", "t (frames)", "dB", lines)


def _delta(dynamics: dict) -> Draw | None:
    if not dynamics["delta_psnr"]:
        return None
    line = _line("inferred - random, 95 %", dynamics, "delta_psnr")
    return _lines("Delta PSNR: what the actions are worth", "t (frames)", "dB", [line])


def _drift(drift: dict) -> Draw | None:
    lines = [
        Line(
            name=KEYS_IN_WORDS[keys],
            x=float(STRIDE) * np.arange(len(half["distance"])),
            y=np.array(half["distance"]),
        )
        for keys, half in drift.items()
        if half and half["distance"]
    ]
    threshold = next(iter(drift.values()))["threshold"]
    if lines and threshold is not None:
        ends = np.array([0.0, lines[0].x[-1]])
        lines.append(Line(name="real, 99th percentile", x=ends, y=np.full(2, threshold)))
    return _lines("Distance to the corpus' tokens", "frame", "distance", lines)


def _series(drift: dict, key: str, title: str) -> Draw | None:
    lines = [
        Line(
            name=KEYS_IN_WORDS[keys],
            x=half["stretch"] * (np.arange(len(half[key])) + 0.5),
            y=np.array(half[key]),
        )
        for keys, half in drift.items()
        if half and half[key]
    ]
    return _lines(title, "frame", "share", lines)


def _speed(speed: dict) -> Draw | None:
    if not speed["fps"]:
        return None
    values = [speed["fps"], speed["fps_at_100"], speed["fps_at_2000"]]
    names = ["all frames", "around 100", "around 2,000"]
    return _bars("Frames per second", names, values, "frames/s")
