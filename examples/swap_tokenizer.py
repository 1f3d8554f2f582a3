"""Train and play a world with a tokenizer of one's own: a learned palette of colours."""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genie import load_world, register
from train import train

RECIPE = """
about: seconds on any machine, with a palette for a tokenizer
tokenizer:
  kind: palette
  model: {num_colours: 64}
  fit: {share: 1, steps: 200, batch: 8, frames: 2, lr: 0.01}
lam:
  model: {num_actions: 4, channels: 8}
  fit: {share: 1, steps: 60, batch: 8, frames: 2}
dynamics:
  model: {dim: 32, heads: 2, layers: 2, band: 4}
  fit: {share: 1, steps: 60, batch: 4, frames: 8}
settings: {steps: 2, order: confidence, temperature: 0.8}
"""


@dataclass(frozen=True, kw_only=True)
class PaletteConfig:
    """Sizes; `height` and `width` are filled in from the corpus."""

    height: int
    width: int
    num_colours: int = 64
    patch: int = 8


class PaletteTokenizer(nn.Module):
    """Each patch of a frame becomes the nearest colour of a learned palette."""

    def __init__(self, config: PaletteConfig) -> None:
        """Draw a palette."""
        super().__init__()
        self.config, self.num_codes = config, config.num_colours
        self.grid = (config.height // config.patch, config.width // config.patch)
        self.num_tokens = self.grid[0] * self.grid[1]
        self.palette = nn.Parameter(torch.rand(config.num_colours, 3))

    def encode(self, frames: Tensor) -> Tensor:
        """Turn frames (B, T, 3, H, W) into ids (B, T, N)."""
        return torch.cdist(self._colours(frames), self.palette).argmin(dim=-1)

    def decode(self, ids: Tensor) -> Tensor:
        """Turn ids (B, T, N) into frames (B, T, 3, H, W)."""
        patches = self.palette[ids].unflatten(2, self.grid).movedim(-1, 2).clamp(0, 1)
        size = self.config.patch
        return patches.repeat_interleave(size, dim=-2).repeat_interleave(size, dim=-1)

    def training_loss(self, frames: Tensor, method: object, pixel_weights: Tensor | None):
        """Pull colours of the palette to the patches that they stand for."""
        colours = self._colours(frames)
        loss = (self.palette[self.encode(frames)] - colours).square().mean()
        return loss, {"squared_error": loss.detach()}

    def _colours(self, frames: Tensor) -> Tensor:
        return (
            F.avg_pool2d(frames.flatten(0, 1), self.config.patch)
            .flatten(2)
            .mT.unflatten(0, frames.shape[:2])
        )


if __name__ == "__main__":
    corpus, out = map(Path, sys.argv[1:3])
    register("tokenizer", "palette", PaletteTokenizer, PaletteConfig)
    out.mkdir(parents=True)
    (out / "palette.yaml").write_text(RECIPE)
    train("all", corpus, str(out / "palette.yaml"), out / "run", allow_collapsed=True)
    world = load_world(out / "run")
    world.reset(world.bundle.prompts[0], seed=1)
    print(world, [world.step(action).mean().round(1) for action in range(4)], sep="\n")
