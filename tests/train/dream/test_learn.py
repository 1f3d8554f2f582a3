"""An agent learns a task whose best policy is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from train.dream import learn as learning
from train.dream.learn import FIT, DreamMethod, learn
from train.dream.task import Outcome

CELLS, COUNT, SIDE = 5, 8, 8
METHOD = DreamMethod(length=16)


class Line:
    """A bright cell moves left or right and is paid at the right end, where it begins anew."""

    num_actions = 2

    def __init__(self, stop_at=None):
        self.stop_at, self.updates = stop_at, []

    def begin(self, number):
        self.updates.append(number)
        if number == self.stop_at:
            raise KeyboardInterrupt
        self.cell = np.random.default_rng(number).integers(0, CELLS - 1, COUNT)
        return self._frames(), self._frames()

    def step(self, actions):
        self.cell = np.maximum(self.cell + 2 * actions - 1, 0)
        there = self.cell == CELLS - 1
        self.cell[there] = 0
        return Outcome(frames=self._frames(), rewards=there.astype(np.float32), ended=there)

    def _frames(self):
        cells = np.zeros((COUNT, SIDE, CELLS, SIDE, 3), np.uint8)
        cells[np.arange(COUNT), :, self.cell] = 255
        return cells.reshape(COUNT, SIDE, CELLS * SIDE, 3)


def weights(policy):
    return torch.cat([weight.flatten() for weight in policy.network.parameters()])


def test_an_agent_learns_where_the_reward_is(tmp_path):
    policy, rewards = learn(Line(), (SIDE, CELLS * SIDE), tmp_path, updates=25, method=METHOD)
    assert rewards[0] < 0.15 < 0.21 < rewards[-1] <= 0.25 + 1 / 16
    frames = Line()
    frames.begin(0)
    frames.cell[:] = np.arange(COUNT) % (CELLS - 1)
    seen = frames._frames()
    assert (policy.probabilities(seen, seen)[:, 1] > 0.7).all()


def test_what_is_resumed_comes_to_the_same_weights(tmp_path):
    size, numbers = (SIDE, CELLS * SIDE), {"updates": 4, "method": METHOD}
    whole, rewards = learn(Line(), size, tmp_path / "a", **numbers)
    with pytest.raises(KeyboardInterrupt):
        learn(Line(stop_at=2), size, tmp_path / "b", **numbers)
    task = Line()
    resumed, later = learn(task, size, tmp_path / "b", **numbers)
    assert task.updates == [2, 3] and later == rewards
    assert torch.equal(weights(whole), weights(resumed))


def test_a_finished_agent_is_read_not_learned_again(tmp_path):
    size = (SIDE, CELLS * SIDE)
    whole, rewards = learn(Line(), size, tmp_path, updates=2, method=METHOD)
    again, later = learn(Line(stop_at=0), size, tmp_path, updates=2, method=METHOD)
    assert later == rewards and torch.equal(weights(whole), weights(again))


def test_the_seed_decides(tmp_path):
    size, numbers = (SIDE, CELLS * SIDE), {"updates": 1, "method": METHOD}
    one, other = (learn(Line(), size, tmp_path / str(s), seed=s, **numbers)[0] for s in (0, 1))
    assert not torch.equal(weights(one), weights(other))
    assert FIT.steps > 1


def test_an_agent_goes_on_only_in_the_task_in_which_it_was_begun(tmp_path):
    size, numbers = (SIDE, CELLS * SIDE), {"updates": 2, "method": METHOD}
    learn(Line(), size, tmp_path, **numbers, made_of={"world": "a", "play": "p"})
    before = (tmp_path / "checkpoint.ckpt").read_bytes()
    for given, words in (
        ({"made_of": {"world": "b", "play": "p"}}, "begun with another world: give the same one"),
        ({"made_of": {"world": "a"}}, "begun with another play"),
        ({"made_of": None}, "begun with another world"),
        ({"updates": 1}, "begun with another number of updates: .*, or choose another folder"),
        ({"updates": 4}, "begun with another number of updates"),
        ({"seed": 1}, "begun with another seed"),
        ({"method": DreamMethod(length=8)}, "begun with another method"),
    ):
        asked = numbers | {"made_of": {"world": "a", "play": "p"}} | given
        with pytest.raises(ValueError, match=words):
            learn(Line(stop_at=0), size, tmp_path, **asked)
    assert (tmp_path / "checkpoint.ckpt").read_bytes() == before
    again = learn(Line(stop_at=0), size, tmp_path, **numbers, made_of={"play": "p", "world": "a"})
    assert len(again[1]) == 2


def test_an_agent_that_does_not_say_where_it_learned_is_not_taken_over(tmp_path):
    size, numbers = (SIDE, CELLS * SIDE), {"updates": 1, "method": METHOD}
    learn(Line(), size, tmp_path, **numbers)
    (tmp_path / "made_of.json").unlink()
    with pytest.raises(ValueError, match="does not say what its policy is made of.*delete"):
        learn(Line(), size, tmp_path, **numbers)
    (tmp_path / "checkpoint.ckpt").unlink()
    assert len(learn(Line(), size, tmp_path, **numbers)[1]) == 1


@pytest.mark.parametrize("batch", [32, 127])
def test_a_rest_of_one_row_teaches_and_breaks_nothing(tmp_path, monkeypatch, batch):
    """128 steps an update: batches of 127 leave one row."""
    monkeypatch.setattr(learning, "FIT", replace(FIT, batch=batch))
    size, numbers = (SIDE, CELLS * SIDE), {"updates": 2, "method": METHOD}
    policy, rewards = learn(Line(), size, tmp_path, **numbers)
    assert weights(policy).isfinite().all() and len(rewards) == 2


def test_no_updates_are_refused(tmp_path):
    with pytest.raises(ValueError, match="updates is 0: an agent learns by 1 or more"):
        learn(Line(), (SIDE, CELLS * SIDE), tmp_path / "a", updates=0)
    assert not (tmp_path / "a").exists()
