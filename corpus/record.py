"""A game to a corpus: random play with held keys, many games at once, true actions beside it.

A policy that keeps an action for a while sees far more of a game than one that draws anew at every
frame, and it holds the long presses that a player makes. The true actions are for evaluation only.
"""

from __future__ import annotations

import dataclasses
import errno
import math
from pathlib import Path

import numpy as np

from corpus import crafter, procgen
from corpus.games import Games, GymnasiumGames
from corpus.progress import progress_bar
from corpus.shaper import Shaper
from corpus.store import CorpusCard
from corpus.write_behind import WriteBehind
from corpus.writer import CorpusWriter, refuse_existing

NUM_GAMES = 8
MAX_EPISODE = 1000  # frames; a longer episode goes on as another one
KINDS = {procgen.PREFIX: procgen.ProcgenGames, crafter.PREFIX: crafter.CrafterGames}
BUFFER_BYTES = 512 * 2**20  # for the episodes that are running, all games together


def parse_levels(text: str) -> tuple[int, int]:
    """Read levels as the command line gives them.

    Args:
        text: ``A:B``, such as ``0:10000``.

    Returns:
        (A, B): levels A to B - 1.

    Raises:
        ValueError: the text is no such range, or the range is empty.
    """
    return _parse_range(text, "levels", "0:10000")


def parse_actions(text: str) -> tuple[int, int]:
    """Read actions as the command line gives them.

    Args:
        text: ``A:B``, such as ``0:9``.

    Returns:
        (A, B): actions A to B - 1.

    Raises:
        ValueError: the text is no such range, or the range is empty.
    """
    return _parse_range(text, "actions", "0:9")


def hold_lengths(rng: np.random.Generator, hold: int, count: int) -> np.ndarray:
    """Draw for how many frames actions are held: log-uniform, so short and long presses occur.

    Args:
        rng: where the randomness comes from.
        hold: the longest hold in frames, at least 1.
        count: how many to draw.

    Returns:
        int64 (count,), each 1 to ``hold``; P(n) is proportional to log((n + 1) / n).
    """
    return np.exp(rng.uniform(0.0, math.log(hold + 1), count)).astype(np.int64).clip(1, hold)


class HeldActions:
    """A random policy for several games: uniform actions, each held for a while.

    Args:
        num_games: G.
        num_actions: how many actions are played.
        hold: the longest hold in frames, at least 1.
        rng: where the randomness comes from.
        first: the first action that is played; the others follow it.
    """

    def __init__(
        self,
        num_games: int,
        num_actions: int,
        hold: int,
        rng: np.random.Generator,
        first: int = 0,
    ) -> None:
        """Begin with nothing held; see the class."""
        self._range, self._hold, self._rng = (first, first + num_actions), hold, rng
        self._actions = np.zeros(num_games, np.int64)
        self._left = np.zeros(num_games, np.int64)

    def next(self) -> np.ndarray:
        """The actions of the next step: int64 (G,)."""
        new = np.flatnonzero(self._left == 0)
        self._actions[new] = self._rng.integers(*self._range, size=len(new))
        self._left[new] = hold_lengths(self._rng, self._hold, len(new))
        self._left -= 1
        return self._actions.copy()


@dataclasses.dataclass
class _Running:
    """An episode that is being played."""

    level: int | None
    frames: list[np.ndarray] = dataclasses.field(default_factory=list)
    actions: list[int] = dataclasses.field(default_factory=list)


