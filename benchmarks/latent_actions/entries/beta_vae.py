"""AdaWorld's latent actions: a β-VAE whose latents are clustered at the end."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from benchmarks.latent_actions.entries.entry import CODES_AT_THE_END, Entry
from lam.config import LatentActionConfig
from lam.model import Encoder, LatentActionModel


class GaussianEncoder(nn.Module):
    """Two frames to a Gaussian over latents."""

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the encoder of `config`."""
        super().__init__()
        self.both = Encoder(replace(config, latent=2 * config.latent))

    def distribution(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance, each float (B, latent)."""
        return self.both(before, after).float().chunk(2, dim=1)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the mean, float (B, latent)."""
        return self.distribution(before, after)[0]


class BetaVae(LatentActionModel):
    """Keeps latents simple by their divergence from a normal distribution.

    Source: AdaWorld (Gao et al. 2025), section 3.1.
    """

    @staticmethod
    def new_encoder(config: LatentActionConfig) -> nn.Module:
        """Build the encoder: two frames to a Gaussian."""
        return GaussianEncoder(config)

    def reconstruct(
        self, before: Tensor, after: Tensor, latent_penalty: float = 1e-4
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predict the second frame of pairs; `latent_penalty` is β. See `LatentActionModel`."""
        mean, log_variance = self.encoder.distribution(before, after)
        latents = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        ids = torch.zeros(len(before), dtype=torch.long, device=before.device)
        divergence = normal_divergence(mean, log_variance)
        return self.decoder(before, latents), ids, latent_penalty * divergence


def normal_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the mean KL divergence of Gaussians (B, latent) from the normal one, in nats."""
    each = mean.square() + log_variance.exp() - 1 - log_variance
    return 0.5 * each.sum(dim=1).mean()


ENTRY = Entry(
    name="beta_vae",
    about="AdaWorld: Gaussian latents held simple by a KL weight, k-means at the end",
    model=BetaVae,
    recipe={"method": CODES_AT_THE_END | {"latent_penalty": 1e-4}},
)
