"""The yardstick's tables, and a picture of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.latent_actions.entries import ENTRIES
from benchmarks.latent_actions.games import GAMES
from benchmarks.latent_actions.run import NONE_FOUND
from genie.media.charts import new_figure

FIGURES = {
    "share_of_ceiling": "Share of the supervised ceiling",
    "delta_psnr": "One-step ΔPSNR of the common decoder, dB",
    "read_back": "Held keys read back",
    "additivity": "Additivity",
    "blocked": "Agreement on blocked transitions",
}
ABSENT = "–"
FULL = (None, None)
"""Minutes and steps of a run that nothing shortened."""


def of_one_length(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the runs whose figures may stand in one cell of a table.

    Of an entry on a game these are its full runs. Where it has none, they are those that --minutes
    or --steps shortened, if all are of one length.

    Raises:
        ValueError: an entry has shortened runs of several lengths on a game, and no full one.
    """
    lengths: dict[tuple[str, str], set] = {}
    for run in runs:
        lengths.setdefault((run["game"], run["entry"]), set()).add(_length(run))
    for (game, entry), found in lengths.items():
        if FULL not in found and len(found) > 1:
            named = " and ".join(map(str, sorted(found, key=str)))
            raise ValueError(
                f"{entry} on {game} was run with several lengths, (minutes, steps) of {named}: "
                "their mean would be of neither; keep the lines of one of them, or run it without "
                "--minutes and --steps"
            )
    return [
        run
        for run in runs
        if _length(run) == FULL or FULL not in lengths[run["game"], run["entry"]]
    ]


def _length(run: dict[str, Any]) -> tuple[float | None, int | None]:
    return run.get("minutes"), run.get("steps")


def values_of(runs: Sequence[dict[str, Any]], game: str, entry: str, figure: str) -> list[float]:
    """List a figure of an entry on a game, of every seed that has one."""
    chosen = (run for run in runs if (run["game"], run["entry"]) == (game, entry))
    values = [run["figures"][figure] for run in chosen if "figures" in run]
    return [value for value in values if value is not None]


def cell(runs: Sequence[dict[str, Any]], game: str, entry: str, figure: str) -> str:
    """Write the mean over seeds, and ± half the range where there are several."""
    values = values_of(runs, game, entry, figure)
    if not values:
        there = [run for run in runs if (run["game"], run["entry"]) == (game, entry)]
        return NONE_FOUND if any(run["outcome"] == NONE_FOUND for run in there) else ABSENT
    mean = f"{np.mean(values):.2f}"
    return mean if len(values) == 1 else f"{mean} ± {np.ptp(values) / 2:.2f}"


def known_names(runs: Sequence[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the games and the entries that were run, in their order in the yardstick."""
    games, entries = ({run[key] for run in runs} for key in ("game", "entry"))
    order = ([*GAMES, *sorted(games)], [*ENTRIES, *sorted(entries)])
    return tuple(
        list(dict.fromkeys(name for name in names if name in there))
        for names, there in zip(order, (games, entries), strict=True)
    )


def markdown(runs: Sequence[dict[str, Any]], split: str = "test") -> str:
    """Write a table of each figure: entries down, games across."""
    runs = of_one_length([run for run in runs if run["split"] == split])
    games, entries = known_names(runs)
    seeds, parts = len({run["seed"] for run in runs}), []
    over = "One seed." if seeds == 1 else f"Mean of {seeds} seeds ± half their range."
    for figure, title in FIGURES.items():
        rows = [[f"`{entry}`", *(cell(runs, game, entry, figure) for game in games)]
                for entry in entries]  # fmt: skip
        lines = [["entry", *games], ["---"] * (1 + len(games)), *rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts.append(f"### {title}\n\n{over}\n\n{table}\n")
    return "\n".join(parts)


def draw_table(runs: Sequence[dict[str, Any]], path: Path, split: str = "test") -> None:
    """Draw every figure as a map of entries and games, into one PNG file."""
    runs = of_one_length([run for run in runs if run["split"] == split])
    games, entries = known_names(runs)
    figure, charts = new_figure(len(FIGURES))
    for axes, (name, title) in zip(charts, FIGURES.items(), strict=True):
        means = np.full((len(entries), len(games)), np.nan)
        for row, entry in enumerate(entries):
            for column, game in enumerate(games):
                if values := values_of(runs, game, entry, name):
                    means[row, column] = np.mean(values)
                    axes.text(column, row, f"{means[row, column]:.2f}", ha="center", va="center",
                              fontsize=7)  # fmt: skip
        top = max(1.0, np.nanmax(means, initial=0.0)) if np.isfinite(means).any() else 1.0
        axes.imshow(means, vmin=0, vmax=top, cmap="YlGn", aspect="auto")
        axes.set_title(title, fontsize=10)
        axes.set_xticks(range(len(games)), games, fontsize=8, rotation=30, ha="right")
        axes.set_yticks(range(len(entries)), entries, fontsize=8)
    figure.savefig(path)
