"""A game that counts, and a stand-in for Gymnasium that makes it."""

import sys
import types

import numpy as np
import pytest

from corpus.games.record import record_corpus

LENGTH = 7  # steps of an episode of the counting game


class Discrete:
    """Actions 1, 2, 3: a space that does not start at 0."""

    n, start = 3, 1


class CountingGame:
    """Shows how it came to be: (steps in the episode, last action, seed of the reset)."""

    def __init__(self, modes=("rgb_array",), space=None, picture=None):
        self.metadata = {"render_modes": list(modes), "render_fps": 20}
        self.action_space = space or Discrete()
        self._picture = picture
        self._seed = 0
        self.closed = False

    def reset(self, seed=None):
        self._seed = self._seed if seed is None else seed
        self._step, self._action = 0, 0
        return None, {}

    def step(self, action):
        assert self._step < LENGTH, "stepped beyond the end of an episode"
        assert action in (1, 2, 3)
        self._step, self._action = self._step + 1, action
        return None, 0.0, self._step == LENGTH, False, {}

    def render(self):
        if self._picture is not None:
            return self._picture
        colour = (self._step, self._action, self._seed % 256)
        return np.full((10, 14, 3), colour, np.uint8)

    def close(self):
        self.closed = True


@pytest.fixture
def gymnasium(monkeypatch):
    """A stand-in for Gymnasium, so that the tests need no extra; ``made`` lists each ``Game``."""
    module = types.ModuleType("gymnasium")
    module.error = types.SimpleNamespace(Error=type("Error", (Exception,), {}))
    module.Game, module.made, module.options = CountingGame, [], {}

    def make(env, render_mode):
        if env == "Unknown-v0":
            raise module.error.Error("no such\nenvironment")
        module.made.append(CountingGame(**module.options))
        return module.made[-1]

    module.make = make
    monkeypatch.setitem(sys.modules, "gymnasium", module)
    return module


def record(out, frames=100, **options):
    return record_corpus("Count-v0", out, frames, **{"progress": False, **options})


@pytest.fixture
def counting():
    """What tests use of this file by name; test files cannot import each other."""
    return types.SimpleNamespace(LENGTH=LENGTH, Discrete=Discrete, record=record)
