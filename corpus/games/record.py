"""A game to a corpus: random play, many games at once, true actions beside it.

The true actions are for evaluation only. A recording is a function of its seed and of how many
frames are asked for, so an interrupted one is played again from the start; the episodes that are
on disk are compared with those played, and the writing goes on behind them.
"""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import numpy as np

from corpus.frame_size import AUTO, SizeChoice, choose_size
from corpus.games import crafter, procgen
from corpus.games.base import Games
from corpus.games.gymnasium import GymnasiumGames
from corpus.games.policy import HeldActions, check_range
from corpus.games.write_behind import WriteBehind
from corpus.progress import Tell, no_tell, progress_bar
from corpus.readers.layout import Shaping
from corpus.readers.shaper import Shaper
from corpus.store import CorpusCard
from corpus.writing.open_writer import open_writer
from corpus.writing.writer import refuse_existing

NUM_GAMES = 8
MAX_EPISODE = 1000  # frames; a longer episode goes on as another one
KINDS = {procgen.PREFIX: procgen.ProcgenGames, crafter.PREFIX: crafter.CrafterGames}
LOOK_FRAMES, LOOK_STEP = 1024, 8  # of play in which a size is chosen; every eighth is looked at
BUFFER_BYTES = 512 * 2**20  # for the episodes that are running, all games together


def record_corpus(
    env: str,
    out: str | Path,
    frames: int,
    levels: tuple[int, int] | None = None,
    hold: int = 30,
    seed: int = 0,
    size: tuple[int, int] | str | None = None,
    actions: tuple[int, int] | None = None,
    num_games: int = NUM_GAMES,
    resume: bool = False,
    progress: bool = True,
    tell: Tell = no_tell,
) -> Path:
    """Record random play.

    Args:
        env: ``procgen:NAME``, ``procgen:NAME:MODE``, ``procgen:NAME:MODE:plain``,
            ``crafter:day``, ``crafter:full``, or the id of a Gymnasium environment with
            ``rgb_array`` images.
        out: the folder to make.
        frames: how many to record, at least 2; rarely one less, as no frame stands alone.
        levels: (A, B): levels A to B - 1; for Gymnasium the seed of each reset.
        hold: the longest time an action is held, in frames, at least 1.
        seed: of the games and the policy, at least 0.
        size: (H, W) to crop and scale to; Procgen and Crafter draw larger pictures for it.
            ``auto``: what moves in a first look at the game decides; default: as the game shows it.
        actions: (A, B): play only actions A to B - 1; default: all. Where a game has many names for
            doing nothing, as CoinRun does, leaving those out shows more of it.
        num_games: how many copies are played at once.
        resume: go on with an interrupted recording of the same options.
        progress: whether to draw a progress bar on stderr.
        tell: takes what a user should know, such as the size that is chosen.

    Returns:
        The folder of the finished corpus.

    Raises:
        FileExistsError: ``out`` exists, or an interrupted recording and ``resume`` is not set.
        ValueError: the game is not installed or unknown, an argument is out of range, or the game
            is not the one that was begun.
        OSError: the disk is full; what is committed stays.
    """
    refuse_existing(Path(out))
    _check_numbers(frames=(frames, 2), hold=(hold, 1), seed=(seed, 0), games=(num_games, 1))
    for name, given in (("levels", levels), ("actions", actions)):
        if given is not None:
            check_range(given, name)
    kind = next((kind for prefix, kind in KINDS.items() if env.startswith(prefix)), GymnasiumGames)
    drawn = {"size": size} if isinstance(size, tuple) and hasattr(kind, "draws_larger") else {}
    games = kind(env, min(num_games, max(1, frames // 2)), levels, seed, **drawn)
    with contextlib.closing(games):
        first, stop = actions or (0, games.num_actions)
        if stop > games.num_actions:
            raise ValueError(
                f"--actions {first}:{stop}: {env} has {games.num_actions} actions; give a "
                f"range within 0:{games.num_actions}, or leave the flag out to play all"
            )
        options = {
            "maker": "record",
            "env": env,
            "levels": list(levels) if levels else None,
            "actions": [first, stop],
            "hold": hold,
            "seed": seed,
            "games": games.num_games,
        }
        card = CorpusCard(fps=games.fps, source=env, licence=games.licence, options=options)
        rng = np.random.default_rng(seed)
        policy = HeldActions(games.num_games, stop - first, hold, rng, first)
        if size == AUTO:
            with contextlib.closing(kind(env, 1, levels, seed)) as one:
                choice = _look(
                    one, HeldActions(1, stop - first, hold, np.random.default_rng(seed), first)
                )
            tell(str(choice))
            size = choice.size
        recorder = _Recorder(games, policy, env, size)
        with open_writer(out, recorder.size, card, with_actions=True, resume=resume) as writer:
            if writer.num_frames < frames:
                with WriteBehind(writer) as behind:
                    recorder.play(behind, frames, progress)
            return writer.finish()


def _check_numbers(**given: tuple[int, int]) -> None:
    """Refuse what is below its least value, or more than anybody can record."""
    for name, (value, least) in given.items():
        if not least <= value < 2**31:
            raise ValueError(f"--{name} is {value}; give at least {least} and less than 2^31")


def _look(games: Games, policy: HeldActions) -> SizeChoice:
    """Play one copy for a while and choose the size of its frames."""
    episodes: list[list[np.ndarray]] = []  # each may have a background of its own
    for step in range(LOOK_FRAMES):
        shown = games.observe()
        if shown.first[0] or not episodes:
            episodes.append([])
        if step % LOOK_STEP == 0:
            episodes[-1].append(shown.frames[0].copy())
        games.act(policy.next())
    longest = max(map(len, episodes))
    return choose_size([np.stack(seen) for seen in episodes if len(seen) > longest / 2])


@dataclasses.dataclass
class _Running:
    """An episode that is being played."""

    level: int | None
    frames: list[np.ndarray] = dataclasses.field(default_factory=list)
    actions: list[int] = dataclasses.field(default_factory=list)


class _Recorder:
    """Plays games and writes each episode when it is over."""

    def __init__(
        self, games: Games, policy: HeldActions, env: str, size: tuple[int, int] | None
    ) -> None:
        self.games, self.policy, self.env = games, policy, env
        height, width = games.observe().frames.shape[1:3]
        self.size = size or (height, width)
        self._shaper = None if self.size == (height, width) else Shaper(Shaping(size=self.size))
        frame_bytes = 3 * self.size[0] * self.size[1]
        fitting = BUFFER_BYTES // (frame_bytes * games.num_games)
        self._longest = max(2, min(MAX_EPISODE, fitting))

    def play(self, behind: WriteBehind, frames: int, progress: bool) -> None:
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
                actions = self.policy.next()
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

    def _shaped(self, image: np.ndarray) -> np.ndarray:
        """Return a frame at the size of the corpus."""
        return image if self._shaper is None else self._shaper(image)


def _usable(episode: _Running) -> int:
    """How many frames of an episode can be kept: a lone one has no action."""
    return len(episode.frames) if len(episode.frames) >= 2 else 0
