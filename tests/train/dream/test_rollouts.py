"""What an update collects, and how it is judged."""

import numpy as np
import torch

from genie.agents.policy import PolicyConfig, PolicyNetwork
from train.dream.rollouts import ActorCritic, advantages_of, collect
from train.dream.task import Outcome


class Counting:
    """Frames count the steps since the start, 100 apart for each copy; one ends every third."""

    num_actions = 2

    def begin(self, number):
        self.count = np.array([0, 100])
        return self._frames(), self._frames()

    def step(self, actions):
        self.count += 1
        ended = np.array([self.count[0] % 3 == 0, False])
        self.count[ended] = 49
        return Outcome(frames=self._frames(), rewards=actions.astype(np.float32), ended=ended)

    def _frames(self):
        return np.broadcast_to(self.count[:, None, None, None], (2, 8, 8, 3)).astype(np.uint8)


def collected(seed=0):
    torch.manual_seed(0)
    config = PolicyConfig(height=8, width=8, num_actions=2, channels=2, hidden=4)
    generator = torch.Generator().manual_seed(seed)
    return collect(ActorCritic(PolicyNetwork(config)), Counting(), 0, 5, 0.9, 0.8, generator)


def test_an_agent_sees_the_frame_before_except_where_an_episode_begins():
    seen = collected().seen[:, :, 0, 0, 0].reshape(5, 2, 2)
    assert seen[:, 0].tolist() == [[0, 0], [0, 1], [1, 2], [49, 49], [49, 50]]
    assert seen[:, 1].tolist() == [[100, 100], [100, 101], [101, 102], [102, 103], [103, 104]]


def test_what_was_chosen_is_what_was_paid_and_as_probable_as_it_says():
    found = collected()
    assert found.reward == found.actions.float().mean()
    assert found.log_chances.exp().sub(0.5).abs().max() < 0.05  # it begins without a preference
    assert not torch.equal(found.actions, collected(seed=1).actions)


def test_advantages_are_those_of_the_sum_written_out():
    rng = torch.Generator().manual_seed(0)
    rewards, values = torch.rand(6, 3, generator=rng), torch.rand(7, 3, generator=rng)
    ended = torch.rand(6, 3, generator=rng) < 0.3
    assert ended.any()
    found = advantages_of(rewards, values, ended, 0.9, 0.7)
    for row in range(3):
        for first in range(6):
            total, weight = 0.0, 1.0
            for step in range(first, 6):
                ahead = 0.0 if ended[step, row] else 0.9 * values[step + 1, row]
                total += weight * float(rewards[step, row] + ahead - values[step, row])
                weight *= 0.9 * 0.7
                if ended[step, row]:
                    break
            assert abs(total - float(found[first, row])) < 1e-5
