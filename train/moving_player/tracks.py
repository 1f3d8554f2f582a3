"""Things that move, followed through an episode."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from corpus.store import Corpus
from train.moving_player.blobs import AREA, COLUMN, FRAME, RED, ROW, find_blobs
from train.moving_player.foreground import camera_path
from train.moving_player.method import MovingPlayerMethod

_COLOUR_IN_PIXELS = 1 / 8
"""How far apart two things are that differ by one level of colour."""
_NEW_COLOUR = 0.2
"""Of a track's colour, what its last blob decides: things are animated."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """One thing in one episode.

    Attributes:
        episode: its number in the corpus.
        frames: int64 (N,), rising numbers in the corpus of the frames in which it is seen.
        positions: float64 (N, 2), row and column of its middle in pixels, counted from where the
            camera stood at the beginning of the episode.
        camera: float64 (N, 2), where the camera stands in these frames, likewise.
        cover: fraction of the episode's frames in which it is seen.
        colour: float64 (3,), its mean colour, 0 to 255.
        area: its mean size in pixels.
        parts: int64 (N,), which of the tracks that it was joined of it is in each frame.
        kind: number of its colour among those of a corpus; −1: not compared yet.
    """

    episode: int
    frames: np.ndarray
    positions: np.ndarray
    camera: np.ndarray
    cover: float
    colour: np.ndarray
    area: float
    parts: np.ndarray
    kind: int = -1

    def with_kind(self, colours: np.ndarray) -> Track:
        """Return this track with the number of the nearest of colours, float64 (kinds, 3)."""
        return replace(self, kind=int(np.linalg.norm(colours - self.colour, axis=1).argmin()))

    @property
    def in_picture(self) -> np.ndarray:
        """Row and column in the picture, float64 (N, 2)."""
        return self.positions - self.camera

    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Return each two steps in a row, float64 (S, 2) and (S, 2), in pixels."""
        steps = np.diff(self.positions, axis=0)
        in_a_row = (np.diff(self.frames) == 1) & (np.diff(self.parts) == 0)
        both = in_a_row[:-1] & in_a_row[1:]
        return steps[:-1][both], steps[1:][both]


def find_tracks(
    corpus: Corpus, episode: int, span: tuple[int, int], method: MovingPlayerMethod
) -> list[Track]:
    """Follow what stands out from the background of an episode.

    Args:
        corpus: the frames.
        episode: its number.
        span: the first frame to look at, and the one after the last.
        method: what a thing is, and how long one must be seen.
    """
    first, stop = span
    frames = np.asarray(corpus.read(first, stop))  # uint8 (T, H, W, 3)
    camera = camera_path(frames, method)
    blobs = find_blobs(frames, first, camera, method)
    reach = method.reach * max(frames.shape[1:3])
    numbers = _follow(blobs, reach, method)
    tracks = []
    for number in np.flatnonzero(np.bincount(numbers) >= method.least_present * len(frames)):
        own = blobs[numbers == number]
        seen = own[:, FRAME].astype(np.int64)
        tracks.append(
            Track(
                episode=episode, frames=seen, positions=own[:, [ROW, COLUMN]],
                camera=camera[seen - first], cover=len(own) / len(frames),
                parts=np.zeros(len(own), np.int64),
                colour=own[:, RED:].mean(axis=0), area=float(own[:, AREA].mean()),
            )
        )  # fmt: skip
    return tracks


def join_in_turn(tracks: list[Track], reach: float) -> list[Track]:
    """Join things of one kind and one episode of which one begins where another vanished.

    Where the picture scrolls, who stands still is not seen.

    Args:
        tracks: of an episode.
        reach: in pixels; further away it is another one.
    """
    joined: list[Track] = []
    for track in sorted(tracks, key=lambda track: track.frames[0]):
        for number, other in enumerate(joined):
            near = np.linalg.norm(track.positions[0] - other.positions[-1]) <= reach
            if other.kind == track.kind and other.frames[-1] < track.frames[0] and near:
                joined[number] = _join(other, track)
                break
        else:
            joined.append(track)
    return joined


def _join(one: Track, other: Track) -> Track:
    weights = (len(one.frames), len(other.frames))
    return Track(
        episode=one.episode, kind=one.kind, cover=one.cover + other.cover,
        frames=np.concatenate((one.frames, other.frames)),
        parts=np.concatenate((one.parts, other.parts + one.parts[-1] + 1)),
        positions=np.concatenate((one.positions, other.positions)),
        camera=np.concatenate((one.camera, other.camera)),
        colour=np.average((one.colour, other.colour), axis=0, weights=weights),
        area=float(np.average((one.area, other.area), weights=weights)),
    )  # fmt: skip


def _follow(blobs: np.ndarray, reach: float, method: MovingPlayerMethod) -> np.ndarray:
    """Number the tracks that blobs, sorted by frame, belong to: int64 (blobs,).

    In each frame the nearest pairs of a blob and a track are joined first. A track that is seen no
    more waits for a while; a blob that no track reaches begins one.
    """
    if not len(blobs):
        return np.empty(0, np.int64)
    numbers = np.full(len(blobs), -1)
    times, starts = np.unique(blobs[:, FRAME], return_index=True)
    live, count = np.empty((0, 7)), 0  # last frame, row, column, red, green, blue, number
    for time, part in zip(times, np.split(np.arange(len(blobs)), starts[1:]), strict=True):
        live = live[time - live[:, 0] <= method.longest_gap]
        seen = np.column_stack((blobs[part][:, [FRAME, ROW, COLUMN]], blobs[part][:, RED:]))
        apart = np.linalg.norm(seen[:, None, 1:3] - live[None, :, 1:3], axis=2)
        differ = np.linalg.norm(seen[:, None, 3:] - live[None, :, 3:6], axis=2)
        cost = apart + _COLOUR_IN_PIXELS * differ
        cost[(apart > reach) | (differ > method.same_track)] = np.inf
        while cost.size and np.isfinite(cost.min()):
            blob, of = np.unravel_index(cost.argmin(), cost.shape)
            numbers[part[blob]] = live[of, 6]
            live[of, :3] = seen[blob, :3]
            live[of, 3:6] += _NEW_COLOUR * (seen[blob, 3:] - live[of, 3:6])
            cost[blob], cost[:, of] = np.inf, np.inf
        new = numbers[part] < 0
        numbers[part[new]] = np.arange(count, count + new.sum())
        live = np.vstack((live, np.column_stack((seen[new], numbers[part[new]]))))
        count += new.sum()
    return numbers
