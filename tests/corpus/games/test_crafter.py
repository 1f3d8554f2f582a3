"""Recording Crafter, with a stand-in for its package."""

import sys
import types

import numpy as np
import pytest

from corpus.games.crafter import INSTALL, SIZE, CrafterGames
from corpus.games.record import record_corpus
from corpus.store import Corpus


class FakeCrafter:
    """An island whose frames show its number, the step and the daylight; an episode is short."""

    def __init__(self, size, seed):
        self.size, self.seed, self.steps = size, seed, 0
        self._world = types.SimpleNamespace(daylight=0.0)

    def _update_time(self):
        self._world.daylight = 0.25

    def _show(self):
        self._update_time()
        light = int(100 * self._world.daylight)
        return np.full((*self.size, 3), (self.seed, self.steps, light), np.uint8)

    def _balance_chunk(self, chunk, objs):
        self.balanced = [creature.pos for creature in objs]

    def reset(self):
        return self._show()

    def step(self, action):
        assert action in (0, 1, 2)
        self.steps += 1
        return self._show(), 0.0, self.steps == 4 + self.seed % 3, {}


@pytest.fixture
def crafter(monkeypatch):
    module = types.ModuleType("crafter")
    module.Env = FakeCrafter
    module.constants = types.SimpleNamespace(actions=["noop", "left", "right"])
    monkeypatch.setitem(sys.modules, "crafter", module)


@pytest.mark.parametrize(
    ("asked", "drawn"), [((144, 144), (144, 144)), ((144, 72), (144, 72)), ((100, 144), SIZE)]
)
def test_cells_are_drawn_as_large_as_the_corpus_wants_them(tmp_path, crafter, asked, drawn):
    game = CrafterGames("crafter:full", 1, (3, 4), 0, asked)
    assert game.observe().frames.shape[1:] == (*drawn, 3)
    out = record_corpus("crafter:full", tmp_path / "out", 20, size=asked, progress=False)
    assert (Corpus.open(out).height, Corpus.open(out).width) == asked


def test_episodes_hold_one_island_each_up_to_their_last_frame(tmp_path, crafter):
    out = record_corpus("crafter:full", tmp_path / "out", 200, (20, 90), progress=False)
    read = Corpus.open(out)
    assert (read.num_frames, read.fps, read.source) == (200, 8.0, "crafter:full")
    assert len({record["level"] for record in read.provenance}) > 20
    for index, record in enumerate(read.provenance):
        frames = read.read(*read.episode(index))
        assert frames.shape[1:] == (*SIZE, 3)
        assert 20 <= record["level"] < 90 and set(frames[:, 0, 0, 0]) == {record["level"]}
        assert frames[:, 0, 0, 1].tolist() == list(range(len(frames)))
        if index < read.num_episodes - 8:  # the last of each copy may be cut
            assert len(frames) == 5 + record["level"] % 3


@pytest.mark.parametrize(("env", "light"), [("crafter:full", 25), ("crafter:day", 100)])
def test_the_day_has_no_nights(crafter, env, light):
    frames = CrafterGames(env, 2, (3, 4), 0).observe().frames
    assert frames.shape == (2, *SIZE, 3)
    assert (frames == (3, 0, light)).all()


def test_the_order_of_the_islands_is_a_function_of_the_seed(crafter):
    def islands(seed):
        games, seen = CrafterGames("crafter:day", 3, None, seed), []
        for _ in range(20):
            seen.append(games.observe().levels)
            games.act(np.zeros(3, np.int64))
        return seen

    assert islands(1) == islands(1) != islands(2)


@pytest.mark.parametrize("env", ["crafter:full", "crafter:day"])
def test_creatures_come_in_an_order_of_their_own(crafter, env):
    game = CrafterGames(env, 1, (3, 4), 0)._games[0]
    places = [(4, 2), (0, 3), (4, 1)]
    for order in (places, places[::-1]):
        creatures = [types.SimpleNamespace(pos=np.array(pos)) for pos in order]
        game._balance_chunk((0, 12, 0, 12), creatures)
        assert [tuple(pos) for pos in game.balanced] == sorted(places)


def test_frames_that_were_shown_stay_as_they_are(crafter):
    games = CrafterGames("crafter:day", 1, (3, 4), 0)
    shown = games.observe()
    games.act(np.zeros(1, np.int64))
    assert shown.frames[0, 0, 0, 1] == 0 and shown.first.all()
    assert games.observe().frames[0, 0, 0, 1] == 1 and not games.observe().first.any()


def test_an_unknown_game_of_crafter_is_refused(tmp_path, crafter):
    with pytest.raises(ValueError, match="it has day, full"):
        record_corpus("crafter:night", tmp_path / "out", 10)
    assert not list(tmp_path.iterdir())


def test_without_crafter_the_command_that_installs_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "crafter", None)
    with pytest.raises(ValueError) as caught:
        record_corpus("crafter:day", tmp_path / "out", 10)
    assert INSTALL in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_copy_begins_anew_when_told_and_says_what_its_player_faces(crafter):
    games = CrafterGames("crafter:day", 3, (20, 90), 0)
    games.act(np.ones(3, np.int64))
    before = games.observe()
    games.restart([1])
    after = games.observe()
    assert after.first.tolist() == [False, True, False]
    assert after.frames[:, 0, 0, 1].tolist() == [1, 0, 1]
    assert np.array_equal(after.frames[[0, 2]], before.frames[[0, 2]])
    for index, game in enumerate(games._games):
        game._player = types.SimpleNamespace(pos=np.array([4, index]), facing=(0, -1))
        game._world = {(4, index - 1): (f"material {index}", None)}
        game._world = _ByTuple(game._world)
    assert games.faced() == ["material 0", "material 1", "material 2"]


class _ByTuple(dict):
    def __getitem__(self, place):
        return super().__getitem__(tuple(int(each) for each in place))
