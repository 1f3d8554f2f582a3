"""The latent action model: the action between two frames, as one of A codes."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from lam.config import LatentActionConfig
from lam.losses import LatentActionMethod, prediction_loss
from spacetime.quantize import CodebookConfig, VectorQuantizer
from spacetime.ranks import normal_rows


class Encoder(nn.Module):
    """Two frames to a latent: the first frame and the change, through strided convolutions."""

    GRID = 4
    num_features = 128

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the encoder of `config`."""
        super().__init__()
        c = config.channels
        self.convolutions = nn.Sequential(
            nn.Conv2d(24, c, 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(c, c, 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(c, 2 * c, 3, stride=2, padding=1), nn.SiLU(),
        )  # fmt: skip
        # Pooling to a fixed grid lets any frame size in and still says where things moved.
        self.pool = nn.AdaptiveAvgPool2d(self.GRID)
        self.head = nn.Sequential(
            nn.Linear(2 * c * self.GRID**2, self.num_features), nn.SiLU(),
            nn.Linear(self.num_features, config.latent),
        )  # fmt: skip

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Map two frames, each float (B, 3, H, W) in [0, 1], to latents (B, latent)."""
        return self.head[2](self.features(before, after))

    def features(self, before: Tensor, after: Tensor) -> Tensor:
        """Map two frames, each float (B, 3, H, W) in [0, 1], to features (B, 128)."""
        pair = F.pixel_unshuffle(torch.cat((before - 0.5, after - before), dim=1), 2)
        features = self.pool(self.convolutions(pair))  # (B, 2c, 4, 4)
        return self.head[:2](rearrange(features, "b c h w -> b (c h w)"))


FIRST_CHANGE = 0.3
"""Of what a new layer would draw."""


class Decoder(nn.Module):
    """The first frame and a latent to the change."""

    # It sees one frame only: with more it would extrapolate motion and leave the latent unused.

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the decoder of `config`."""
        super().__init__()
        c = config.channels
        self.fine = nn.Sequential(nn.Conv2d(12, c, 3, padding=1), nn.SiLU())
        self.middle = nn.Sequential(nn.Conv2d(c, c, 3, stride=2, padding=1), nn.SiLU())
        self.coarse = nn.Sequential(nn.Conv2d(c, 2 * c, 3, stride=2, padding=1), nn.SiLU())
        self.modulation = nn.Linear(config.code_size, 4 * c)
        self.mix = nn.Sequential(nn.SiLU(), nn.Conv2d(2 * c, 2 * c, 3, padding=1), nn.SiLU())
        self.up_middle = nn.Sequential(nn.Conv2d(3 * c, c, 3, padding=1), nn.SiLU())
        self.up_fine = nn.Sequential(nn.Conv2d(2 * c, c, 3, padding=1), nn.SiLU())
        self.to_change = nn.Conv2d(c, 12, 3, padding=1)
        # It begins near the frozen frame: a small player is else lost in what it must unlearn. Not
        # with zeros, through which no gradient would reach an encoder.
        with torch.no_grad():
            self.to_change.weight *= FIRST_CHANGE
            self.to_change.bias *= FIRST_CHANGE

    def forward(self, before: Tensor, latent: Tensor) -> Tensor:
        """Map a frame (B, 3, H, W) and a latent (B, latent) to the next frame, unclamped."""
        return before + self.change(F.pixel_unshuffle(before - 0.5, 2), latent)

    def change(self, pixels: Tensor, latent: Tensor) -> Tensor:
        """Map pixels unshuffled by 2, (B, 12, H/2, W/2), to the change (B, 3, H, W)."""
        fine = self.fine(pixels)  # (B, c, H/2, W/2)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        scale, shift = rearrange(self.modulation(latent), "b (two c) -> two b c 1 1", two=2)
        x = self.mix(coarse * (1 + scale) + shift)
        x = F.interpolate(x, size=middle.shape[-2:], mode="nearest")
        x = self.up_middle(torch.cat((x, middle), dim=1))
        x = F.interpolate(x, size=fine.shape[-2:], mode="nearest")
        x = self.up_fine(torch.cat((x, fine), dim=1))
        return F.pixel_shuffle(self.to_change(x).float(), 2)


class LatentActionModel(nn.Module):
    """Infers which of A codes stands for the change from one frame to the next.

    It starts continuous, with noise in place of a codebook; `start_codes` then makes codes of the
    latents by k-means, and from there on it is quantized.

    Source: Genie (Bruce et al. 2024), section 2, for the role and the use of pixels. The order
    continuous, k-means, quantized avoids the collapse of a codebook that learns with its encoder;
    AdaWorld (Gao et al. 2025) clusters after training.
    """

    ENCODER = ("encoder.", "quantizer.", "quantized")
    """How the names of the weights begin on which the actions depend."""

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the model with new weights."""
        super().__init__()
        self.config = config
        self.encoder = self.new_encoder(config)
        self.decoder = Decoder(config)
        self.quantizer = VectorQuantizer(
            CodebookConfig(num_codes=config.num_actions, channels=config.code_size)
        )
        self.register_buffer("quantized", torch.tensor(False))

    @staticmethod
    def new_encoder(config: LatentActionConfig) -> nn.Module:
        """Build the encoder: two frames to what the codebook quantizes."""
        return Encoder(config)

    def freeze_encoder(self) -> None:
        """Keep the encoder and the codes; only the decoder is fitted further."""
        self.encoder.requires_grad_(False).eval()
        self.quantizer.requires_grad_(False).eval()

    @torch.no_grad()
    def start_codes(self, latents: Tensor) -> None:
        """Make codes of continuous latents, float (n, latent); from now on they are quantized."""
        self.quantizer.fit(latents)
        self.quantized.fill_(True)

    def reconstruct(
        self, before: Tensor, after: Tensor, latent_penalty: float = 1e-3
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predict the second frame of pairs through the latent, for training.

        Args:
            before: float32 (B, 3, H, W) in [0, 1].
            after: the same shape.
            latent_penalty: weight of the latents' mean square while they are continuous.

        Returns:
            The predicted frame, unclamped; ids int64 (B,), all 0 while continuous; and a scalar to
            add to the loss: the commitment of the codebook, or the penalty.
        """
        latents = self.encoder(before, after).float()
        if self.quantized:
            # Trained on, the encoder would trade codes that mean one thing for a little less error
            # (measured: left and right merged into one code), or shrink all latents to a point.
            latents, ids, extra = self.quantizer(latents.detach())
        else:
            extra = latent_penalty * latents.square().mean()
            latents = latents + self.config.noise * normal_rows(latents)
            ids = torch.zeros(len(before), dtype=torch.long, device=before.device)
        return self.decoder(before, latents), ids, extra

    def training_loss(
        self, frames: Tensor, method: LatentActionMethod
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted squared error of the predicted next frame; frames (B, T, 3, H, W)."""
        before, after = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
        predicted, _, extra = self.reconstruct(before, after, method.latent_penalty)
        loss = prediction_loss(before, after, predicted, method.change_weight)
        return loss + extra, {"prediction": loss.detach(), "extra": extra.detach()}

    def infer(self, frames: Tensor) -> Tensor:
        """Infer actions int64 (B, T−1); entry t leads from frame t to t+1. See `observe`."""
        return self.read(self.observe(frames))

    def read(self, observed: Tensor, episodes: Tensor | None = None) -> Tensor:
        """Read actions int64 (B, S) off what `observe` returned: here the codes themselves."""
        return observed[..., 0].long()

    def observe(self, frames: Tensor) -> Tensor:
        """Encode each transition by itself.

        Args:
            frames: float32 (B, T, 3, H, W) in [0, 1], T ≥ 2.

        Returns:
            float32 (B, T−1, F), for `read`.

        Raises:
            ValueError: if the frames do not have the configured size, or the model has no codes.
        """
        if frames.ndim != 5 or frames.shape[2:] != (3, self.config.height, self.config.width):
            raise ValueError(
                f"frames must be (B, T, 3, {self.config.height}, {self.config.width}), got "
                f"{tuple(frames.shape)}: resize them to the size this model was trained on"
            )
        if frames.shape[1] < 2:
            raise ValueError("actions lie between frames: give two frames or more")
        if not self.quantized:
            raise ValueError("the latent action model has no codes yet: train it to the end first")
        observed = self._observe_pairs(frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1))
        return observed.unflatten(0, (len(frames), -1))

    def predict(self, frame: Tensor, action: Tensor) -> Tensor:
        """Predict the frame (B, 3, H, W) in [0, 1] that an action, int64 (B,), leads to."""
        return self.decoder(frame, self.quantizer.lookup(action)).clamp(0, 1)

    def describe(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the encoder sees in pairs of frames, (P, D), and what `observe` does."""
        features = self.encoder.features(before, after)
        return features, self.quantizer.nearest(self.encoder.head[2](features))[:, None].float()

    def _observe_pairs(self, before: Tensor, after: Tensor) -> Tensor:
        """Return what `read` needs of pairs of frames, float32 (P, F)."""
        return self.quantizer.nearest(self.encoder(before, after))[:, None].float()
