import errno
import itertools
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import corpus.games.record
import corpus.games.write_behind
from corpus.games.gymnasium import FAMILIES, INSTALL, GymnasiumGames
from corpus.games.record import record_corpus
from corpus.store import Corpus
from genie.cli import main

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
    """A stand-in for Gymnasium, so that the tests need no extra; ``made`` lists what it made."""
    module = types.ModuleType("gymnasium")
    module.error = types.SimpleNamespace(Error=type("Error", (Exception,), {}))
    module.made, module.options = [], {}

    def make(env, render_mode):
        if env == "Unknown-v0":
            raise module.error.Error("no such\nenvironment")
        module.made.append(CountingGame(**module.options))
        return module.made[-1]

    module.make = make
    monkeypatch.setitem(sys.modules, "gymnasium", module)
    return module


def _record(out, frames=100, **options):
    return record_corpus("Count-v0", out, frames, **{"progress": False, **options})


def test_a_recording_has_the_asked_frames_in_whole_episodes(tmp_path, gymnasium):
    corpus = Corpus.open(_record(tmp_path / "out"))
    assert (corpus.num_frames, corpus.height, corpus.width, corpus.fps) == (100, 10, 14, 20.0)
    lengths = np.diff(corpus.episode_ends, prepend=0)
    assert lengths.max() == LENGTH + 1 and lengths.min() >= 2
    assert corpus.source == "Count-v0" and corpus.card.options["hold"] == 30
    assert all(game.closed for game in gymnasium.made)


def test_an_episode_never_shows_a_frame_of_the_next_one(tmp_path, gymnasium):
    corpus = Corpus.open(_record(tmp_path / "out", 120, num_games=3))
    for index in range(corpus.num_episodes):
        steps = corpus.read(*corpus.episode(index))[:, 0, 0, 0]
        assert steps.tolist() == list(range(len(steps)))


def test_true_actions_lead_from_their_frame_to_the_next(tmp_path, gymnasium):
    corpus = Corpus.open(_record(tmp_path / "out", 120))
    actions = corpus.true_actions()
    shown = corpus.read(0, corpus.num_frames)[:, 0, 0, 1].astype(int)
    inside = np.setdiff1d(np.arange(corpus.num_frames), corpus.episode_ends - 1)
    assert (actions[inside] == shown[inside + 1] - Discrete.start).all()
    assert (actions[corpus.episode_ends - 1] == -1).all()
    assert set(actions[inside]) == {0, 1, 2}


def test_a_recording_is_a_function_of_its_seed(tmp_path, gymnasium):
    prints = [
        Corpus.open(_record(tmp_path / name, seed=seed)).fingerprint
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert prints[0] == prints[1] != prints[2]


def test_levels_are_the_seeds_of_the_resets(tmp_path, gymnasium):
    corpus = Corpus.open(_record(tmp_path / "out", 160, levels=(5, 9)))
    assert {record["level"] for record in corpus.provenance} == {5, 6, 7, 8}
    for index, record in enumerate(corpus.provenance):
        assert corpus.frames[corpus.episode(index)[0], 0, 0, 2] == record["level"]


def test_long_episodes_are_cut_so_that_memory_stays_bounded(tmp_path, gymnasium, monkeypatch):
    monkeypatch.setattr(corpus.games.record, "MAX_EPISODE", 4)
    read = Corpus.open(_record(tmp_path / "out", 80, num_games=2))
    assert np.diff(read.episode_ends, prepend=0).max() == 4
    steps = read.read(0, 80)[:, 0, 0, 0]
    assert set(steps[np.append(0, read.episode_ends[:-1])]) == {0, 4}


def test_frames_can_be_scaled_while_recording(tmp_path, gymnasium):
    read = Corpus.open(_record(tmp_path / "out", 20, size=(5, 7)))
    assert (read.height, read.width) == (5, 7)


def test_the_size_can_be_left_to_a_look_at_the_game(tmp_path, gymnasium):
    said = []
    read = Corpus.open(_record(tmp_path / "auto", 20, size="auto", tell=said.append))
    assert "--size auto takes 8x8" in said[0] and len(said) == 1
    given = Corpus.open(_record(tmp_path / "given", 20, size=(8, 8)))
    assert read.fingerprint == given.fingerprint
    assert all(game.closed for game in gymnasium.made)


@pytest.mark.parametrize("frames", [2, 3, 17])
def test_short_recordings_work(tmp_path, gymnasium, frames):
    read = Corpus.open(_record(tmp_path / "out", frames))
    assert frames - 1 <= read.num_frames <= frames


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"frames": 1}, "--frames"),
        ({"hold": 0}, "--hold"),
        ({"seed": -1}, "--seed"),
        ({"num_games": 0}, "--games"),
        ({"levels": (4, 4)}, "--levels"),
        ({"levels": (-1, 4)}, "--levels"),
        ({"levels": (0, 2**31)}, "--levels"),
        ({"frames": 10**18}, "--frames"),
        ({"hold": 10**18}, "--hold"),
        ({"seed": 10**40}, "--seed"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path, gymnasium, options, word):
    with pytest.raises(ValueError, match=word):
        _record(tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_an_existing_out_is_refused(tmp_path, gymnasium):
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="exists"):
        _record(tmp_path / "out")


