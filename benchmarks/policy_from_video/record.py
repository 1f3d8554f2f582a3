"""Expert play, recorded as a corpus: frames, and true actions for labels and for the oracle."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.policy_from_video.games import TRAIN, Game
from corpus.games.procgen import ProcgenGames
from corpus.progress import progress_bar
from corpus.store import CorpusCard
from corpus.writing.writer import CorpusWriter

COPIES = 32
LONGEST = 200
"""Steps after which an episode is cut: a level whose diamonds are found teaches nothing more."""


def record_expert(game: Game, out: Path, frames: int, seed: int = 0) -> Path:
    """Record an expert on the levels to train on.

    Args:
        game: what is played.
        out: the folder to make.
        frames: how many at least.
        seed: of the games and the expert.
    """
    kept = 0
    with progress_bar(f"recording {out.name}", frames, True) as tick:
        writer = None
        for number in range(10**6):
            for shown, pressed in _round(game, seed * 1000 + number):
                if writer is None:
                    writer = _new_writer(game, out, shown.shape[1:3], seed)
                writer.add(shown)
                writer.end_episode({"env": game.env, "round": number}, pressed)
                kept += len(shown)
                tick(len(shown))
            if kept >= frames:
                break
        return writer.finish()


def _new_writer(game: Game, out: Path, size: Sequence[int], seed: int) -> CorpusWriter:
    options = {"maker": "expert", "env": game.env, "levels": list(TRAIN), "seed": seed}
    card = CorpusCard(
        fps=15.0, source=f"{game.env}, a scripted player", licence=ProcgenGames.licence,
        options=options,
    )  # fmt: skip
    return CorpusWriter.create(out, tuple(size), card, True)


def _round(game: Game, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Play fresh copies for `LONGEST` steps; return the frames and buttons of each episode."""
    games, expert = ProcgenGames(game.env, COPIES, TRAIN, seed), game.expert(COPIES, seed)
    frames, pressed, firsts = [], [], []
    for _ in range(LONGEST):
        shown = games.observe()
        buttons = expert.act(shown.frames)
        frames.append(shown.frames)
        firsts.append(shown.first)
        pressed.append(buttons)
        games.act(buttons)
    frames, pressed = np.stack(frames, axis=1), np.stack(pressed, axis=1)  # (G, T, …)
    firsts = np.stack(firsts, axis=1)
    found = []
    for copy in range(COPIES):
        edges = [*np.flatnonzero(firsts[copy]).tolist(), LONGEST]
        for first, last in zip(edges[:-1], edges[1:], strict=True):
            if last - first > 1:
                found.append((frames[copy, first:last], pressed[copy, first : last - 1]))
    return found
