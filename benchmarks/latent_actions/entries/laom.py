"""LAOM-like latent actions: several steps, no codebook while learning, no pixels, augmentation."""

import copy

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.latent_actions.entries.entry import CODES_AT_THE_END, FIT, SIZES, Entry
from benchmarks.latent_actions.entries.representation import (
    RepresentationConfig,
    RepresentationModel,
    RepresentationModule,
)
from lam.losses import LatentActionMethod

TARGET_DECAY = 0.99
LARGEST_SHIFT = 4  # pixels
RECOLOUR = 0.1


class Laom(RepresentationModel):
    """Predicts the representation of a frame one to four steps ahead.

    Source: LAOM (Nikulin et al. 2025), section 4. Latents have 32 numbers, not thousands: k-means
    has to make keys of them.
    """

    def __init__(self, config: RepresentationConfig) -> None:
        """Build the model with new weights."""
        super().__init__(config)
        self.target = copy.deepcopy(self.encoder.frames).requires_grad_(False)

    @torch.no_grad()
    def update_target(self) -> None:
        """Move the target encoder towards the encoder."""
        current = [weight.detach() for weight in self.encoder.frames.parameters()]
        torch._foreach_lerp_(list(self.target.parameters()), current, 1 - TARGET_DECAY)

    def training_loss(
        self, frames: Tensor, method: LatentActionMethod
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Squared error of the representation some steps ahead; frames (B, T, 3, H, W)."""
        frames = augment(frames)
        steps = int(torch.randint(1, frames.shape[1], ()))
        before, after = frames[:, 0], frames[:, steps]
        first, second = self.encoder.frames(before), self.encoder.frames(after)
        latents = self.encoder.between(first, second)
        predicted = self.forward_model(torch.cat((first, latents), dim=1))
        with torch.no_grad():
            target = self.target(after).float()
        # Of normalised vectors: otherwise all of them shrink to a point.
        shape = (target.shape[1],)
        loss = F.mse_loss(F.layer_norm(predicted.float(), shape), F.layer_norm(target, shape))
        penalty = method.latent_penalty * latents.float().square().mean()
        return loss + penalty, {"prediction": loss.detach()}


class LaomModule(RepresentationModule):
    """Moves the target encoder at each step."""

    def before_step(self) -> None:
        """Move the target encoder."""
        super().before_step()
        self.model.update_target()


def augment(frames: Tensor) -> Tensor:
    """Shift and recolour clips (B, T, 3, H, W), all frames of a clip alike."""
    count, (height, width) = len(frames), frames.shape[-2:]
    shift = torch.randint(-LARGEST_SHIFT, LARGEST_SHIFT + 1, (2, count, 1), device=frames.device)
    rows = (torch.arange(height, device=frames.device) + shift[0]).clamp(0, height - 1)
    columns = (torch.arange(width, device=frames.device) + shift[1]).clamp(0, width - 1)
    clip = torch.arange(count, device=frames.device)[:, None, None]
    shifted = frames.permute(0, 3, 4, 1, 2)[clip, rows[:, :, None], columns[:, None, :]]
    gain, brightness = RECOLOUR * torch.randn(2, count, 1, 3, 1, 1, device=frames.device)
    return (shifted.permute(0, 3, 4, 1, 2) - 0.5) * gain.exp() + brightness + 0.5


ENTRY = Entry(
    name="laom",
    about="LAOM: one to four steps, continuous latents, an EMA target, augmentation, then k-means",
    model=Laom,
    config=RepresentationConfig,
    module=LaomModule,
    recipe={
        "fit": FIT | {"frames": 5},
        "model": SIZES | {"latent": 32},
        "method": CODES_AT_THE_END | {"latent_penalty": 1e-3},
    },
)
