"""Real games as tasks, and what a world pays that they do not."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.dream_agents import paid
from benchmarks.dream_agents.games import Game, GameTask, WaterGames
from benchmarks.dream_agents.paid import paid_wrongly, widen
from benchmarks.dream_agents.record import Play
from benchmarks.dream_agents.run import made_of, play_game
from benchmarks.policy_from_video.judge import random_player
from corpus.games.base import Observation
from train.dream.reward import RewardHead
from train.dream.task import Outcome


class Ladder:
    """Button 1 climbs, and the fourth rung pays and ends; a frame shows the rung."""

    def __init__(self, env, num_games, levels, seed):
        self.rung, self.paid = np.zeros(num_games, np.int64), np.zeros(num_games, np.float32)

    def observe(self):
        frames = np.broadcast_to(self.rung[:, None, None, None], (len(self.rung), 8, 8, 3))
        return Observation(frames=frames.astype(np.uint8), first=self.rung == 0, levels=[])

    def act(self, actions):
        self.rung += actions == 1
        self.paid = (self.rung == 4).astype(np.float32)
        self.rung[self.rung == 4] = 0

    def rewards(self):
        return self.paid


def game(**options):
    given = {"steps": 10, "once": False, **options}
    levels = {part: (0, 1) for part in ("train", "dev", "test")}
    given |= {"env": "ladder", "levels": levels, "random": (0, 2), "hold": 1, "length": 4}
    return Game(world="w", kind=Ladder, score="rungs", **given)


def test_a_game_is_played_by_the_buttons_of_latent_actions_and_goes_on_between_updates():
    task = GameTask(game(), [0, 0, 1], 2, "train", 0)
    task.begin(0)
    outcomes = [task.step(np.array([2, 1])) for _ in range(3)]
    assert [one.frames[0, 0, 0, 0] for one in outcomes] == [1, 2, 3]
    frames, before = task.begin(1)
    assert (frames[0, 0, 0, 0], before[0, 0, 0, 0]) == (3, 2)
    last = task.step(np.array([2, 1]))
    assert last.rewards.tolist() == [1, 0] and last.ended.tolist() == [True, True]
    frames, before = task.begin(2)
    assert (frames[0, 0, 0, 0], before[0, 0, 0, 0]) == (0, 0)


def climb(frames, before):
    return np.ones(len(frames), np.int64)


def test_all_that_is_earned_counts_or_only_whether_anything_was():
    assert play_game(game(), climb, [0, 1], 3, 0).tolist() == [2, 2, 2]
    assert play_game(game(once=True), climb, [0, 1], 3, 0).tolist() == [1, 1, 1]
    assert play_game(game(once=True, steps=3), climb, [0, 1], 3, 0).tolist() == [0, 0, 0]


def test_random_players_press_only_what_they_may():
    for hold in (1, 4):
        player = random_player((1, 4), hold, 90, 0)
        pressed = np.stack([player(np.zeros((90, 1)), None) for _ in range(20)])
        assert {*pressed.flat} == {1, 2, 3}
        assert ((pressed[1:] == pressed[:-1]).mean() > 0.5) == (hold > 1)


def test_steps_next_to_a_payment_count_as_its_own():
    flags = np.zeros((6, 2), bool)
    flags[2, 0] = flags[5, 1] = True
    assert np.flatnonzero(widen(flags)[:, 0]).tolist() == [1, 2, 3]
    assert np.flatnonzero(widen(flags)[:, 1]).tolist() == [4, 5]


class Generous:
    """A dream of the ladder that also pays a false reward with each second step, from the third."""

    bundle = SimpleNamespace(fps=8.0)

    def begin_at(self, starts):
        self.rung, self.steps = starts[:, 0, 0, 0].astype(np.int64), 0
        return starts

    def step(self, actions):
        self.steps += 1
        self.rung = (self.rung + actions) % 4
        pays = (self.rung == 0) | (self.steps % 2 == 1 and self.steps >= 3)
        frames = np.broadcast_to(self.rung[:, None, None, None], (len(self.rung), 8, 8, 3))
        none = np.zeros(len(pays), bool)
        return Outcome(frames=frames.astype(np.uint8), rewards=pays.astype(np.float32), ended=none)


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(paid, "COPIES", 8)
    monkeypatch.setattr(paid, "STEPS", 12)


def test_what_only_the_dream_pays_is_counted_and_filmed(few, tmp_path):
    film = tmp_path / "wrong.gif"
    rest = lambda frames, before: np.zeros(len(frames), np.int64)  # noqa: E731
    still = paid_wrongly(game(), Generous(), rest, [0, 1])
    # At rest the game pays nothing; the dream pays who stands at the foot, and all now and then.
    assert still["earned"] == still["missed"] == 0 and still["paid"] > 8
    climbing = paid_wrongly(game(), Generous(), climb, [0, 1], film)
    assert climbing["earned"] >= 8 and climbing["missed"] == 0
    assert film.stat().st_size > 0


class Timed:
    """A dream and a game that pay at steps of their own; what they pay ends a game of the kind."""

    bundle = SimpleNamespace(fps=8.0)

    def __init__(self, steps, ends):
        self.pays, self.ends, self.step_number = steps, ends, 0

    def begin_at(self, starts):
        self.step_number = 0
        return starts

    def step(self, actions):
        paid = np.full(len(actions), self.step_number in self.pays)
        self.step_number += 1
        frames = np.zeros((len(actions), 8, 8, 3), np.uint8)
        return Outcome(frames=frames, rewards=paid.astype(np.float32), ended=paid & self.ends)


@pytest.mark.parametrize(
    ("once", "dream", "real", "found"),
    [
        (True, [4], [4], {"paid": 8, "earned": 8, "missed": 0}),
        (True, [4], [5], {"paid": 8, "earned": 8, "missed": 0}),  # the dream is over by then
        (True, [5], [4], {"paid": 0, "earned": 0, "missed": 0}),  # the game is
        (True, [4], [6], {"paid": 8, "earned": 0, "missed": 0}),
        (True, [6], [4], {"paid": 0, "earned": 0, "missed": 8}),
        (True, [4, 5], [4], {"paid": 8, "earned": 8, "missed": 0}),  # 5 is of another episode
        (False, [5], [4], {"paid": 8, "earned": 8, "missed": 0}),
        (False, [4], [6], {"paid": 8, "earned": 0, "missed": 8}),
    ],
)
def test_payments_a_step_apart_are_one_also_where_they_end_the_episode(
    few, monkeypatch, once, dream, real, found
):
    task = Timed([step + paid.WARM_UP for step in real], once)
    task.begin = lambda number: (np.zeros((paid.COPIES, 8, 8, 3), np.uint8),) * 2
    monkeypatch.setattr(paid, "GameTask", lambda *_, **__: task)
    assert paid_wrongly(game(once=once), Timed(dream, once), climb, [0, 1]) == found


def test_agents_are_told_apart_by_world_play_and_reward():
    def named(world="a" * 64, pressed=0, seed=0):
        torch.manual_seed(seed)
        play = Play(
            frames=np.zeros((1, 2, 8, 8, 3), np.uint8), buttons=np.full((1, 2), pressed),
            earned=np.zeros((1, 2), bool), ended=np.zeros((1, 2), bool),
        )  # fmt: skip
        bundle = SimpleNamespace(fingerprint=world)
        return made_of(game(), bundle, play, [0, 1], RewardHead(4, 6, 2))

    assert named() == named()
    for other in (named(world="b" * 64), named(pressed=1)):
        assert all(other[task] != named()[task] for task in ("dream", "game"))
    other = named(seed=1)
    assert other["dream"] != named()["dream"] and other["game"] == named()["game"]


class Pond(WaterGames):
    """A copy faces water with its third step."""

    def __init__(self, env, num_games, levels, seed):
        self.steps, self._first = np.zeros(num_games, int), np.ones(num_games, bool)
        self._earned = np.zeros(num_games, np.float32)

    def faced(self):
        return ["water" if steps == 3 else "grass" for steps in self.steps]

    def restart(self, copies):
        self.steps[list(copies)], self._first[list(copies)] = 0, True

    def observe(self):
        frames = np.broadcast_to(self.steps[:, None, None, None], (len(self.steps), 8, 8, 3))
        return Observation(frames=frames.astype(np.uint8), first=self._first.copy(), levels=[])


@pytest.mark.parametrize("again", [True, False])
def test_water_pays_who_comes_to_face_it_and_ends_an_island_to_learn_on(monkeypatch, again):
    def act(self, actions):
        self._first[:] = False
        self.steps += actions

    monkeypatch.setattr(WaterGames.__mro__[1], "act", act)
    task = GameTask(replace(game(once=True), kind=Pond), [0, 1], 2, "dev", 0, again)
    outcomes = [task.step(np.array([1, 0])) for _ in range(4)]
    assert [one.rewards.tolist() for one in outcomes] == [[0, 0], [0, 0], [1, 0], [0, 0]]
    assert [one.ended.tolist() for one in outcomes][2] == [again, False]
    assert outcomes[3].frames[0, 0, 0, 0] == (1 if again else 4)
