"""Random play of the real game: frames to begin dreams at, and a few labels of what earns."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.dream_agents.games import Game, GameTask
from benchmarks.policy_from_video.judge import random_player

COPIES = 32


@dataclass(frozen=True, kw_only=True)
class Play:
    """Random play, in a row for each copy.

    Attributes:
        frames: uint8 (G, T, H, W, 3).
        buttons: int64 (G, T), pressed at each frame.
        earned: bool (G, T), whether that earned something.
        ended: bool (G, T), whether the episode ended with it.
    """

    frames: np.ndarray
    buttons: np.ndarray
    earned: np.ndarray
    ended: np.ndarray


def record_play(game: Game, frames: int, seed: int = 0) -> Play:
    """Play at random on the levels to train on."""
    num_buttons = game.random[1]
    task = GameTask(game, range(num_buttons), COPIES, "train", seed)
    player = random_player(game.random, game.hold, COPIES, seed)
    shown, pressed, earned, ended = [task.begin(0)[0]], [], [], []
    for _ in range(-(-frames // COPIES)):
        pressed.append(player(*task.begin(0)))
        outcome = task.step(pressed[-1])
        shown.append(outcome.frames)
        earned.append(outcome.rewards > 0)
        ended.append(outcome.ended)
    rows = [np.stack(each, axis=1) for each in (shown[:-1], pressed, earned, ended)]
    return Play(frames=rows[0], buttons=rows[1], earned=rows[2], ended=rows[3])


def save_play(path: Path, play: Play) -> None:
    """Write a play to a file .npz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.partial.npz")
    np.savez(partial, **vars(play))
    partial.replace(path)


def load_play(path: Path) -> Play:
    """Read what `save_play` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return Play(**arrays)