def _fail_at_step(monkeypatch, count, error):
    """Let the game raise at its step number `count`, all copies together."""
    step, left = CountingGame.step, itertools.count(count - 1, -1)

    def failing(self, action):
        if next(left) == 0:
            raise error
        return step(self, action)

    monkeypatch.setattr(CountingGame, "step", failing)


def _fail_at_chunk(monkeypatch, name, error):
    """Let the disk raise when a chunk is written."""
    write = Path.write_bytes

    def failing(path, data):
        if path.name.startswith(name):
            raise error
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", failing)


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("fail", "where", "error", "word"),
    [
        (_fail_at_chunk, "c.0.0.0.0", FULL, "the disk is full"),
        (_fail_at_step, 1, KeyboardInterrupt("now"), "now"),
        (_fail_at_step, 3, RuntimeError("the game is broken"), "broken"),
    ],
)
def test_an_interrupted_recording_without_an_episode_leaves_nothing(
    tmp_path, gymnasium, monkeypatch, fail, where, error, word
):
    fail(monkeypatch, where, error)
    with pytest.raises(type(error), match=word) as caught:
        _record(tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("fail", "where", "error", "word"),
    [
        (_fail_at_chunk, "c.1.0.0.0", FULL, "the disk is full: [1-4] episodes.*--resume"),
        (_fail_at_step, 30, KeyboardInterrupt(), r"[1-4] episodes .*out\.partial.*--resume"),
        (_fail_at_step, 100, KeyboardInterrupt(), "--resume"),
        (_fail_at_step, 61, RuntimeError("the game is broken"), "broken"),
    ],
)
def test_a_resumed_recording_equals_an_uninterrupted_one(
    tmp_path, gymnasium, monkeypatch, drawn, fail, where, error, word
):
    monkeypatch.setattr(corpus.games.write_behind, "MOST_WAITING", 0)
    whole = drawn.tree(_record(tmp_path / "whole", 120, num_games=3))
    with monkeypatch.context() as patch, pytest.raises(type(error), match=word):
        fail(patch, where, error)
        _record(tmp_path / "out", 120, num_games=3)
    assert (tmp_path / "out.partial" / "episodes.jsonl").read_text()
    with pytest.raises(FileExistsError, match="--resume"):
        _record(tmp_path / "out", 120, num_games=3)
    out = _record(tmp_path / "out", 120, num_games=3, resume=True)
    assert drawn.tree(out) == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


def test_a_recording_goes_on_only_with_the_game_that_was_begun(tmp_path, gymnasium, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        _fail_at_step(patch, 100, KeyboardInterrupt())
        _record(tmp_path / "out", 120, num_games=3)
    with pytest.raises(ValueError, match="seed 0, now it is 1"):
        _record(tmp_path / "out", 120, num_games=3, seed=1, resume=True)
    kept = len((tmp_path / "out.partial" / "episodes.jsonl").read_text().splitlines())
    with monkeypatch.context() as patch:
        patch.setattr(CountingGame, "render", lambda _: np.zeros((10, 14, 3), np.uint8))
        with pytest.raises(ValueError, match="episode 0 .* is not what the game shows") as caught:
            _record(tmp_path / "out", 120, num_games=3, resume=True)
    frames = int(str(caught.value).split()[-1])
    out = _record(tmp_path / "out", frames, num_games=3, resume=True)
    assert (Corpus.open(out).num_frames, Corpus.open(out).num_episodes) == (frames, kept)


def test_ctrl_c_names_the_way_to_go_on(tmp_path, gymnasium, monkeypatch, capsys):
    _fail_at_step(monkeypatch, 100, KeyboardInterrupt())
    words = ["corpus", "record", "Count-v0", "--frames", "120", "--out", str(tmp_path / "out")]
    assert main(words) == 130
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("genie: stopped") and lines[-1].endswith("go on with --resume")


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
def test_environments_that_cannot_be_recorded_are_refused(tmp_path, gymnasium, options, word):
    gymnasium.options = options
    with pytest.raises(ValueError, match=word):
        _record(tmp_path / "out")
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
        return CountingGame()

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


def test_only_the_asked_actions_are_played(tmp_path, gymnasium):
    corpus = Corpus.open(_record(tmp_path / "out", 120, actions=(1, 3)))
    inside = np.setdiff1d(np.arange(corpus.num_frames), corpus.episode_ends - 1)
    assert set(corpus.true_actions()[inside].tolist()) == {1, 2}
    assert corpus.card.options["actions"] == [1, 3]


def test_actions_that_the_game_has_not_are_refused(tmp_path, gymnasium):
    with pytest.raises(ValueError, match="--actions 2:5: Count-v0 has 3"):
        _record(tmp_path / "out", actions=(2, 5))
    assert not (tmp_path / "out").exists()
