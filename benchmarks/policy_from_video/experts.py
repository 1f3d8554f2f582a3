"""Players written by hand, who see only frames: those whom a policy is cloned from."""

from collections import deque
from typing import Protocol

import numpy as np

LEFT, UP, RIGHT, DOWN = 1, 5, 7, 3
RIGHT_JUMP = 8
FREE, DIRT, WALL, BOULDER, DIAMOND = range(5)
CELLS, PLAYER, CELL = 7, 3, 8
# Mean colour of the middle 4 x 4 pixels of a cell, and the spread of its channels, together.
LOOKS = np.array([[170.0, 108, 52], [137, 164, 166], [151, 169, 170], [55, 179, 230]])
SPREADS = np.array([10.8, 34.7, 0.0, 45.6])
STEPS = ((0, -1), (0, 1), (-1, 0), (1, 0))  # row and column, of the keys below
KEYS = np.array([LEFT, RIGHT, UP, DOWN])
KEEPS = 0.95
HOLDS_JUMP = 8
"""Frames: people hold a key until they land, and a jump shows only once it is under way."""


class Expert(Protocol):
    """Plays several copies of a game."""

    def act(self, frames: np.ndarray) -> np.ndarray:
        """Return the buttons (G,) for frames uint8 (G, H, W, 3)."""


class MinerExpert:
    """Goes to the nearest diamond that it sees; else on as before, with a turn now and then."""

    def __init__(self, num_games: int, seed: int) -> None:
        """Begin in any direction."""
        self._rng = np.random.default_rng(seed)
        self._heading = self._rng.integers(0, 4, num_games)

    def act(self, frames: np.ndarray) -> np.ndarray:
        """Return the buttons (G,) for frames uint8 (G, H, W, 3)."""
        for i, cells in enumerate(read_cells(frames)):
            self._heading[i] = self._direction(cells, int(self._heading[i]))
        return KEYS[self._heading]

    def _direction(self, cells: np.ndarray, heading: int) -> int:
        for careful in (True, False):
            order = [heading, *(d for d in self._rng.permutation(4).tolist() if d != heading)]
            options = [d for d in order if may_begin(cells, d, careful)]
            if (found := way_to_diamond(cells, options, careful)) is not None:
                return found
            if heading in options and self._rng.random() < KEEPS:
                return heading
            # Back the way it came only where there is no other.
            if turns := [d for d in options if d != heading ^ 1] or options:
                return int(self._rng.choice(turns))
        return int(self._rng.integers(4))


def read_cells(frames: np.ndarray) -> np.ndarray:
    """Say what is in each cell of Miner's frames (G, 56, 56, 3), int64 (G, 7, 7)."""
    parts = frames.reshape(len(frames), CELLS, CELL, CELLS, CELL, 3).swapaxes(2, 3)
    middle = parts[:, :, :, 2:6, 2:6].astype(np.float32)
    mean, spread = middle.mean(axis=(3, 4)), middle.std(axis=(3, 4)).sum(axis=-1)
    near = np.abs(mean[..., None, :] - LOOKS).max(axis=-1) < 1.5
    near &= np.abs(spread[..., None] - SPREADS) < 2
    return np.where(near.any(axis=-1), near.argmax(axis=-1) + 1, FREE)


def may_begin(cells: np.ndarray, direction: int, careful: bool) -> bool:
    """Whether the player can step so: also sideways against a boulder with room behind it."""
    row, column = (PLAYER + step for step in STEPS[direction])
    if cells[row, column] == BOULDER and direction < 2:
        return bool(cells[row, column + STEPS[direction][1]] == FREE)
    return may_enter(cells, row, column, direction, careful)


def may_enter(cells: np.ndarray, row: int, column: int, direction: int, careful: bool) -> bool:
    """Whether a cell can be entered; the careful do not where a boulder may fall."""
    if not (0 <= row < CELLS and 0 <= column < CELLS) or cells[row, column] in (WALL, BOULDER):
        return False
    falls = row > 0 and cells[row - 1, column] == BOULDER and cells[row, column] == FREE
    follows = direction == 3 and row > 1 and cells[row - 2, column] == BOULDER
    return not (careful and (falls or follows))


def way_to_diamond(cells: np.ndarray, options: list[int], careful: bool) -> int | None:
    """Return with which of the directions a shortest way to a diamond begins; None: there is none.

    Args:
        cells: from `read_cells`, of one frame.
        options: directions to begin with; of ways that are equally short, the first counts.
        careful: see `may_enter`.
    """
    begins = [(PLAYER + STEPS[d][0], PLAYER + STEPS[d][1], d) for d in options]
    queue, seen = deque(begins), {(PLAYER, PLAYER), *((r, c) for r, c, _ in begins)}
    while queue:
        row, column, first = queue.popleft()
        if cells[row, column] == DIAMOND:
            return first
        for direction, (down, right) in enumerate(STEPS):
            to = row + down, column + right
            if to not in seen and may_enter(cells, *to, direction, careful):
                seen.add(to)
                queue.append((*to, first))
    return None


class RunnerExpert:
    """Runs to the right in CoinRun, and jumps where something is ahead or nothing moves."""

    def __init__(self, num_games: int, seed: int) -> None:
        """Begin to run; nothing is drawn."""
        self._before: np.ndarray | None = None
        self._jumps = np.zeros(num_games, np.int64)

    def act(self, frames: np.ndarray) -> np.ndarray:
        """Return the buttons (G,) for frames uint8 (G, 64, 64, 3)."""
        now = frames.astype(np.float32)
        before = now if self._before is None else self._before
        self._before = now
        blocked = np.abs(now - before).mean(axis=(1, 2, 3)) < 1
        # What is right of the player, at its height, does not look like what is above that.
        ahead, above = now[:, 29:36, 36:48], now[:, 18:25, 36:48]
        apart = np.abs(ahead.mean(axis=(1, 2)) - above.mean(axis=(1, 2))).max(axis=1)
        jumps = (self._jumps == 0) & (blocked | (apart > 15))
        self._jumps = np.where(jumps, HOLDS_JUMP, np.maximum(self._jumps - 1, 0))
        return np.where(self._jumps > 0, RIGHT_JUMP, RIGHT)
