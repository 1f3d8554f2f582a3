"""A game of a square that walks by keys, recorded like the games of the yardstick."""

from contextlib import contextmanager
from dataclasses import make_dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.latent_actions import common_decoder, games, record
from benchmarks.latent_actions.games import Game
from benchmarks.latent_actions.record import Split
from corpus.games import record as corpus_record
from corpus.games.base import Observation

SIZE, EPISODE, MARK = 16, 40, 40
MOVES = np.array([[0, 0], [0, -3], [0, 3]])  # none, left, right
LEVELS = {"train": (0, 50), "dev": (50, 100), "test": (100, 150)}
SQUARE = Game(
    name="square", env="square:one", actions=(0, 3), hold=6, levels=LEVELS, camera="still",
    groups={"still": [0], "left": [1], "right": [2]}, resting=("still",),
    opposites=(("left", "right"),),
)  # fmt: skip
SPLITS = {
    "train": Split(frames=400, seed=1, levels="train"),
    "test": Split(frames=1200, seed=3, levels="test"),
    "held": Split(frames=400, seed=4, levels="test", hold=60),
}


class SquareGames:
    """Walls stop the square. The first pixel of a frame shows the key that led to it."""

    num_actions, fps, licence = 3, 15.0, "none"

    def __init__(self, env, num_games, levels, seed):
        self.num_games, self.levels = num_games, levels
        self.rng = np.random.default_rng(seed)
        self.states = [self._begin() for _ in range(num_games)]

    def _begin(self):
        level = int(self.rng.integers(*self.levels))
        ground = np.random.default_rng(level).integers(30, 90, (SIZE, SIZE, 3), np.uint8)
        return {"level": level, "ground": ground, "at": np.array([6, 6]), "step": 0, "key": 0}

    def observe(self):
        frames = np.stack([state["ground"] for state in self.states])
        for frame, state in zip(frames, self.states, strict=True):
            row, column = state["at"]
            frame[row : row + 4, column : column + 4] = (230, 120, 40)
            frame[0, 0] = MARK * state["key"]
        first = np.array([state["step"] == 0 for state in self.states])
        return Observation(frames=frames, first=first, levels=[s["level"] for s in self.states])

    def act(self, actions):
        for index, key in enumerate(actions.tolist()):
            state = self.states[index]
            if state["step"] == EPISODE - 1:
                self.states[index] = self._begin()
                continue
            at = (state["at"] + MOVES[key]).clip(0, SIZE - 4)
            state.update(at=at, step=state["step"] + 1, key=key)

    def close(self):
        pass


class Reader(torch.nn.Module):
    """An action model by hand; `infer` is what each test is about."""

    def __init__(self):
        super().__init__()
        config = make_dataclass("Config", [("num_actions", int)], frozen=True)
        self.config, self.unused = config(4), torch.nn.Parameter(torch.zeros(1))

    def predict(self, frame, action):
        raise NotImplementedError("it draws no frames")


class MarkReader(Reader):
    """Reads the true key off the first pixel; code 3 is never used."""

    def infer(self, frames):
        return (frames[:, 1:, 0, 0, 0] * 255 / MARK).round().long()


class MotionReader(Reader):
    """Reads where the square went: at a wall, that is nowhere."""

    def infer(self, frames):
        columns = (frames[:, :, 0] > 0.8).any(dim=2).int().argmax(dim=2)
        return columns.diff(dim=1).sign() % 3 * 2 % 3  # none 0, left 1, right 2


@contextmanager
def square_among_games():
    """Make the square a game of the yardstick for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_record, "KINDS", {"square:": SquareGames})
        patch.setattr(games, "GAMES", games.GAMES | {"square": SQUARE})
        patch.setattr(record, "SPLITS", SPLITS)
        patch.setattr(common_decoder, "PAIRS", 200)
        patch.setattr(common_decoder, "FRAMES", 16)
        patch.setattr("train.loop.log.draw_curves", lambda folder: None)  # a second a fit
        yield


@pytest.fixture(autouse=True)
def square():
    """The square is a game of the yardstick, for one test."""
    with square_among_games():
        yield SQUARE


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The folder of all its splits."""
    folder = tmp_path_factory.mktemp("yardstick")
    with square_among_games():
        record.record_game(SQUARE, folder, tuple(SPLITS), progress=False)
    return folder


@pytest.fixture(autouse=True)
def forget_kinds(kinds, monkeypatch):
    """What an entry registers is unknown to the next test."""
    from train import methods

    monkeypatch.setattr(methods, "_ACTION_MODULES", dict(methods._ACTION_MODULES))


@pytest.fixture
def readers():
    return SimpleNamespace(mark=MarkReader(), motion=MotionReader())


@pytest.fixture
def quick():
    """Shorten an entry: few steps, one check, codes of few batches that are replaced soon."""
    from dataclasses import replace

    def shorten(entry, steps=40, **method):
        stage = entry.stage()
        fit = stage["fit"] | {"steps": steps, "batch": 8, "checks": 1}
        soon = {"kmeans_batches": 4, "code_decay": 0.5, "dead_fraction": 0.6}
        soon = {} if entry.name == "player_sprite" else soon
        numbers = stage.get("method", {}) | soon | method
        return replace(entry, recipe=stage | {"fit": fit, "method": numbers})

    return shorten
