from dataclasses import make_dataclass

import torch

from genie import EvalConfig, evaluate_world, load_world, register
from train import train


class Palette(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config, self.num_codes, self.num_tokens = config, 9, config.height * config.width // 64
        self.palette = torch.nn.Parameter(torch.rand(9, 3))

    def encode(self, frames):
        return torch.cdist(self.colours(frames), self.palette).argmin(-1)

    def decode(self, ids):
        patches = self.palette[ids].unflatten(2, (self.config.height // 8, -1)).movedim(-1, 2)
        return patches.repeat_interleave(8, -1).repeat_interleave(8, -2).clamp(0, 1)

    def training_loss(self, frames, method, pixel_weights):
        return (self.palette[self.encode(frames)] - self.colours(frames)).square().mean(), {}

    def colours(self, frames):
        return frames.unfold(-2, 8, 8).unfold(-2, 8, 8).mean((-1, -2)).flatten(3).mT


def test_a_world_with_a_foreign_tokenizer(corpus, write_recipe, tmp_path):
    config = make_dataclass("Config", [("height", int), ("width", int)], frozen=True, kw_only=True)
    register("tokenizer", "palette", Palette, config)
    recipe, run = write_recipe("tokenizer", "palette"), tmp_path / "run"
    train("all", corpus, recipe, run, allow_collapsed=True)
    world = load_world(run, device="cpu")
    assert world.reset(world.bundle.prompts[0], seed=1).shape == world.step(0).shape == (16, 16, 3)
    report = evaluate_world(EvalConfig(clips=2, long_frames=100, speed_frames=8), run, corpus)
    assert report["tokenizer"]["psnr"] > 10
