"""What the entries share that predict representations of frames, not pixels."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lam.config import LatentActionConfig
from lam.health.measures import code_use
from lam.model import Encoder, LatentActionModel
from train.data.clips import to_float
from train.fit_lam import HELD_OUT_PAIRS, LatentActionModule


@dataclass(frozen=True, kw_only=True)
class RepresentationConfig(LatentActionConfig):
    """Sizes of the model.

    Attributes:
        dim: D, numbers in the representation of a frame.
    """

    dim: int = 128


class FrameEncoder(Encoder):
    """A frame to a vector."""

    def __init__(self, config: RepresentationConfig) -> None:
        """Build the encoder of `config`."""
        super().__init__(config)
        self.convolutions[0] = nn.Conv2d(12, config.channels, 3, stride=2, padding=1)
        self.head = nn.Linear(2 * config.channels * self.GRID**2, config.dim)

    def forward(self, frames: Tensor) -> Tensor:
        """Map frames float (B, 3, H, W) in [0, 1] to (B, dim)."""
        features = self.convolutions(F.pixel_unshuffle(frames - 0.5, 2))
        return self.head(self.pool(features).flatten(1))


class TransitionEncoder(nn.Module):
    """Two frames to a latent, through their representations."""

    def __init__(self, config: RepresentationConfig) -> None:
        """Build the encoder of `config`."""
        super().__init__()
        self.frames = FrameEncoder(config)
        self.inverse = nn.Sequential(
            nn.Linear(2 * config.dim, 128), nn.SiLU(), nn.Linear(128, config.latent)
        )

    def between(self, first: Tensor, second: Tensor) -> Tensor:
        """Map two representations, each (B, dim), to latents (B, latent)."""
        return self.inverse(torch.cat((first, second - first), dim=1))

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Map two frames, each float (B, 3, H, W), to latents (B, latent)."""
        return self.between(self.frames(before), self.frames(after))


class RepresentationModel(LatentActionModel):
    """A latent action model without pixels: `forward_model` predicts the next representation."""

    def __init__(self, config: RepresentationConfig) -> None:
        """Build the model with new weights."""
        super().__init__(config)
        del self.decoder
        self.forward_model = nn.Sequential(
            nn.Linear(config.dim + config.latent, 256), nn.SiLU(), nn.Linear(256, config.dim)
        )

    @staticmethod
    def new_encoder(config: RepresentationConfig) -> nn.Module:
        """Build the encoder: two frames to a latent."""
        return TransitionEncoder(config)

    def predict(self, frame: Tensor, action: Tensor) -> Tensor:
        """Refuse: this model draws no frames."""
        raise NotImplementedError("this model predicts no pixels: fit a decoder on its codes")


class RepresentationModule(LatentActionModule):
    """Fits a model that draws no frames."""

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor | None]:
        """Measure the loss of held-out clips and, once there are codes, their use."""
        clips = to_float(self.clips.held_out(HELD_OUT_PAIRS).to(self.device))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            figures = {"held_out_loss": float(self.average.training_loss(clips, self.method)[0])}
        if self.average.quantized:
            use = code_use(self.average.infer(clips[:, :2])[:, 0], self.model.config.num_actions)
            figures |= {"perplexity": use.perplexity, "rarest_code_share": use.rarest}
        return figures, None
