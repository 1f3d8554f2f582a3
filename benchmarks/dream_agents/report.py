"""The table of what agents score, and the picture of how they learn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.dream_agents.games import GAMES
from benchmarks.policy_from_video.judge import mean_of
from genie.media.charts import Line, draw_lines, new_figure, save_chart

PLAYERS = {"random": "random", "dream": "learned in the dream", "game": "learned in the game"}
SMOOTH = 5


def markdown(records: Sequence[dict[str, Any]]) -> str:
    """Return a table for each game."""
    found = []
    for name, game in GAMES.items():
        mine = [record for record in records if record["game"] == name]
        if not mine:
            continue
        found += [f"| {name}: player | {game.score} |", "| --- | --- |"]
        for player, words in PLAYERS.items():
            scores = np.concatenate([record["scores"][player] for record in mine])
            found.append(f"| {words} | {mean_of(scores)} |")
        found.append("")
    return "\n".join(found)


def draw_curves(records: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the reward of a step over updates, in dream and game; a panel for each game."""
    names = [name for name in GAMES if any(record["game"] == name for record in records)]
    figure, panels = new_figure(len(names))
    for axes, name in zip(panels, names, strict=True):
        lines = []
        for task in ("dream", "game"):
            mine = [record["rewards"][task] for record in records if record["game"] == name]
            mean = np.mean(mine, axis=0)
            smooth = np.convolve(mean, np.full(SMOOTH, 1 / SMOOTH), "valid")
            lines.append(Line(name=PLAYERS[task], x=np.arange(len(smooth)) + SMOOTH, y=smooth))
        draw_lines(axes, name, "updates", "reward of a step", lines)
    save_chart(figure, path)
