"""The latent action model: what must have happened between two frames, as one of A codes."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from lam.config import LatentActionConfig
from lam.player_sprite.airborne import read_keys
from lam.player_sprite.encoder import SpriteEncoder
from spacetime.quantize import CodebookConfig, VectorQuantizer


class Encoder(nn.Module):
    """Two frames to a latent: the first frame and the change, through strided convolutions."""

    GRID = 4

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
            nn.Linear(2 * c * self.GRID**2, 128), nn.SiLU(), nn.Linear(128, config.latent)
        )

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Map two frames, each float (B, 3, H, W) in [0, 1], to latents (B, latent)."""
        pair = F.pixel_unshuffle(torch.cat((before - 0.5, after - before), dim=1), 2)
        features = self.pool(self.convolutions(pair))  # (B, 2c, 4, 4)
        return self.head(rearrange(features, "b c h w -> b (c h w)"))


class Decoder(nn.Module):
    """The first frame and a latent to the change; starved, so that it needs the latent.

    It sees one frame only: with more it would extrapolate motion and leave the latent unused.
    """

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

    def forward(self, before: Tensor, latent: Tensor) -> Tensor:
        """Map a frame (B, 3, H, W) and a latent (B, latent) to the next frame, unclamped."""
        fine = self.fine(F.pixel_unshuffle(before - 0.5, 2))  # (B, c, H/2, W/2)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        scale, shift = rearrange(self.modulation(latent), "b (two c) -> two b c 1 1", two=2)
        x = self.mix(coarse * (1 + scale) + shift)
        x = F.interpolate(x, size=middle.shape[-2:], mode="nearest")
        x = self.up_middle(torch.cat((x, middle), dim=1))
        x = F.interpolate(x, size=fine.shape[-2:], mode="nearest")
        x = self.up_fine(torch.cat((x, fine), dim=1))
        return before + F.pixel_shuffle(self.to_change(x).float(), 2)


class LatentActionModel(nn.Module):
    """Reads two frames and says which of A codes leads from one to the other.

    It starts continuous, with noise in place of a codebook; `start_codes` then makes codes of the
    latents by k-means, and from there on it is quantized.

    With an avatar in its configuration, the encoder gives codes by itself (`SpriteEncoder`), and
    only the decoder is fitted to pixels.

    Source: Genie (Bruce et al. 2024), section 2, for the role and the use of pixels; two-frame
    convolutions and the order continuous → k-means → quantized are our choice (AdaWorld clusters
    after training).
    """

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the model of `config`, freshly drawn."""
        super().__init__()
        self.config = config
        self.encoder = Encoder(config) if config.avatar is None else SpriteEncoder(config)
        self.decoder = Decoder(config)
        self.quantizer = VectorQuantizer(
            CodebookConfig(num_codes=config.num_actions, channels=config.code_size)
        )
        self.register_buffer("quantized", torch.tensor(False))

    @torch.no_grad()
    def start_codes(self, latents: Tensor) -> None:
        """Make codes of continuous latents, float (n, latent), and be quantized from now on."""
        self.quantizer.fit(latents)
        self.quantized.fill_(True)

    def reconstruct(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict the second frame of pairs through the latent, for training.

        Once there are codes, the encoder is left as it is and only the decoder learns: trained on,
        the encoder would trade codes that mean one thing for a little less error (measured: left
        and right merged into one code), or shrink all latents to a point.

        Args:
            before: float32 (B, 3, H, W) in [0, 1].
            after: the same shape.

        Returns:
            The predicted frame, unclamped; ids int64 (B,), all 0 while continuous; and a scalar
            that keeps latents small while they are continuous.
        """
        latents = self.encoder(before, after).float()
        if self.quantized:
            latents, ids, extra = self.quantizer(latents.detach())
        else:
            extra = 1e-3 * latents.square().mean()
            latents = latents + self.config.noise * torch.randn_like(latents)
            ids = torch.zeros(len(before), dtype=torch.long, device=before.device)
        return self.decoder(before, latents), ids, extra

    def infer(self, frames: Tensor) -> Tensor:
        """Say which action leads from each frame to the next.

        Args:
            frames: float32 (B, T, 3, H, W) in [0, 1], T ≥ 2.

        Returns:
            int64 (B, T−1); entry t leads from frame t to frame t+1. With an avatar that flies, it
            depends on earlier frames too: a flight means what it began with.

        Raises:
            ValueError: see `observe`.
        """
        return self.read(*self.observe(frames))

    def read(self, codes: Tensor, shift: Tensor, held: Tensor | bool = True) -> Tensor:
        """Read actions off what `observe` saw.

        Args:
            codes: int64 (B, S), of consecutive transitions.
            shift: (B, S, 2), the camera's shift.
            held: whether a jump counts as held to its end, or as let go after it took off: both
                look the same (`airborne.read_keys`); of each row, bool (B,), or of all.

        Returns:
            int64 (B, S).
        """
        if self.config.avatar is None:
            return codes
        return read_keys(codes, shift, self.encoder.landing, held)

    def observe(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Look at each transition by itself.

        Args:
            frames: float32 (B, T, 3, H, W) in [0, 1], T ≥ 2.

        Returns:
            Its code, int64 (B, T−1), and the camera's shift in pixels, float32 (B, T−1, 2), which
            is 0 without an avatar: then the code alone is the action.

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
        before, after = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
        if self.config.avatar is None:
            latents, shift = self.encoder(before, after), before.new_zeros(len(before), 2)
        else:
            boxes, shift = self.encoder.look(before, after)
            latents = self.encoder.codes(boxes, shift)
        ids = self.quantizer.nearest(latents)
        return ids.unflatten(0, (len(frames), -1)), shift.unflatten(0, (len(frames), -1))

    def predict(self, frame: Tensor, action: Tensor) -> Tensor:
        """Predict the frame that an action leads to.

        Args:
            frame: float32 (B, 3, H, W) in [0, 1].
            action: int64 (B,), each in 0 … A−1.

        Returns:
            float32 (B, 3, H, W) in [0, 1].
        """
        return self.decoder(frame, self.quantizer.lookup(action)).clamp(0, 1)
