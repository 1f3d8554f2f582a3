"""Which of the things that move is the player."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from corpus.clips import split_episodes
from corpus.progress import track as show
from corpus.store import Corpus
from train.moving_player.blobs import kinds_of_colour
from train.moving_player.method import MovingPlayerMethod
from train.moving_player.motions import find_motions, motion_of, surprise_of
from train.moving_player.tracks import Track, find_tracks, join_in_turn


class NoPlayerError(ValueError):
    """Nothing that moves behaves like a player."""


@dataclass(frozen=True, kw_only=True)
class MovingPlayer:
    """The thing that is moved by keys, as far as frames tell.

    Attributes:
        frames: int64 (F,), the frames in which it was looked for, episodes from their beginning.
        positions: float64 (F, 2), row and column of its middle in the picture, in pixels; NaN where
            it is not seen.
        colours: float64 (K, 3), the mean colours, 0 to 255, that it has in different episodes, the
            commonest first.
        present: fraction of the frames in which it is seen.
        moving: fraction of its transitions in which it moves.
        surprise: what its last motion does not tell of its next one, in nats.
        motions: float64 (M, 2), the steps that it takes in the scene, in pixels; the first is 0.
        taken: int64 (M,), how often it takes each of them.
        area: its mean size in pixels.
        size: height and width of the picture, in pixels.
    """

    frames: np.ndarray
    positions: np.ndarray
    colours: np.ndarray
    present: float
    moving: float
    surprise: float
    motions: np.ndarray
    taken: np.ndarray
    area: float
    size: tuple[int, int]

    def commonest(self, count: int) -> np.ndarray:
        """Return standing still and the commonest other motions, `count` or all there are."""
        others = 1 + np.argsort(-self.taken[1:], kind="stable")[: count - 1]
        return self.motions[[0, *np.sort(others)]]

    def occupancy(self) -> Tensor:
        """Return how often each pixel is near the player's middle, float32 (H, W)."""
        height, width = self.size
        seen = self.positions[~np.isnan(self.positions).any(axis=1)].astype(int)
        counts = np.zeros((height, width), np.float32)
        np.add.at(counts, (seen[:, 0].clip(0, height - 1), seen[:, 1].clip(0, width - 1)), 1)
        side = 2 * round(self.area**0.5 / 2) + 1
        summed = torch.nn.functional.avg_pool2d(
            torch.from_numpy(counts)[None, None], side, 1, side // 2
        )
        return summed[0, 0] * side**2 / len(self.frames)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What moves in some episodes.

    Attributes:
        tracks: of each episode.
        frames: int64 (F,), all frames that were looked at, episodes from their beginning.
        size: height and width of them, in pixels.
    """

    tracks: list[list[Track]]
    frames: np.ndarray
    size: tuple[int, int]


def watch(corpus: Corpus, seed: int, method: MovingPlayerMethod) -> Watched:
    """Follow what stands out from the background.

    Args:
        corpus: gameplay in front of a still background, which may differ between episodes, or, with
            `neighbours`, one that scrolls.
        seed: of the choice of episodes.
        method: what stands out, and how many frames are looked at.
    """
    rng = np.random.default_rng(seed)
    episodes, _ = split_episodes(corpus.num_episodes, seed)
    chosen, left = {}, method.survey_frames
    for episode in rng.permutation(episodes).tolist():
        if left <= 0:
            break
        first, stop = corpus.episode(episode)
        # Of a recording of hours that is one episode, the beginning.
        chosen[episode] = (first, min(stop, first + method.survey_frames))
        left -= stop - first
    chosen = dict(sorted(chosen.items()))
    found = [
        find_tracks(corpus, episode, span, method)
        for episode, span in show(list(chosen.items()), "look for the player", unit="episodes")
    ]
    frames = np.concatenate([np.arange(*span) for span in chosen.values()])
    return Watched(tracks=found, frames=frames, size=(corpus.height, corpus.width))


def find_moving_player(
    watched: Watched, seed: int, method: MovingPlayerMethod
) -> MovingPlayer | None:
    """Find the thing that is there all the time, and whose next motion its last does not tell.

    Keys come from outside of the picture. Balls fly straight on, ghosts never turn around in a
    corridor, enemies come and go; a player may do anything at any time, in nearly every frame.

    Args:
        watched: what moves; things of one colour are taken for one kind.
        seed: of the choice of colours, where there are very many.
        method: what a player is.

    Returns:
        The player, or None.
    """
    tracks = [track for part in watched.tracks for track in part]
    if not tracks:
        return None
    rng = np.random.default_rng(seed)
    colours = kinds_of_colour(np.stack([track.colour for track in tracks]), method.same_colour, rng)
    found = [[track.with_kind(colours) for track in part] for part in watched.tracks]
    return choose_player(found, colours, watched, method)


def choose_player(
    found: list[list[Track]], colours: np.ndarray, watched: Watched, method: MovingPlayerMethod
) -> MovingPlayer | None:
    """Choose, by kind and then in each episode, the thing that behaves most like a player.

    Args:
        found: tracks of each episode, with their kinds.
        colours: float64 (kinds, 3).
        watched: what they were found in.
        method: what a player is.
    """
    if method.neighbours:
        # It may have walked a little while something hid it.
        found = [join_in_turn(part, max(watched.size) / 2) for part in found]
    scores = [
        _score([track for part in found for track in part if track.kind == kind], method)
        for kind in range(len(colours))
    ]
    players = [player for part in found if (player := _player(part, scores)) is not None]
    return _joined(players, colours, watched, method)


def _score(tracks: list[Track], method: MovingPlayerMethod) -> float:
    """Return how much a kind of things behaves like a player, in nats; 0: not at all.

    It is what the last motion does not tell of the next one. Of enemies several stay at once, so
    it counts in so far as each is the only one of the kind that stays in its episode.

    Args:
        tracks: of one kind, of all episodes: one alone is too short to judge by.
        method: how much a player moves, and surprises, at least.
    """
    if not tracks:
        return 0.0
    last, following = _motions(tracks, method)
    if len(last) < method.least_steps or (following > 0).mean() < method.least_moving:
        return 0.0
    surprise = surprise_of(last, following)
    if surprise < method.least_surprise:
        return 0.0
    counts = Counter(track.episode for track in tracks)
    alone = sum(count == 1 for count in counts.values()) / len(counts)
    return surprise * alone if alone >= method.least_alone else 0.0


def _motions(tracks: list[Track], method: MovingPlayerMethod) -> tuple[np.ndarray, np.ndarray]:
    """Return each two motions in a row of all tracks, int64 (S,) and (S,)."""
    steps = zip(*(track.steps() for track in tracks), strict=True)
    last, following = (motion_of(np.concatenate(part), method.still) for part in steps)
    return last, following


def _player(tracks: list[Track], scores: list[float]) -> Track | None:
    """Return what may be the player in one episode: of its kind, what is seen longest.

    Args:
        tracks: of the episode.
        scores: of each kind.
    """
    found = [track for track in tracks if scores[track.kind] > 0]
    return max(found, key=lambda track: track.cover * scores[track.kind], default=None)


def _joined(
    players: list[Track], colours: np.ndarray, watched: Watched, method: MovingPlayerMethod
) -> MovingPlayer | None:
    """Return the things that were chosen, one an episode, as one player.

    Args:
        players: the chosen things.
        colours: float64 (kinds, 3).
        watched: what they were found in.
        method: how often a player is seen, at least.
    """
    frames = watched.frames
    positions = np.full((len(frames), 2), np.nan)
    for track in players:
        positions[np.searchsorted(frames, track.frames)] = track.in_picture
    present = 1 - float(np.isnan(positions).any(axis=1).mean())
    if present < method.least_found:
        return None
    motions, taken = find_motions(np.concatenate([track.steps()[1] for track in players]), method)
    if len(motions) < 2:
        return None
    last, following = _motions(players, method)
    used, counts = np.unique([track.kind for track in players], return_counts=True)
    return MovingPlayer(
        frames=frames, positions=positions, colours=colours[used[counts.argsort()[::-1]]],
        present=present, moving=float((following > 0).mean()),
        surprise=surprise_of(last, following), motions=motions, taken=taken,
        area=float(np.mean([track.area for track in players])), size=watched.size,
    )  # fmt: skip
