"""The games of the yardstick: how each one is recorded, and what its actions mean."""

from dataclasses import dataclass

PROCGEN = {"train": (0, 10_000), "dev": (1_000_000, 1_010_000), "test": (3_000_000, 3_010_000)}
SEEDED = {"train": (0, 1000), "dev": (10_000, 11_000), "test": (20_000, 21_000)}
CRAFTER = {"train": (0, 1_000_000), "dev": (1_000_000, 2_000_000), "test": (3_000_000, 4_000_000)}
LEFT_RIGHT, UP_DOWN = ("left", "right"), ("up", "down")


@dataclass(frozen=True, kw_only=True)
class Game:
    """A game with discrete actions.

    Attributes:
        name: on the command line and in tables.
        env: for `genie corpus record`.
        actions: (A, B), the actions that are played.
        hold: the longest time that one is held, in frames.
        groups: true actions that do the same, by name.
        resting: names of the groups that move nothing.
        opposites: pairs of groups of which each undoes the other.
        camera: "still", "follows" the player, or "first person".
        levels: (A, B) of each split.
        size: (H, W); None: as the game shows itself.
    """

    name: str
    env: str
    actions: tuple[int, int]
    hold: int
    groups: dict[str, list[int]]
    resting: tuple[str, ...]
    opposites: tuple[tuple[str, str], ...]
    camera: str
    levels: dict[str, tuple[int, int]]
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse groups that overlap, and names without a group."""
        members = [action for group in self.groups.values() for action in group]
        if len(set(members)) != len(members):
            raise ValueError(f"{self.name}: an action is in two groups")
        named = {*self.resting, *(name for pair in self.opposites for name in pair)}
        if unknown := sorted(named - set(self.groups)):
            raise ValueError(f"{self.name}: no groups {', '.join(unknown)}")


_RUNNER = {
    "left": [0, 1], "left-jump": [2], "still": [3, 4], "jump": [5], "right": [6, 7],
    "right-jump": [8],
}  # fmt: skip
_EIGHT_WAYS = {
    "left": [1], "right": [7], "up": [5], "down": [3], "left-down": [0], "left-up": [2],
    "right-down": [6], "right-up": [8], "still": [4],
}  # fmt: skip
_DIAGONAL = (("left-down", "right-up"), ("left-up", "right-down"))

GAMES = {
    game.name: game
    for game in (
        Game(
            name="pong", env="ALE/Pong-v5", actions=(0, 6), hold=16, size=(104, 80),
            groups={"rest": [0, 1], "up": [2, 4], "down": [3, 5]},
            resting=("rest",), opposites=(UP_DOWN,), camera="still", levels=SEEDED,
        ),
        Game(
            name="breakout", env="ALE/Breakout-v5", actions=(0, 4), hold=16, size=(104, 80),
            groups={"rest": [0, 1], "right": [2], "left": [3]},
            resting=("rest",), opposites=(LEFT_RIGHT,), camera="still", levels=SEEDED,
        ),
        Game(
            name="mspacman", env="ALE/MsPacman-v5", actions=(1, 5), hold=16, size=(104, 80),
            groups={"up": [1], "right": [2], "left": [3], "down": [4]},
            resting=(), opposites=(LEFT_RIGHT, UP_DOWN), camera="still", levels=SEEDED,
        ),
        Game(
            name="coinrun", env="procgen:coinrun", actions=(0, 9), hold=30, groups=_RUNNER,
            resting=("still",), opposites=(LEFT_RIGHT,), camera="follows", levels=PROCGEN,
        ),
        Game(
            name="climber", env="procgen:climber", actions=(0, 9), hold=16, groups=_RUNNER,
            resting=("still",), opposites=(LEFT_RIGHT,), camera="follows", levels=PROCGEN,
        ),
        Game(
            name="miner", env="procgen:miner:memory", actions=(1, 8), hold=4,
            groups={"left": [1, 2], "right": [6, 7], "down": [3], "up": [5], "still": [4]},
            resting=("still",), opposites=(LEFT_RIGHT, UP_DOWN), camera="follows", levels=PROCGEN,
        ),
        Game(
            name="bigfish", env="procgen:bigfish", actions=(0, 9), hold=16, groups=_EIGHT_WAYS,
            resting=("still",), opposites=(LEFT_RIGHT, UP_DOWN, *_DIAGONAL), camera="still",
            levels=PROCGEN,
        ),
        # The ship turns by left and right, so only what the keys are called is opposite there.
        Game(
            name="caveflyer", env="procgen:caveflyer", actions=(0, 9), hold=16, groups=_EIGHT_WAYS,
            resting=("still",), opposites=(LEFT_RIGHT,), camera="follows", levels=PROCGEN,
        ),
        Game(
            name="plunder", env="procgen:plunder", actions=(0, 9), hold=16,
            groups={"left": [0, 1, 2], "right": [6, 7, 8], "still": [3, 4, 5]},
            resting=("still",), opposites=(LEFT_RIGHT,), camera="still", levels=PROCGEN,
        ),
        Game(
            name="vizdoom", env="VizdoomMyWayHome-v1", actions=(0, 6), hold=16, size=(48, 64),
            groups={"none": [0], "turn-left": [1], "turn-right": [2], "forward": [3], "left": [4],
                    "right": [5]},
            resting=("none",), opposites=(LEFT_RIGHT, ("turn-left", "turn-right")),
            camera="first person", levels=SEEDED,
        ),
        Game(
            name="crafter", env="crafter:day", actions=(0, 6), hold=16,
            groups={"left": [1], "right": [2], "up": [3], "down": [4], "still": [0, 5]},
            resting=("still",), opposites=(LEFT_RIGHT, UP_DOWN), camera="follows", levels=CRAFTER,
        ),
        # Recorded for `auto` after its last change; Ninja's avatar had been looked for before.
        Game(
            name="spaceinvaders", env="ALE/SpaceInvaders-v5", actions=(0, 6), hold=16,
            size=(104, 80), groups={"rest": [0, 1], "right": [2, 4], "left": [3, 5]},
            resting=("rest",), opposites=(LEFT_RIGHT,), camera="still", levels=SEEDED,
        ),
        Game(
            name="ninja", env="procgen:ninja", actions=(0, 9), hold=16, groups=_RUNNER,
            resting=("still",), opposites=(LEFT_RIGHT,), camera="follows", levels=PROCGEN,
        ),
        # Chosen and recorded after f6b6911, the last change of how a player's motion is read.
        Game(
            name="freeway", env="ALE/Freeway-v5", actions=(0, 3), hold=16, size=(104, 80),
            groups={"rest": [0], "up": [1], "down": [2]},
            resting=("rest",), opposites=(UP_DOWN,), camera="still", levels=SEEDED,
        ),
        Game(
            name="fruitbot", env="procgen:fruitbot", actions=(0, 9), hold=16,
            groups={"left": [0, 1, 2], "right": [6, 7, 8], "still": [3, 4, 5]},
            resting=("still",), opposites=(LEFT_RIGHT,), camera="follows", levels=PROCGEN,
        ),
    )
}  # fmt: skip


def find_game(name: str) -> Game:
    """Return a game by its name; raises ValueError for an unknown one."""
    if name not in GAMES:
        raise ValueError(f"no game {name!r}: choose one of {', '.join(GAMES)}")
    return GAMES[name]
