"""The corpora of the yardstick, recorded at random play."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.latent_actions.games import Game
from corpus.games.record import record_corpus


@dataclass(frozen=True, kw_only=True)
class Split:
    """One recording of a game.

    Attributes:
        frames: how many.
        seed: of the games and the policy.
        levels: the split whose levels are played.
        hold: the longest hold in frames; None: the game's.
    """

    frames: int
    seed: int
    levels: str
    hold: int | None = None


# The probe behind the ceiling is fitted on nine tenths of one half: 45,000 frames give it the
# 20,000 labelled transitions that it wants. Keys held 30 frames need longer holds than a game has.
SPLITS = {
    "train": Split(frames=40_000, seed=1, levels="train"),
    "dev": Split(frames=30_000, seed=2, levels="dev"),
    "test": Split(frames=45_000, seed=3, levels="test"),
    "held": Split(frames=12_000, seed=4, levels="test", hold=90),
}


def corpus_path(data: Path, game: Game, split: str) -> Path:
    """Return the folder of a game's split."""
    return data / f"{game.name}-{split}"


def record_game(
    game: Game, data: Path, splits: Sequence[str] = tuple(SPLITS), progress: bool = True
) -> list[Path]:
    """Record the splits of a game that `data` lacks, going on with interrupted ones.

    Returns:
        The folders that were made.
    """
    made = []
    data.mkdir(parents=True, exist_ok=True)
    for name in splits:
        split, out = SPLITS[name], corpus_path(data, game, name)
        if out.exists():
            continue
        record_corpus(
            game.env, out, split.frames, game.levels[split.levels], split.hold or game.hold,
            split.seed, game.size, game.actions, resume=True, progress=progress,
        )  # fmt: skip
        made.append(out)
    return made
