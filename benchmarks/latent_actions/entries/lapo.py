"""LAPO: an inverse and a forward model that also see the frame before."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.latent_actions.entries.entry import FIT, Entry
from lam.config import LatentActionConfig
from lam.losses import LatentActionMethod, prediction_loss
from lam.model import Decoder, Encoder, LatentActionModel


class InverseModel(Encoder):
    """Three frames to a latent."""

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the encoder of `config`."""
        super().__init__(config)
        self.convolutions[0] = nn.Conv2d(36, config.channels, 3, stride=2, padding=1)

    def forward(self, earlier: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Map three frames, each float (B, 3, H, W), to latents (B, latent)."""
        seen = torch.cat((before - 0.5, before - earlier, after - before), dim=1)
        return self.head(self.pool(self.convolutions(F.pixel_unshuffle(seen, 2))).flatten(1))


class ForwardModel(Decoder):
    """Two frames and a latent to the next frame."""

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the decoder of `config`."""
        super().__init__(config)
        self.fine[0] = nn.Conv2d(24, config.channels, 3, padding=1)

    def forward(self, before: Tensor, latent: Tensor, earlier: Tensor) -> Tensor:
        """Map two frames (B, 3, H, W) and a latent (B, latent) to the next frame."""
        seen = torch.cat((before - 0.5, before - earlier), dim=1)
        return before + self.change(F.pixel_unshuffle(seen, 2), latent)


class Lapo(LatentActionModel):
    """Reads actions off three frames.

    Source: LAPO (Schmidt and Jiang 2024), section 3. One codebook of A codes takes the place of
    its several small ones: a key is one code.
    """

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the model with new weights."""
        super().__init__(config)
        self.decoder = ForwardModel(config)
        self.quantized.fill_(True)

    @staticmethod
    def new_encoder(config: LatentActionConfig) -> nn.Module:
        """Build the encoder: three frames to what the codebook quantizes."""
        return InverseModel(config)

    def training_loss(
        self, frames: Tensor, method: LatentActionMethod
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted squared error of the third of frames (B, 3, 3, H, W)."""
        earlier, before, after = frames.unbind(dim=1)
        codes, _, commitment = self.quantizer(self.encoder(earlier, before, after).float())
        predicted = self.decoder(before, codes, earlier)
        loss = prediction_loss(before, after, predicted, method.change_weight)
        return loss + commitment, {"prediction": loss.detach(), "extra": commitment.detach()}

    def observe(self, frames: Tensor) -> Tensor:
        """Encode each transition of frames (B, T, 3, H, W) with the frame before it: (B, T−1, 1).

        The first frame stands in for the one before it.
        """
        earlier = torch.cat((frames[:, :1], frames[:, :-2]), dim=1)
        triple = (part.flatten(0, 1) for part in (earlier, frames[:, :-1], frames[:, 1:]))
        codes = self.quantizer.nearest(self.encoder(*triple))
        return codes.float().unflatten(0, (len(frames), -1))[..., None]

    def predict(self, frame: Tensor, action: Tensor) -> Tensor:
        """Predict the frame that an action leads to from a still start; see `ActionModel`."""
        return self.decoder(frame, self.quantizer.lookup(action), frame).clamp(0, 1)


ENTRY = Entry(
    name="lapo",
    about="LAPO: inverse model over three frames, forward model over two, VQ from the start",
    model=Lapo,
    recipe={"fit": FIT | {"frames": 3}},
)