def record_corpus(
    env: str,
    out: str | Path,
    frames: int,
    levels: tuple[int, int] | None = None,
    hold: int = 30,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    actions: tuple[int, int] | None = None,
    num_games: int = NUM_GAMES,
    progress: bool = True,
) -> Path:
    """Record random play.

    Args:
        env: ``procgen:NAME``, ``procgen:NAME:MODE``, ``crafter:day``, ``crafter:full``, or the id
            of a Gymnasium environment with ``rgb_array`` pictures.
        out: the folder to make; interrupted recordings leave nothing.
        frames: how many to record, at least 2; rarely one less, as no frame stands alone.
        levels: (A, B): levels A to B - 1; for Gymnasium the seed of each reset.
        hold: the longest time an action is held, in frames, at least 1.
        seed: of the games and the policy, at least 0.
        size: (H, W) to crop and scale to; default: as the game shows it.
        actions: (A, B): play only actions A to B - 1; default: all. Where a game has many names for
            doing nothing, as CoinRun does, leaving those out shows more of it.
        num_games: how many copies are played at once.
        progress: whether to draw a progress bar on stderr.

    Returns:
        The folder of the finished corpus.

    Raises:
        FileExistsError: ``out`` exists, or a folder of an interrupted build is in the way.
        ValueError: the game is not installed or unknown, or an argument is out of range.
        OSError: the disk is full; nothing is left of the recording.
    """
    out = Path(out)
    refuse_existing(out)
    for name, value, least in (
        ("frames", frames, 2),
        ("hold", hold, 1),
        ("seed", seed, 0),
        ("games", num_games, 1),
    ):
        if value < least:
            raise ValueError(f"--{name} is {value}; give at least {least}")
    for name, given in (("levels", levels), ("actions", actions)):
        if given is not None:
            _check_range(given, name)
    kind = next((kind for prefix, kind in KINDS.items() if env.startswith(prefix)), GymnasiumGames)
    games = kind(env, min(num_games, max(1, frames // 2)), levels, seed)
    try:
        played = actions or (0, games.num_actions)
        if played[1] > games.num_actions:
            raise ValueError(
                f"--actions {played[0]}:{played[1]}: {env} has {games.num_actions} actions; give a "
                f"range within 0:{games.num_actions}, or leave the flag out to play all"
            )
        recorder = _Recorder(games, env, size)
        card = CorpusCard(
            fps=games.fps,
            source=env,
            licence=games.licence,
            options={
                "maker": "record",
                "env": env,
                "levels": list(levels) if levels else None,
                "actions": list(played),
                "hold": hold,
                "seed": seed,
                "games": games.num_games,
            },
        )
        writer = CorpusWriter.create(out, recorder.size, card, with_actions=True)
        try:
            rng = np.random.default_rng(seed)
            count = played[1] - played[0]
            policy = HeldActions(games.num_games, count, hold, rng, first=played[0])
            with WriteBehind(writer) as behind:
                recorder.play(behind, policy, frames, progress)
            return writer.finish()
        except BaseException as error:
            writer.discard()
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise OSError(
                    "the disk is full: nothing of the recording was kept; free some space, or "
                    "record fewer frames"
                ) from error
            raise
    finally:
        games.close()


class _Recorder:
    """Plays games and writes each episode when it is over."""

    def __init__(self, games: Games, env: str, size: tuple[int, int] | None) -> None:
        self.games, self.env = games, env
        height, width = games.observe().frames.shape[1:3]
        self.size = size or (height, width)
        self._shaper = None if self.size == (height, width) else Shaper(self.size, "crop")
        frame_bytes = 3 * self.size[0] * self.size[1]
        fitting = BUFFER_BYTES // (frame_bytes * games.num_games)
        self._longest = max(2, min(MAX_EPISODE, fitting))

    def play(self, behind: WriteBehind, policy: HeldActions, frames: int, progress: bool) -> None:
        """Play until ``frames`` frames are recorded, and commit them."""
        running = [_Running(None) for _ in range(self.games.num_games)]
        committed = seen = 0
        with progress_bar("recording", frames, progress) as advance:
            while seen < frames:
                shown = self.games.observe()
                for index, episode in enumerate(running):
                    if shown.first[index] or len(episode.frames) == self._longest:
                        committed += self._commit(behind, episode, frames - committed)
                        running[index] = _Running(shown.levels[index])
                    running[index].frames.append(self._shaped(shown.frames[index]))
                actions = policy.next()
                for episode, action in zip(running, actions.tolist(), strict=True):
                    episode.actions.append(action)
                self.games.act(actions)
                before, seen = seen, committed + sum(_usable(episode) for episode in running)
                advance(max(0, seen - before))
            for episode in running:
                committed += self._commit(behind, episode, frames - committed)

    def _commit(self, behind: WriteBehind, episode: _Running, room: int) -> int:
        """Hand over an episode, cut to the room that is left; return how many frames it keeps."""
        count = min(_usable(episode), room)
        if room - count == 1 and count > 2:
            count -= 1  # or the last episode would be a lone frame
        if count < 2:
            return 0
        behind.write(
            {"env": self.env, "level": episode.level},
            episode.frames[:count],
            episode.actions[: count - 1],
        )
        return count

    def _shaped(self, picture: np.ndarray) -> np.ndarray:
        """A picture at the size of the corpus."""
        return picture if self._shaper is None else self._shaper.shape(picture)


def _usable(episode: _Running) -> int:
    """How many frames of an episode can be kept: a lone one has no action."""
    return len(episode.frames) if len(episode.frames) >= 2 else 0


def _parse_range(text: str, name: str, example: str) -> tuple[int, int]:
    """Read ``A:B``; ``name`` says what it is a range of."""
    parts = text.split(":")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"{text!r} are no {name}: give A:B, such as {example}")
    read = int(parts[0]), int(parts[1])
    _check_range(read, name)
    return read


def _check_range(given: tuple[int, int], name: str) -> None:
    """Refuse an empty or negative range."""
    if not 0 <= given[0] < given[1]:
        raise ValueError(
            f"--{name} {given[0]}:{given[1]} holds no {name[:-1]}: give A:B with 0 <= A < B"
        )
