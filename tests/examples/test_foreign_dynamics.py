from dataclasses import make_dataclass

from torch import nn
from torch.nn import Embedding, Linear

from genie import EvalConfig, evaluate_world, load_world, register
from train import train


class LastFrame(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, self.memory, codes = config, 1, config.num_codes
        self.before, self.shown = Embedding(codes + 1, 16), Embedding(codes + 1, 16)
        self.action, self.head = Embedding(config.num_actions + 1, 16), Linear(16, codes)

    def forward(self, ids, actions, masked, history_ids=None):
        history = (ids if history_ids is None else history_ids).roll(1, 1)
        prev_actions = nn.functional.pad(actions, (1, 0), value=self.config.num_actions)
        return self.draft(ids.masked_fill(masked, self.config.num_codes), prev_actions, [history])

    def new_cache(self, batch, start=0):
        return []

    def draft(self, ids, action, cache):
        known = self.before(cache[-1]) + self.shown(ids)
        return self.head((known + self.action(action)[..., None, :]).relu())

    def commit(self, ids, action, cache):
        cache[:] = [ids]


def test_a_world_with_a_foreign_dynamics(corpus, write_recipe, tmp_path):
    sizes = [(f"num_{name}", int) for name in ("tokens", "codes", "actions")]
    register("dynamics", "last", LastFrame, make_dataclass("Config", sizes, kw_only=True))
    recipe, run = write_recipe("dynamics", "last"), tmp_path / "run"
    train("all", corpus, recipe, run, allow_collapsed=True)
    world = load_world(run, device="cpu")
    assert world.reset(world.bundle.prompts[0], seed=1).shape == world.step(0).shape
    report = evaluate_world(EvalConfig(clips=2, long_frames=100, speed_frames=8), run, corpus)
    assert report["dynamics"]["psnr"][0] > 5
