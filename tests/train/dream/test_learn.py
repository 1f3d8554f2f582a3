"""An agent learns a task whose best policy is known."""

import numpy as np
import pytest
import torch

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
