"""Which of the things that move is the player."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from corpus.clips import split_episodes
from corpus.progress import track as show
from corpus.store import Corpus
from train.moving_player.blobs import (
    AREA,
    RED,
    find_blobs,
    kinds_of_colour,
    track,
)
from train.moving_player.method import MovingPlayerMethod

_OCTANTS = 8


@dataclass(frozen=True, kw_only=True)
class MovingPlayer:
    """The thing that is moved by keys, as far as frames tell.

    Attributes:
        frames: int64 (F,), the frames in which it was looked for, whole episodes.
        positions: float64 (F, 2), row and column of its middle in pixels; NaN where it is not
            seen, or not alone.
        colour: its mean colour, three numbers of 0 to 255.
        present: fraction of the frames in which it is seen.
        alone: fraction of these in which it is the only one of its kind.
        moving: fraction of its transitions in which it moves.
        motions: float64 (M, 2), the steps that it takes, in pixels; the first one is 0.
        area: its mean size in pixels.
    """

    frames: np.ndarray
    positions: np.ndarray
    colour: tuple[float, ...]
    present: float
    alone: float
    moving: float
    motions: np.ndarray
    area: float

    def occupancy(self, height: int, width: int) -> Tensor:
        """Return how often each pixel is near the player's middle, float32 (H, W)."""
        seen = self.positions[~np.isnan(self.positions).any(axis=1)].astype(int)
        counts = np.zeros((height, width), np.float32)
        np.add.at(counts, (seen[:, 0].clip(0, height - 1), seen[:, 1].clip(0, width - 1)), 1)
        side = 2 * round(self.area**0.5 / 2) + 1
        summed = torch.nn.functional.avg_pool2d(
            torch.from_numpy(counts)[None, None], side, 1, side // 2
        )
        return summed[0, 0] * side**2 / len(self.frames)


def find_moving_player(
    corpus: Corpus, seed: int, method: MovingPlayerMethod
) -> MovingPlayer | None:
    """Find the one thing that is there all the time, alone of its kind, and moves.

    Balls vanish, enemies are several; what a player steers is one, in nearly every frame.

    Args:
        corpus: gameplay in front of a still background; it may differ between episodes.
        seed: of the choice of episodes.
        method: what a player is.

    Returns:
        The best of those that qualify, or None.
    """
    rng = np.random.default_rng(seed)
    episodes, _ = split_episodes(corpus.num_episodes, seed)
    chosen, count = [], 0
    for episode in rng.permutation(episodes).tolist():
        if count >= method.survey_frames:
            break
        chosen.append(episode)
        first, stop = corpus.episode(episode)
        count += stop - first
    blobs, frames = [], []
    for episode in show(sorted(chosen), "look for the player", unit="episodes"):
        first, stop = corpus.episode(episode)
        blobs.append(find_blobs(np.asarray(corpus.read(first, stop)), first, method))
        frames.append(np.arange(first, stop))
    table, numbers = np.concatenate(blobs), np.concatenate(frames)
    found = []
    colours = kinds_of_colour(table, method.same_colour, rng)
    for colour in colours:
        near = np.linalg.norm(table[:, RED:] - colour, axis=1) < method.same_colour
        candidate = _candidate(table[near], numbers, colour, method)
        if candidate is not None:
            found.append(candidate)
    return max(found, key=lambda one: one.present * one.alone, default=None)


def _candidate(
    blobs: np.ndarray, frames: np.ndarray, colour: np.ndarray, method: MovingPlayerMethod
) -> MovingPlayer | None:
    """Return blobs of one colour as a player, or None if they do not behave like one."""
    if len(blobs) < method.least_present * len(frames):
        return None
    positions, counts = track(blobs, frames)
    there = counts > 0
    present, alone = float(there.mean()), float((counts[there] == 1).mean())
    positions[counts != 1] = np.nan
    step = np.diff(positions, axis=0)[np.diff(frames) == 1]
    step = step[~np.isnan(step).any(axis=1)]
    motions = find_motions(step, method)
    if not len(step) or len(motions) < 2:
        return None
    moving = float((np.linalg.norm(step, axis=1) > method.still).mean())
    if min(present / method.least_present, alone / method.least_alone) < 1:
        return None
    if moving < method.least_moving:
        return None
    return MovingPlayer(
        frames=frames, positions=positions, colour=tuple(np.round(colour).tolist()),
        present=present, alone=alone, moving=moving, motions=motions,
        area=float(blobs[:, AREA].mean()),
    )  # fmt: skip


def find_motions(step: np.ndarray, method: MovingPlayerMethod) -> np.ndarray:
    """Return standing still, and the mean step in each direction that is taken often enough.

    Args:
        step: float64 (S, 2), rows and columns in pixels.
        method: what often enough is.

    Returns:
        float64 (M, 2), M from 1 to 9.
    """
    length = np.linalg.norm(step, axis=1)
    moved = step[length > method.still]
    octant = np.round(np.arctan2(moved[:, 0], moved[:, 1]) / (2 * np.pi / _OCTANTS)) % _OCTANTS
    motions = [np.zeros(2)]
    for number in range(_OCTANTS):
        there = moved[octant == number]
        if len(there) >= max(1, method.least_direction * len(moved)):
            motions.append(np.median(there, axis=0))
    return np.stack(motions)
