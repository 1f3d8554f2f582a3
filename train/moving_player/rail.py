"""A player that keeps to a line of the picture while the scenery scrolls by, as ships do."""

from dataclasses import replace

import numpy as np

from train.moving_player.method import MovingPlayerMethod
from train.moving_player.survey import MovingPlayer, Watched, choose_player
from train.moving_player.tracks import Track

_ONE_WAY = 0.8
"""Of the camera's steps, those forward less those back, at least."""
_STRAYS = 0.6
"""In pixels, the standard deviation of its distance from the line, at most."""
_GOES = 4.0
"""In pixels, how far a thing moves along a line that tells where the line is, at least."""
_NEAR = 1.5
"""In pixels, how far from the line the middle of what is on it may be."""


def find_rail_player(watched: Watched, method: MovingPlayerMethod) -> MovingPlayer | None:
    """Find the player among things that do not scroll with the scenery.

    Its colour need not be the same in all episodes, nor told from that of other things: what
    scrolls by keeps to no line across its way, so the line tells the player.

    Args:
        watched: what moves in a picture that scrolls.
        method: what a player is.

    Returns:
        The player, with its motions in the picture, or None.
    """
    axis = _scroll_axis(watched)
    if axis is None:
        return None
    kept = [
        [track for track in part if track.in_picture[:, axis].std() <= _STRAYS]
        for part in watched.tracks
    ]
    places = [
        np.full(len(track.frames), track.in_picture[:, axis].mean())
        for part in kept
        for track in part
        if np.ptp(track.in_picture[:, 1 - axis]) >= _GOES
    ]
    if not places:
        return None
    all_places = np.concatenate(places)
    counts = np.bincount(all_places.round().astype(int), minlength=3)
    commonest = np.convolve(counts, [1, 2, 1], "same").argmax()
    line = float(all_places[abs(all_places - commonest) <= _NEAR].mean())
    near = [
        [_along(track, axis, line) for track in part if _is_near(track, axis, line)]
        for part in kept
    ]
    colours = np.mean([track.colour for part in near for track in part], axis=0)[None]
    return choose_player(near, colours, watched, method)


def _scroll_axis(watched: Watched) -> int | None:
    """Return 0 where the scenery scrolls up or down, 1 where left or right; None: to and fro.

    A camera that follows the player turns where it turns, and keeps the player in one row or
    column, too.
    """
    steps = [np.diff(track.camera, axis=0) for part in watched.tracks for track in part]
    if not steps:
        return None
    signs = np.sign(np.concatenate(steps))
    axis = int(np.abs(signs).sum(axis=0).argmax())
    moved = np.abs(signs[:, axis]).sum()
    return axis if moved and abs(signs[:, axis].sum()) >= _ONE_WAY * moved else None


def _is_near(track: Track, axis: int, line: float) -> bool:
    return abs(track.in_picture[:, axis].mean() - line) <= _NEAR


def _along(track: Track, axis: int, line: float) -> Track:
    """Return a track of which positions and motions are those on a line of the picture."""
    positions = track.in_picture.copy()
    positions[:, axis] = line
    return replace(track, positions=positions, camera=np.zeros_like(track.camera), kind=0)
