"""Edits of a frame: which tokens change, and to what. `World.edit` takes them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Any

import numpy as np

from genie.session.format import FrameRecord
from genie.session.replay import pictures

KEEP = -1
"""In an edit, a token that stays as it is."""


def edit_frame(frame: FrameRecord, change: np.ndarray, world: Any) -> FrameRecord:
    """Return the last frame of a genie.world.World, changed; see `World.edit` for the errors."""
    change = np.asarray(change)
    if change.ndim == 3:
        change = _painted(frame, change, world)
    codes = world.bundle.dynamics.config.num_codes
    return replace(frame, ids=edit_tokens(frame.ids, change, codes), edited=True, missing=False)


def edit_tokens(ids: np.ndarray, change: np.ndarray, codes: int) -> np.ndarray:
    """Put the tokens of an edit into those of a frame.

    Args:
        ids: uint16 (N,).
        change: integer, N in all, such as (h, w); `KEEP` leaves a token as it is.
        codes: K.

    Returns:
        uint16 (N,).

    Raises:
        ValueError: if the edit is of another size or kind, or names a code that does not exist.
    """
    if change.size != ids.size or not np.issubdtype(change.dtype, np.integer):
        raise ValueError(
            f"an edit is {ids.size} token ids ({KEEP} leaves one as it is) or a uint8 picture of "
            f"the frame's size, got {change.dtype} {change.shape}"
        )
    change = change.reshape(-1).astype(np.int64)
    if change.min() < KEEP or change.max() >= codes:
        wrong = change.min() if change.min() < KEEP else change.max()
        raise ValueError(
            f"an edit names token id {wrong}: allowed are 0 to {codes - 1}, and {KEEP} for a token "
            f"that stays as it is"
        )
    return np.where(change == KEEP, ids, change).astype(np.uint16)


def token_grid(height: int, width: int, tokens: int) -> tuple[int, int]:
    """Return the rows and columns in which the tokens of a frame stand.

    Raises:
        ValueError: if so many tokens do not cover such a frame evenly.
    """
    grids = [(rows, tokens // rows) for rows in range(1, tokens + 1) if not tokens % rows]
    fit = [(rows, columns) for rows, columns in grids if not (height % rows or width % columns)]
    if not fit:
        raise ValueError(
            f"{tokens} tokens do not form a grid over {height}x{width} pixels: edit this world by "
            f"token ids ({tokens},)"
        )
    # The models take square patches; of a model of one's own, the grid with the squarest.
    return min(fit, key=lambda grid: abs(log(height * grid[1] / (width * grid[0]))))


def fade_to(world: Any, scene: np.ndarray, actions: Sequence[int]) -> list[np.ndarray]:
    """Let a scene replace what a genie.world.World plays, over as many frames as actions.

    Args:
        world: is played on.
        scene: a picture, uint8 (H, W, 3), or its token ids, integer (h, w) or (N,).
        actions: the action of each frame.

    Returns:
        uint8 (H, W, 3) each; the last is the scene.
    """
    fade = Fade(world.see(scene)[0] if np.ndim(scene) == 3 else scene, len(actions))
    frames = []
    for action in actions:
        world.step(action)
        frames.append(world.edit(fade.next()))
    return frames


class Fade:
    """The edits through which a scene replaces what is played, one a frame.

    Its tokens come in one after the other, in an order that looks random and is always the same;
    each edit holds all that came before.

    Attributes:
        left: edits that are still to come.
    """

    def __init__(self, scene: np.ndarray, frames: int) -> None:
        """Take the scene's tokens, integer (h, w) or (N,), and in how many frames they come in."""
        if frames < 1:
            raise ValueError(f"a fade takes 1 frame or more, got {frames}")
        self.left = self._frames = frames
        self._scene = np.asarray(scene).reshape(-1).astype(np.int64)
        self._order = fade_order(len(self._scene))

    def next(self) -> np.ndarray:
        """Return the edit of the next frame, int64 (N,)."""
        self.left -= 1
        done = len(self._order) * (self._frames - self.left) // self._frames
        change = np.full_like(self._scene, KEEP)
        change[self._order[:done]] = self._scene[self._order[:done]]
        return change


def fade_order(tokens: int) -> np.ndarray:
    """Return the order in which so many tokens come in, int64 (N,)."""
    return np.random.default_rng(0).permutation(tokens)


def _painted(frame: FrameRecord, picture: np.ndarray, world: Any) -> np.ndarray:
    """Return the edit, int64 (N,), of a picture that was painted over the last frame."""
    (shown,) = pictures(world.session, [world.head], world)
    if picture.dtype != np.uint8 or picture.shape != shown.shape:
        raise ValueError(
            f"an edited picture is uint8 {shown.shape} as the frame is, got {picture.dtype} "
            f"{picture.shape}: change the frame itself"
        )
    tokens = world.see(picture)[0].astype(np.int64)
    rows, columns = token_grid(*picture.shape[:2], len(tokens))
    differ = (picture != shown).any(axis=-1)
    cells = differ.reshape(rows, len(differ) // rows, columns, -1).any(axis=(1, 3))
    return np.where(cells.reshape(-1), tokens, KEEP)
