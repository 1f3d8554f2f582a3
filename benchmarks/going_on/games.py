"""The new footage: of which games, and which world goes on with it."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.latent_actions.games import PROCGEN
from corpus.games.procgen import CELL_FPS
from corpus.games.record import record_corpus

ACTIONS, HOLD = (2, 7), 4
"""Left, down, none, up and right, each held for up to four frames."""
MINUTES = (1.0, 2.5, 5.0, 10.0)
DEV_FRAMES, DEV_SEED = 20_000, 7


@dataclass(frozen=True, kw_only=True)
class Game:
    """New footage for a world.

    Attributes:
        name: on the command line and in tables.
        env: for `genie corpus record`.
        world: that goes on.
        recipe: that it was made with.
    """

    name: str
    env: str
    world: str
    recipe: str


GAMES = {
    game.name: game
    for game in (
        Game(name="same", env="procgen:miner:memory", world="miner", recipe="miner"),
        Game(name="plain", env="procgen:miner:memory:plain", world="miner", recipe="miner"),
        Game(name="maze", env="procgen:maze:memory", world="miner", recipe="miner"),
    )
}


def dev_corpus(game: Game, data: Path) -> Path:
    """Return the corpus that is judged on, recorded if `data` lacks it."""
    return _recorded(game, data / f"{game.name}-dev", DEV_FRAMES, "dev", DEV_SEED)


def train_corpus(game: Game, data: Path, minutes: float, seed: int) -> Path:
    """Return so many minutes of new footage, recorded if `data` lacks them."""
    frames = round(minutes * 60 * CELL_FPS)
    return _recorded(game, data / f"{game.name}-{minutes:g}-{seed}", frames, "train", 100 + seed)


def _recorded(game: Game, out: Path, frames: int, levels: str, seed: int) -> Path:
    if not out.exists():
        record_corpus(
            game.env, out, frames, PROCGEN[levels], HOLD, seed, actions=ACTIONS, resume=True
        )
    return out
