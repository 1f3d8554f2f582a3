"""The table and the curve over labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.policy_from_video.games import GAMES
from benchmarks.policy_from_video.judge import Figure, mean_of, share_of_oracle
from benchmarks.policy_from_video.run import DRAWS, LABELS
from genie.media.charts import Line, draw_lines, new_figure, save_chart


def newest(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records of all seeds; of a seed that was run twice, the last one."""
    return list({(record["game"], record["seed"]): record for record in records}.values())


def scores_of(records: Sequence[dict[str, Any]], name: str) -> np.ndarray:
    """Return a player's scores on the copies of all seeds; a latent one's are means over draws."""
    parts = []
    for record in records:
        scores = record["scores"]
        draws = [scores[f"{name} {draw}"] for draw in range(DRAWS) if f"{name} {draw}" in scores]
        parts.append(np.mean(draws, axis=0) if draws else np.array(scores[name]))
    return np.concatenate(parts)


def shares(records: Sequence[dict[str, Any]]) -> dict[int, Figure]:
    """Return the share of the oracle for each number of labels."""
    oracle, random = scores_of(records, "oracle"), scores_of(records, "random")
    return {
        count: share_of_oracle(scores_of(records, f"latent {count}"), oracle, random)
        for count in LABELS
    }


def markdown(records: Sequence[dict[str, Any]]) -> str:
    """Return a table for each game."""
    found = []
    for name, game in GAMES.items():
        mine = [record for record in records if record["game"] == name]
        if not mine:
            continue
        found += [f"| {name}: player | {game.score} | share of the oracle |", "| --- | --- | --- |"]
        by_labels = shares(mine)
        for player in ("random", "expert", "oracle"):
            found.append(f"| {player} | {mean_of(scores_of(mine, player))} | |")
        for count, share in by_labels.items():
            score = mean_of(scores_of(mine, f"latent {count}"))
            found.append(f"| latent, {count} labels | {score} | {share} |")
        found.append("")
    return "\n".join(found)


def draw_curve(records: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the share of the oracle over labels, a line for each game."""
    lines = []
    for name in GAMES:
        if mine := [record for record in records if record["game"] == name]:
            figures = list(shares(mine).values())
            band = np.array([(figure.low, figure.high) for figure in figures])
            y = np.array([figure.value for figure in figures])
            lines.append(Line(name=name, x=np.array(LABELS), y=y, band=band))
    figure, (axes,) = new_figure()
    draw_lines(axes, "A policy from video", "labelled transitions", "share of the oracle", lines)
    save_chart(figure, path)
