"""Plots of a finished report: every figure comes from the JSON, none is measured here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genie.drift import STRIDE
from genie.evaluate.report.report import KEYS_IN_WORDS
from genie.media.charts import Line, bar_chart, line_chart, save_png


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
    """
    charts = {
        "psnr": _psnr(report["dynamics"]),
        "delta_psnr": _delta(report["dynamics"]),
        "code_share": _bars("Share of transitions per code", names, report["lam"]["code_share"]),
        "drift": _drift(report["drift"]),
        "moving_share": _series(report["drift"], "moving_share", "Pixels that change a frame"),
        "obeyed": _series(report["drift"], "round_trip", "Keys read back in long play"),
        "speed": _speed(report["speed"]),
    }
    for keys, shares in report["lam"]["round_trip"].items():
        charts[f"round_trip_{keys}"] = _bars(f"Keys read back, {keys} keys", names, shares)
    written = []
    for name, chart in charts.items():
        if chart is not None:
            written.append(folder / f"{name}.png")
            save_png(chart, written[-1])
    return written


def _psnr(dynamics: dict) -> object:
    shown = {
        "inferred actions, 95 %": "psnr",
        "random actions, 95 %": "random_psnr",
        "frozen": "frozen_psnr",
        "tokenizer ceiling": "ceiling_psnr",
    }
    lines = [
        Line(
            name=name,
            x=_from_one(dynamics[key]),
            y=np.array(dynamics[key]),
            band=np.array(dynamics[f"{key}_ci"]) if f"{key}_ci" in dynamics else None,
        )
        for name, key in shown.items()
        if dynamics[key]
    ]
    return line_chart("Rollout PSNR", "t (frames)", "dB", lines) if lines else None


def _delta(dynamics: dict) -> object:
    if not dynamics["delta_psnr"]:
        return None
    line = Line(
        name="inferred - random, 95 %",
        x=_from_one(dynamics["delta_psnr"]),
        y=np.array(dynamics["delta_psnr"]),
        band=np.array(dynamics["delta_psnr_ci"]),
    )
    return line_chart("Delta PSNR: what the actions are worth", "t (frames)", "dB", [line])


def _bars(title: str, names: list[str], values: list | None) -> object:
    return bar_chart(title, "share", names, values) if values else None


def _drift(drift: dict) -> object:
    lines = [
        Line(
            name=KEYS_IN_WORDS[keys],
            x=float(STRIDE) * np.arange(len(half["distance"])),
            y=np.array(half["distance"]),
        )
        for keys, half in drift.items()
        if half and half["distance"]
    ]
    if not lines:
        return None
    threshold = next(iter(drift.values()))["threshold"]
    if threshold is not None:
        ends = np.array([0.0, lines[0].x[-1]])
        lines.append(Line(name="real, 99th percentile", x=ends, y=np.full(2, threshold)))
    return line_chart("Distance to the corpus' tokens", "frame", "distance", lines)


def _series(drift: dict, key: str, title: str) -> object:
    lines = [
        Line(
            name=KEYS_IN_WORDS[keys],
            x=half["stretch"] * (np.arange(len(half[key])) + 0.5),
            y=np.array(half[key]),
        )
        for keys, half in drift.items()
        if half and half[key]
    ]
    return line_chart(title, "frame", "share", lines) if lines else None


def _speed(speed: dict) -> object:
    names = ["all frames", "around 100", "around 2,000"]
    values = [speed["fps"], speed["fps_at_100"], speed["fps_at_2000"]]
    return bar_chart("Frames per second", "frames/s", names, values) if speed["fps"] else None


def _from_one(values: list) -> np.ndarray:
    return 1.0 + np.arange(len(values))
