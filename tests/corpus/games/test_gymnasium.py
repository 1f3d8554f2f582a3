"""The environments of Gymnasium: which are refused, what must be installed, and a real one."""

import sys
import types

import numpy as np
import pytest

from corpus.games.gymnasium import FAMILIES, INSTALL, GymnasiumGames
from corpus.games.record import record_corpus
from corpus.store import Corpus


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"modes": ("human",)}, "needs rgb_array"),
        ({"space": types.SimpleNamespace()}, "only Discrete"),
        ({"picture": np.zeros((4, 4), np.uint8)}, "needs uint8"),
        ({"picture": np.zeros((4, 4, 3))}, "needs uint8"),
        ({"picture": [1]}, "needs uint8"),
    ],
)
def test_environments_that_cannot_be_recorded_are_refused(
    tmp_path, gymnasium, counting, options, word
):
    gymnasium.options = options
    with pytest.raises(ValueError, match=word):
        counting.record(tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_an_unknown_environment_gives_one_line(gymnasium):
    with pytest.raises(ValueError, match="Unknown-v0 cannot be opened: no such environment"):
        GymnasiumGames("Unknown-v0", 1, None, 0)


def test_without_gymnasium_the_command_that_installs_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(ValueError) as caught:
        GymnasiumGames("Count-v0", 1, None, 0)
    assert INSTALL in str(caught.value)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.prefix)
def test_without_the_package_of_a_game_the_command_that_installs_it_is_said(
    monkeypatch, gymnasium, family
):
    monkeypatch.setitem(sys.modules, family.module, None)
    with pytest.raises(ValueError) as caught:
        GymnasiumGames(f"{family.prefix}Pong-v5", 1, None, 0)
    assert family.install in str(caught.value)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.prefix)
def test_the_games_of_a_package_get_its_options_and_bear_its_rate_and_licence(
    monkeypatch, gymnasium, family
):
    monkeypatch.setitem(sys.modules, family.module.partition(".")[0], types.ModuleType("package"))
    monkeypatch.setitem(sys.modules, family.module, types.ModuleType("games"))
    given = []

    def make(env, render_mode, **options):
        given.append((env, options))
        return gymnasium.Game()

    monkeypatch.setattr(gymnasium, "make", make)
    games = GymnasiumGames(f"{family.prefix}Pong-v5", 2, None, 0)
    assert given == [(f"{family.prefix}Pong-v5", family.options)] * 2
    assert (games.fps, games.licence) == (family.fps, family.licence)


def test_a_real_gymnasium_environment_can_be_recorded(tmp_path, monkeypatch):
    gymnasium = pytest.importorskip("gymnasium", reason="optional extra not installed: record")

    class Real(gymnasium.Env):
        metadata = {"render_modes": ["rgb_array"], "render_fps": 12}
        action_space = gymnasium.spaces.Discrete(4)
        observation_space = gymnasium.spaces.Discrete(100)

        def __init__(self, render_mode=None):
            self.render_mode = render_mode

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self._step = 0
            return 0, {}

        def step(self, action):
            self._step += 1
            return self._step, 0.0, False, self._step == 9, {}

        def render(self):
            return np.full((8, 8, 3), self._step, np.uint8)

    gymnasium.register("GenieCounting-v0", Real)
    try:
        read = Corpus.open(record_corpus("GenieCounting-v0", tmp_path / "o", 90, progress=False))
    finally:
        gymnasium.registry.pop("GenieCounting-v0")
    assert (read.num_frames, read.fps) == (90, 12.0)
    assert np.diff(read.episode_ends, prepend=0).max() == 10
