"""The video tokenizer: a space-time VQ-VAE over discrete tokens."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spacetime.blocks import SpaceTimeStack, init_weights
from spacetime.cache import TimeCache
from spacetime.patches import check_patch_grid, patch_rows, patchify, unpatchify
from spacetime.pixels import changed_pixels
from spacetime.quantize import FiniteScalarQuantizer
from tokenizer.losses import TokenizerMethod, reconstruction_loss


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    """Sizes of the tokenizer.

    Attributes:
        height: H, frame height in pixels.
        width: W, frame width in pixels.
        patch: patch side in pixels; divides both. One patch is one token.
        levels: levels of each quantized channel; K is their product.
        dim: D, channels.
        heads: attention heads.
        encoder_layers: blocks before the quantizer; each frame by itself.
        decoder_layers: blocks after it.
        band: frames in sight of the decoder's time attention, its own included.
        local: whether a token tells of its own patch alone, so that what stands still keeps its
            token whatever moves elsewhere. Else the encoder sees the whole frame.
    """

    height: int
    width: int
    patch: int = 8
    levels: tuple[int, ...] = (8, 5, 5, 5)
    dim: int = 128
    heads: int = 4
    encoder_layers: int = 2
    decoder_layers: int = 3
    band: int = 1
    local: bool = False

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        object.__setattr__(self, "levels", tuple(self.levels))
        check_patch_grid(self.height, self.width, self.patch)


class Tokenizer(nn.Module):
    """Frames to token ids, each frame by itself, and token ids back to frames.

    The encoder has no time attention: a frame has the same ids however a clip is cut. The decoder
    may see earlier frames (banded, causal), which lets it keep detail from frame to frame.

    Source: Genie (Bruce et al. 2024), section 2, with FSQ in place of a learned codebook and
    without time in the encoder.
    """

    ENCODER = ("embed.", "encoder.", "encoder_places", "to_latent.")
    """How the names of the weights begin on which the ids depend."""
    TAKES_PATCHES = True
    """Its `training_loss` can see some of the patches only."""

    def __init__(self, config: TokenizerConfig) -> None:
        """Build the model with new weights."""
        super().__init__()
        self.config = config
        self.grid = check_patch_grid(config.height, config.width, config.patch)
        self.num_tokens = self.grid[0] * self.grid[1]
        pixels = 3 * config.patch**2
        dim, heads = config.dim, config.heads
        self.quantizer = FiniteScalarQuantizer(config.levels)
        self.num_codes = self.quantizer.num_codes
        self.embed = nn.Linear(pixels, dim)
        self.encoder_places = nn.Parameter(torch.zeros(self.num_tokens, dim))
        self.encoder = SpaceTimeStack(dim, heads, config.encoder_layers, band=1)
        self.to_latent = nn.Linear(dim, self.quantizer.channels)
        self.from_latent = nn.Linear(self.quantizer.channels, dim)
        self.decoder_places = nn.Parameter(torch.zeros(self.num_tokens, dim))
        self.decoder = SpaceTimeStack(dim, heads, config.decoder_layers, config.band)
        self.to_pixels = nn.Linear(dim, pixels)
        init_weights(self)
        nn.init.normal_(self.encoder_places, std=0.02)
        nn.init.normal_(self.decoder_places, std=0.02)

    def quantize(self, frames: Tensor, patches: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Quantize frames with a straight-through gradient, for training.

        Args:
            frames: float32 (B, T, 3, H, W) in [0, 1].
            patches: int64 (B, n), the only ones that are seen; `frames` are then `patch_rows`, of n
                patches. None: all are.

        Returns:
            Quantized latents (B, T, N, channels) and ids int64 (B, T, N).
        """
        places = places_of(self.encoder_places, patches)
        x = self.embed(patchify(frames - 0.5, self.config.patch)) + places
        latents = self.to_latent(self._encoded(x))  # (B, T, N, channels)
        # Rounding needs the full precision, or ids would depend on the type of the arithmetic.
        with torch.autocast(frames.device.type, enabled=False):
            quantized, ids = self.quantizer(latents.float().flatten(0, 1))
        return quantized.unflatten(0, frames.shape[:2]), ids.unflatten(0, frames.shape[:2])

    def render(self, latents: Tensor, patches: Tensor | None = None) -> Tensor:
        """Turn quantized latents (B, T, N, channels) into frames (B, T, 3, H, W), unclamped.

        `patches` as `quantize`; the result are then rows of them.
        """
        places = places_of(self.decoder_places, patches)
        return self._pixels(self.decoder(self.from_latent(latents) + places), patches)

    def freeze_encoder(self) -> None:
        """Keep the encoder, and so the ids; only the decoder is fitted further."""
        for name, weight in self.named_parameters():
            if name.startswith(self.ENCODER):
                weight.requires_grad_(False)

    @torch.no_grad()
    def start_latents(self, frames: Tensor, background: Tensor) -> None:
        """Let the channels begin as the principal components of what differs from a background.

        New weights send nearly all of a still picture to a handful of codes, and the decoder learns
        to do without them. Nothing happens if fewer patches differ than there are channels.

        Args:
            frames: float32 (B, 3, H, W) in [0, 1].
            background: float32 (3, H, W), what stands still.
        """
        differs = changed_pixels(background, frames)[:, None, None]  # (B, 1, 1, H, W)
        chosen = patchify(differs.float(), self.config.patch).amax(dim=-1)[:, 0] > 0  # (B, N)
        x = self.embed(patchify(frames[:, None] - 0.5, self.config.patch)) + self.encoder_places
        features = self._encoded(x)[:, 0].float()[chosen]  # (P, D)
        channels = self.quantizer.channels
        if len(features) <= channels:
            return
        middle = features.mean(dim=0)
        _, strength, directions = torch.linalg.svd(features - middle, full_matrices=False)
        spread = strength[:channels, None] / len(features) ** 0.5
        weight = directions[:channels] / spread.clamp_min(1e-6)
        self.to_latent.weight.copy_(weight)
        self.to_latent.bias.copy_(-weight @ middle)

    def training_loss(
        self,
        frames: Tensor,
        method: TokenizerMethod,
        pixel_weights: Tensor | None = None,
        patches: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted squared error of the reconstructions of frames (B, T, 3, H, W).

        Args:
            frames: float32 in [0, 1].
            method: the weights of change and hardness.
            pixel_weights: float32 (H, W) or (B, T, 1, H, W); None: all equal.
            patches: int64 (B, n), those of each clip that are seen and drawn; None: all.
        """
        seen = {}
        if patches is not None:
            seen = {"patches": patches}
            frames = patch_rows(frames, patches, self.config.patch)
            if pixel_weights is not None:
                whole = pixel_weights.expand(*frames.shape[:2], 1, *pixel_weights.shape[-2:])
                pixel_weights = patch_rows(whole, patches, self.config.patch)
        latents, _ = self.quantize(frames, **seen)
        rendered = self.render(latents, **seen)
        loss = reconstruction_loss(frames, rendered, self.config.patch, pixel_weights, method)
        return loss, {"squared_error": (rendered.detach() - frames).square().mean()}

    def parts_to_compile(self) -> tuple[nn.Module, ...]:
        """Return the blocks of both stacks, each by itself."""
        # Blocks of one shape share compiled code: as fast as whole stacks after a fifth of the
        # compiling (measured with the sizes of `coinrun` on a CPU).
        return (*self.encoder.blocks, *self.decoder.blocks)

    def encode(self, frames: Tensor) -> Tensor:
        """Turn frames into token ids, each frame by itself.

        Args:
            frames: float32 (B, T, 3, H, W) in [0, 1].

        Returns:
            int64 (B, T, N), each in 0 … K−1, row by row.

        Raises:
            ValueError: if the frames do not have the configured size.
        """
        if frames.ndim != 5 or frames.shape[2:] != (3, self.config.height, self.config.width):
            raise ValueError(
                f"frames must be (B, T, 3, {self.config.height}, {self.config.width}), got "
                f"{tuple(frames.shape)}: resize them to the size this tokenizer was trained on"
            )
        return self.quantize(frames)[1]

    def decode(self, ids: Tensor) -> Tensor:
        """Turn ids int64 (B, T, N) into frames, float32 (B, T, 3, H, W) in [0, 1].

        Raises:
            ValueError: if an id is out of range, as ids of another tokenizer may be.
        """
        if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < self.num_codes:
            raise ValueError(
                f"ids must be 0 to {self.num_codes - 1}, got {int(ids.min())} to "
                f"{int(ids.max())}: were they made by another tokenizer?"
            )
        return self.render(self.quantizer.lookup(ids)).clamp(0, 1)

    @property
    def decoder_memory(self) -> int:
        """Frames that a decoded frame depends on, itself included: 1 without time attention."""
        return self.decoder.memory

    def new_cache(self, batch: int, start: int = 0) -> TimeCache:
        """Allocate the decoder's cache for `batch` rollouts."""
        return self.decoder.new_cache(batch, self.num_tokens, start)

    def decode_step(self, ids: Tensor, cache: TimeCache) -> Tensor:
        """Decode the next frame of a rollout and add it to the decoder's cache.

        Args:
            ids: int64 (B, N).
            cache: the frames before; changed in place.

        Returns:
            float32 (B, 3, H, W) in [0, 1].
        """
        x = self.from_latent(self.quantizer.lookup(ids)) + self.decoder_places
        x, new = self.decoder.step(x, cache)
        cache.write(new)
        return self._pixels(x).clamp(0, 1)

    def _encoded(self, x: Tensor) -> Tensor:
        """Run the encoder's blocks over embedded patches (B, T, N, D)."""
        if not self.config.local:
            return self.encoder(x)
        # Each patch as a frame of its own, of which attention sees nothing else.
        return self.encoder(x.flatten(0, 2)[:, None, None]).reshape(x.shape)

    def _pixels(self, x: Tensor, patches: Tensor | None = None) -> Tensor:
        side = self.config.patch
        height, width = self.config.height, self.config.width
        if patches is not None:
            height, width = side, side * patches.shape[1]
        return unpatchify(self.to_pixels(x).float() + 0.5, height, width, side)


def places_of(places: Tensor, patches: Tensor | None) -> Tensor:
    """Return the embeddings (N, D) of all places, or those of each clip's patches, (B, 1, n, D)."""
    # By an index, the gradient would be added up in any order where there are several threads.
    return places if patches is None else F.embedding(patches, places)[:, None]
