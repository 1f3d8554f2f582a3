from dataclasses import make_dataclass

import torch
from torch import nn

from genie import EvalConfig, evaluate_world, load_world, register
from train import train

SIZES = ("num_tokens", "num_codes", "num_actions")


class LastFrame(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, self.memory = config, 1
        self.before, self.shown = (nn.Embedding(config.num_codes + 1, 16) for _ in range(2))
        self.action = nn.Embedding(config.num_actions + 1, 16)
        self.head = nn.Linear(16, config.num_codes)

    def __call__(self, ids, actions, masked, history_ids=None):
        none = actions.new_full((len(ids), 1), self.config.num_actions)
        history = (ids if history_ids is None else history_ids).roll(1, 1)
        actions = torch.cat((none, actions), 1)
        return self.draft(ids.masked_fill(masked, self.config.num_codes), actions, [history])

    def new_cache(self, batch, start=0):
        return []

    def draft(self, ids, action, cache):
        x = self.before(cache[-1]) + self.shown(ids) + self.action(action)[..., None, :]
        return self.head(x.relu())

    def commit(self, ids, action, cache):
        cache[:] = [ids]


def test_a_world_with_a_foreign_dynamics_is_trained_played_and_evaluated(
    corpus, write_recipe, tmp_path
):
    config = make_dataclass("Config", [(n, int) for n in SIZES], frozen=True, kw_only=True)
    register("dynamics", "last_frame", LastFrame, config)
    recipe = write_recipe("dynamics", "last_frame", {})
    train("all", corpus, recipe, tmp_path / "run", allow_collapsed=True)
    world = load_world(tmp_path / "run", device="cpu")
    assert world.reset(world.bundle.prompts[0], seed=1).shape == world.step(0).shape == (16, 16, 3)
    config = EvalConfig(clips=2, long_frames=100, speed_frames=8)
    assert evaluate_world(config, tmp_path / "run", corpus)["dynamics"]["psnr"][0] > 5
