"""Recording Procgen, with a stand-in for its package."""

import sys
import types

import numpy as np
import pytest

from corpus.games.procgen import INSTALL, ProcgenGames
from corpus.games.record import record_corpus
from corpus.store import Corpus


def test_without_procgen_the_commands_that_install_it_are_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "procgen", None)
    with pytest.raises(ValueError) as caught:
        record_corpus("procgen:coinrun", tmp_path / "out", 100)
    assert INSTALL in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


class FakeProcgen:
    """What the recorder uses of Procgen: the step after the last frame shows the next level."""

    combos = list(range(15))

    def __init__(
        self, num, env_name, distribution_mode, use_monochrome_assets, start_level, num_levels,
        rand_seed, render_mode, **_,
    ):  # fmt: skip
        self.render_mode = render_mode
        self.game, self.plain = (env_name, distribution_mode), use_monochrome_assets
        self._rng = np.random.default_rng(rand_seed)
        self._range = start_level, start_level + (num_levels or 1000)
        self._num = num
        self._step = np.zeros(num, int)
        self._level = self._rng.integers(*self._range, size=num)

    def observe(self):
        pictures = np.zeros((self._num, 8, 8, 3), np.uint8)
        pictures[..., 0] = self._step[:, None, None]
        pictures[..., 1] = self._level[:, None, None]
        return None, {"rgb": pictures}, self._step == 0

    def get_info(self):
        return [{"level_seed": level} for level in self._level]

    def act(self, actions):
        assert actions.dtype == np.int32 and actions.min() >= 0 and actions.max() < 15
        self._step += 1
        over = self._step == 5 + np.arange(self._num)
        self._step[over] = 0
        self._level[over] = self._rng.integers(*self._range, size=over.sum())


@pytest.fixture
def procgen(monkeypatch):
    module = types.ModuleType("procgen")
    module.ProcgenGym3Env = FakeProcgen
    module.env = types.SimpleNamespace(ENV_NAMES=["coinrun", "maze"])
    monkeypatch.setitem(sys.modules, "procgen", module)


def test_procgen_episodes_hold_one_level_each(tmp_path, procgen):
    out = record_corpus("procgen:coinrun", tmp_path / "out", 150, (20, 90), progress=False)
    read = Corpus.open(out)
    assert (read.num_frames, read.fps, read.source) == (150, 15.0, "procgen:coinrun")
    for index, record in enumerate(read.provenance):
        frames = read.read(*read.episode(index))[:, 0, 0]
        assert frames[:, 0].tolist() == list(range(len(frames)))
        assert set(frames[:, 1]) == {record["level"]} and 20 <= record["level"] < 90


def test_an_unknown_procgen_game_is_refused_before_the_engine_aborts(procgen):
    with pytest.raises(ValueError, match="it has coinrun, maze"):
        ProcgenGames("procgen:nothing", 1, None, 0)


@pytest.mark.parametrize(
    ("env", "game", "fps"),
    [
        ("procgen:coinrun", ("coinrun", "hard"), 15.0),
        ("procgen:coinrun:easy", ("coinrun", "easy"), 15.0),
        ("procgen:maze:memory", ("maze", "memory"), 8.0),
    ],
)
def test_a_procgen_game_is_opened_in_the_mode_that_is_named(procgen, env, game, fps):
    games = ProcgenGames(env, 1, None, 0)
    assert (games._env.game, games.fps) == (game, fps)


@pytest.mark.parametrize(
    ("env", "plain"), [("procgen:maze:memory", False), ("procgen:maze:memory:plain", True)]
)
def test_a_procgen_game_is_shown_in_plain_colours_where_asked_for(procgen, env, plain):
    games = ProcgenGames(env, 1, None, 0)
    assert (games._env.game, games._env.plain) == (("maze", "memory"), plain)


@pytest.mark.parametrize("env", ["procgen:maze:memory:", "procgen:maze:memory:neon"])
def test_an_art_that_procgen_lacks_is_refused(procgen, env):
    with pytest.raises(ValueError, match="give plain"):
        ProcgenGames(env, 1, None, 0)


@pytest.mark.parametrize("env", ["procgen:maze:memory", "procgen:maze:hard", "procgen:coinrun"])
def test_half_cells_at_the_rim_are_cut_off_where_the_picture_follows_a_player(
    monkeypatch, procgen, env
):
    drawn = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    monkeypatch.setattr(FakeProcgen, "observe", lambda _: (None, {"rgb": drawn}, np.ones(1, bool)))
    frames = ProcgenGames(env, 1, None, 0).observe().frames
    whole_cells = drawn[:, 4:60, 4:60] if env.endswith("memory") else drawn
    assert np.array_equal(frames, whole_cells)


@pytest.mark.parametrize("env", ["procgen:maze:memory", "procgen:coinrun"])
@pytest.mark.parametrize("size", [None, (64, 64), (128, 128)])
def test_frames_above_64_pixels_are_of_the_pictures_for_people(monkeypatch, procgen, env, size):
    rng = np.random.default_rng(0)
    small, large = (rng.integers(0, 256, (1, side, side, 3), np.uint8) for side in (64, 512))
    monkeypatch.setattr(FakeProcgen, "observe", lambda _: (None, {"rgb": small}, np.ones(1, bool)))
    info = [{"level_seed": 0, "rgb": large[0]}]
    monkeypatch.setattr(FakeProcgen, "get_info", lambda _: info)
    games = ProcgenGames(env, 1, None, 0, size)
    shown, rim = (large, 32) if size == (128, 128) else (small, 4)
    inside = slice(rim, shown.shape[1] - rim) if env.endswith("memory") else slice(None)
    assert np.array_equal(games.observe().frames, shown[:, inside, inside])
    assert games._env.render_mode == ("rgb_array" if shown is large else None)


@pytest.mark.parametrize(
    "env", ["procgen:coinrun:memory", "procgen:maze:", "procgen:maze:exploration"]
)
def test_a_mode_that_the_game_lacks_is_refused_before_the_engine_aborts(procgen, env):
    with pytest.raises(ValueError, match="it has easy, hard"):
        ProcgenGames(env, 1, None, 0)


def test_the_stand_in_for_gym_is_taken_away_again(monkeypatch):
    monkeypatch.setitem(sys.modules, "procgen", None)
    before = set(sys.modules)
    with pytest.raises(ValueError):
        ProcgenGames("procgen:coinrun", 1, None, 0)
    assert not {name for name in set(sys.modules) - before if name.startswith("gym")}
