"""A JEPA: representations learnt by prediction, held apart by one SIGReg term."""

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.latent_actions.entries.entry import CODES_AT_THE_END, SIZES, Entry
from benchmarks.latent_actions.entries.representation import (
    RepresentationConfig,
    RepresentationModel,
    RepresentationModule,
)
from lam.losses import LatentActionMethod

SIGREG_WEIGHT = 0.05
PROJECTIONS = 256
KNOTS, LARGEST_FREQUENCY = 17, 3.0


class Jepa(RepresentationModel):
    """Predicts the next representation from this one and a latent.

    Source: LeJEPA (Balestriero and LeCun 2025) for the loss: no target encoder, no stopped
    gradient. The latent is a bottleneck as in our whole_frame: few numbers, with noise.
    """

    def training_loss(
        self, frames: Tensor, method: LatentActionMethod
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Squared error of the next representation, and SIGReg; frames (B, 2, 3, H, W)."""
        first, second = self.encoder.frames(frames.flatten(0, 1)).float().unflatten(
            0, frames.shape[:2]
        ).unbind(dim=1)  # fmt: skip
        latents = self.encoder.between(first, second).float()
        penalty = method.latent_penalty * latents.square().mean()
        latents = latents + self.config.noise * torch.randn_like(latents)
        predicted = self.forward_model(torch.cat((first, latents), dim=1)).float()
        loss = F.mse_loss(predicted, second)
        spread = 0.5 * (sigreg(first) + sigreg(second))
        total = (1 - SIGREG_WEIGHT) * loss + SIGREG_WEIGHT * spread + penalty
        return total, {"prediction": loss.detach(), "sigreg": spread.detach()}


def sigreg(vectors: Tensor, projections: int = PROJECTIONS) -> Tensor:
    """Measure how far vectors (n, D) are from an isotropic normal distribution; a scalar.

    It is the Epps-Pulley statistic of random projections to a line: the weighted squared
    difference of the characteristic functions.

    Source: LeJEPA (Balestriero and LeCun 2025), algorithm 1.
    """
    lines = F.normalize(torch.randn(vectors.shape[1], projections, device=vectors.device), dim=0)
    knots = torch.linspace(0, LARGEST_FREQUENCY, KNOTS, device=vectors.device)
    normal = (-0.5 * knots.square()).exp()
    phase = (vectors @ lines)[..., None] * knots  # (n, projections, knots)
    error = (phase.cos().mean(dim=0) - normal).square() + phase.sin().mean(dim=0).square()
    # Twice, since the integrand is even.
    return len(vectors) * 2 * torch.trapezoid(error * normal, knots, dim=-1).mean()


ENTRY = Entry(
    name="jepa",
    about="JEPA: prediction of representations with one SIGReg term, then k-means",
    model=Jepa,
    config=RepresentationConfig,
    module=RepresentationModule,
    recipe={"model": SIZES | {"dim": 64}, "method": CODES_AT_THE_END},
)
