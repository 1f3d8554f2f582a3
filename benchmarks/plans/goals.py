"""Real games, and moments of their play to get to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from corpus.games.base import Games
from corpus.games.crafter import CrafterGames
from corpus.games.policy import HeldActions
from corpus.games.procgen import ProcgenGames

SAME = 0.8
LEVEL_OFFSET = 4_000_000
CELL = 8
SAME_LEVELS = 24  # of 255: a pixel that differs by less is the same
WARM_UP = (10, 60)


@dataclass(frozen=True, kw_only=True)
class Game:
    """A real game, and which of its buttons do what the world's actions are called.

    Attributes:
        kind: makes copies of it.
        env: its name.
        hold: the longest time that random play holds a button.
        actions: A, B: random play presses buttons A to B − 1.
        buttons: by the name of the action.
        world_rows: rows of cells that show the world, not what the player carries.
    """

    kind: Callable[..., Games]
    env: str
    hold: int
    actions: tuple[int, int]
    buttons: dict[str, int]
    world_rows: int


GAMES = {
    "crafter": Game(
        kind=CrafterGames,
        env="crafter:day",
        hold=16,
        actions=(0, 6),
        buttons={"none": 0, "left": 1, "right": 2, "up": 3, "down": 4},
        world_rows=7,
    ),
    "miner": Game(
        kind=ProcgenGames,
        env="procgen:miner:memory",
        hold=4,
        actions=(2, 7),
        buttons={"none": 4, "left": 1, "right": 7, "down": 3, "up": 5},
        world_rows=7,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A moment of a real game.

    Attributes:
        picture: uint8 (H, W, 3).
        position: cell of the player, or None if the game does not tell.
    """

    picture: np.ndarray
    position: tuple[int, int] | None

    def is_at(self, other: Shown, rows: int) -> bool:
        """Say whether two moments show the same place, `rows` of cells of it."""
        if self.position is not None:
            return self.position == other.position
        return is_same_place(self.picture, other.picture, rows)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """Two moments of real play.

    Attributes:
        seed: of the game.
        before: buttons that lead to the first one.
        start: its picture.
        goal: the second one's picture, and where the player stands.
    """

    seed: int
    before: list[int]
    start: np.ndarray
    goal: Shown


def play(game: Game, seed: int, buttons: list[int]) -> list[Shown] | None:
    """Play buttons in a game of a seed; what it shows, or None if it ended on the way."""
    games = game.kind(game.env, 1, (LEVEL_OFFSET + seed, LEVEL_OFFSET + seed + 1), seed)

    def look() -> Shown:
        picture = games.observe().frames[0]
        told = isinstance(games, CrafterGames)
        return Shown(picture=picture, position=games.positions()[0] if told else None)

    shown = [look()]
    for button in buttons:
        games.act(np.array([button]))
        if games.observe().first[0]:
            return None
        shown.append(look())
    games.close()
    return shown


def goals(game: Game, steps: int, wanted: int) -> Iterator[Goal]:
    """Yield goals that are so many steps of play away."""
    seed = 0
    while wanted:
        seed += 1
        rng = np.random.default_rng([steps, seed])
        first, stop = game.actions
        policy = HeldActions(1, stop - first, game.hold, rng, first)
        before = int(rng.integers(*WARM_UP))
        buttons = [int(policy.next()[0]) for _ in range(before + steps)]
        shown = play(game, seed, buttons)
        if shown is None or shown[before].is_at(shown[-1], game.world_rows):
            continue
        wanted -= 1
        start = shown[before].picture
        yield Goal(seed=seed, before=buttons[:before], start=start, goal=shown[-1])


def is_same_place(picture: np.ndarray, goal: np.ndarray, rows: int) -> bool:
    """Say whether two pictures, uint8 (H, W, 3), are of the same place; see the module."""
    picture, goal = (each[: rows * CELL].astype(np.int16) for each in (picture, goal))
    height, width = picture.shape[:2]
    unmoved = _same(picture, goal)
    shares = [0.0]
    # As far one way as the other, or a picture and its mirror image would not be judged alike.
    most_down, most_right = rows // 2 * CELL, width // 2 // CELL * CELL
    for down in range(-most_down, most_down + 1, CELL):
        for right in range(-most_right, most_right + 1, CELL):
            if down or right:
                a = picture[max(0, down) : height + down, max(0, right) : width + right]
                b = goal[max(0, -down) : height - down, max(0, -right) : width - right]
                shares.append(_same(a, b))
    return unmoved >= SAME and unmoved > max(shares)


def _same(a: np.ndarray, b: np.ndarray) -> float:
    return float((np.abs(a - b).max(axis=-1) < SAME_LEVELS).mean())
