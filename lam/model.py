"""The latent action model: what must have happened between two frames, as one of A codes."""

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from lam.avatar import camera_shift
from lam.flight import read_keys
from spacetime.quantize import CodebookConfig, VectorQuantizer


@dataclass(frozen=True, kw_only=True)
class LatentActionConfig:
    """Sizes of the latent action model.

    Attributes:
        height: H, frame height in pixels, even.
        width: W, frame width in pixels, even.
        num_actions: A, codes; between 2 and 64, 4 to 16 for a keyboard.
        latent: numbers in a code.
        channels: channels of the first convolutions; deeper ones have twice as many.
        noise: std of the noise on latents while they are continuous; it bounds what they carry.
        avatar: top, left, height and width in pixels of the box that the encoder looks at, beside
            the shift of the camera; None: it looks at whole frames.
        states: looks of an avatar that the encoder tells apart, before those that lead alike are
            joined to `num_actions` codes; None: as many as codes.
    """

    height: int
    width: int
    num_actions: int = 6
    latent: int = 8
    channels: int = 64
    noise: float = 0.1
    avatar: tuple[int, int, int, int] | None = None
    states: int | None = None

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        if not 2 <= self.num_actions <= 64:
            raise ValueError(f"num_actions must be between 2 and 64, got {self.num_actions}")
        if self.height < 16 or self.width < 16 or self.height % 2 or self.width % 2:
            raise ValueError(
                f"the latent action model needs frames of even height and width, 16 pixels or "
                f"more, got {self.height}x{self.width}: build the corpus with another --size"
            )
        if self.avatar is not None:
            object.__setattr__(self, "avatar", tuple(self.avatar))
            top, left, height, width = self.avatar
            fits = 0 <= top <= self.height - height and 0 <= left <= self.width - width
            if not fits or height < 1 or width < 1:
                raise ValueError(
                    f"the avatar's box {self.avatar} does not lie in frames of "
                    f"{self.height}x{self.width}: give top, left, height and width in pixels"
                )

        if self.states is not None and (self.avatar is None or self.states < self.num_actions):
            raise ValueError(
                f"states are looks of an avatar, at least as many as actions, got {self.states} "
                f"for {self.num_actions} actions"
            )

    @property
    def code_size(self) -> int:
        """Numbers in a code: one for each code where the encoder gives codes by itself."""
        return self.latent if self.avatar is None else self.num_actions


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


class AvatarEncoder(nn.Module):
    """Two frames to a code: how the avatar looks in both, and how the camera moves.

    It is fitted in two steps. `embed` learns latents of what persists for some frames, then
    `to_code` makes states of its features, and `code_of` codes of the states; `forward` gives the
    codes. `landing` says which codes are flights (`lam.flight`).

    Source: our choice; docs/architecture.md says why.
    """

    FEATURES = 96

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the encoder of `config`, which has an avatar."""
        super().__init__()
        self.top, self.left, self.height, self.width = config.avatar
        c = 24
        self.convolutions = nn.Sequential(
            nn.Conv2d(6, c, 3, padding=1), nn.SiLU(), nn.Conv2d(c, c, 3, padding=1), nn.SiLU()
        )
        self.to_features = nn.Sequential(
            nn.Linear(c * self.height * self.width + 2, 128), nn.SiLU(),
            nn.Linear(128, self.FEATURES), nn.SiLU(),
        )  # fmt: skip
        self.to_latent = nn.Linear(self.FEATURES, config.latent)
        self.register_buffer("mean", torch.zeros(self.FEATURES))
        self.register_buffer("scale", torch.ones(self.FEATURES))
        self.to_code = nn.Sequential(
            nn.Linear(self.FEATURES, 64), nn.SiLU(),
            nn.Linear(64, config.states or config.num_actions),
        )  # fmt: skip
        self.num_actions = config.num_actions
        states = torch.arange(config.states or config.num_actions)
        self.register_buffer("code_of", states.clamp_max(config.num_actions - 1))
        self.register_buffer("landing", torch.full((config.num_actions, 3), -1))

    def look(self, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Take what the encoder reads out of two frames.

        Args:
            before: float (B, 3, H, W) in [0, 1].
            after: the same shape.

        Returns:
            The box in both, float (B, 2, 3, height, width), and the camera's shift in pixels,
            float (B, 2).
        """
        rows = slice(self.top, self.top + self.height)
        columns = slice(self.left, self.left + self.width)
        boxes = torch.stack((before, after), dim=1)[..., rows, columns]
        return boxes, camera_shift(before, after).to(boxes.dtype)

    def features(self, boxes: Tensor, shift: Tensor) -> Tensor:
        """Map what `look` took, the boxes in [0, 1] or recoloured, to features (B, 96)."""
        before, after = (boxes - 0.5).unbind(dim=1)
        seen = self.convolutions(torch.cat((after, after - before), dim=1)).flatten(1)
        return self.to_features(torch.cat((seen, shift / 2), dim=1))

    def embed(self, boxes: Tensor, shift: Tensor) -> Tensor:
        """Map what `look` took to unit latents (B, latent)."""
        return F.normalize(self.to_latent(self.features(boxes, shift)), dim=1)

    def scores(self, features: Tensor) -> Tensor:
        """Map features (B, 96), standardized by `mean` and `scale`, to logits of states."""
        return self.to_code((features - self.mean) / self.scale)

    def codes(self, boxes: Tensor, shift: Tensor) -> Tensor:
        """Map what `look` took to codes, one-hot (B, A)."""
        states = self.scores(self.features(boxes, shift)).argmax(dim=1)
        return F.one_hot(self.code_of[states], self.num_actions).to(boxes.dtype)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Map two frames, each float (B, 3, H, W) in [0, 1], to codes, one-hot (B, A)."""
        return self.codes(*self.look(before, after))


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

    With an avatar in its configuration, the encoder gives codes by itself (`AvatarEncoder`), and
    only the decoder is fitted to pixels.

    Source: Genie (Bruce et al. 2024), section 2, for the role and the use of pixels; two-frame
    convolutions and the order continuous → k-means → quantized are our choice (AdaWorld clusters
    after training).
    """

    def __init__(self, config: LatentActionConfig) -> None:
        """Build the model of `config`, freshly drawn."""
        super().__init__()
        self.config = config
        self.encoder = Encoder(config) if config.avatar is None else AvatarEncoder(config)
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

    def read(self, codes: Tensor, shift: Tensor, held: bool = True) -> Tensor:
        """Read actions off what `observe` saw.

        Args:
            codes: int64 (B, S), of consecutive transitions.
            shift: (B, S, 2), the camera's shift.
            held: whether a jump counts as held to its end, or as let go after it took off: both
                look the same (`lam.flight.read_keys`).

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
