"""Fitting the tokenizer."""

import torch
from einops import rearrange
from torch import Tensor, nn

from tokenizer.losses import code_use, reconstruction_loss
from tokenizer.model import Tokenizer
from train.data.clips import FrameClips, to_bytes, to_float
from train.loop.clock import Clock
from train.loop.module import Stage
from train.recipe import FitConfig

HELD_OUT_FRAMES = 256
AVATAR_WEIGHT = 20.0
"""Where no shift explains the picture most often, a pixel counts 1 + this times."""


class TokenizerStage(Stage):
    """The tokenizer on clips of frames."""

    def __init__(
        self,
        model: Tokenizer,
        fit: FitConfig,
        clock: Clock,
        seed: int,
        clips: FrameClips,
        unexplained: Tensor | None = None,
    ) -> None:
        """Keep the parts.

        Args:
            model: to be fitted.
            fit: how.
            clock: how far.
            seed: of every draw.
            clips: the frames to learn from.
            unexplained: float (H, W), how often no shift of the picture explains a pixel; these
                places are drawn with more care. None: all places are alike.
        """
        super().__init__(model, fit, clock, seed)
        self.clips = clips
        places = None if unexplained is None else unexplained / unexplained.max()
        self.register_buffer(
            "places", None if places is None else 1 + AVATAR_WEIGHT * places, persistent=False
        )

    def draw(self, step: int) -> tuple[Tensor]:
        """Return clips uint8 (B, T, H, W, 3)."""
        return (self.clips.batch(self.fit_config.batch, self.seed, step),)

    def loss(self, frames: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted squared error of reconstructions."""
        frames = to_float(frames)
        latents, _ = self.model.quantize(frames)
        rendered = self.model.render(latents)
        return reconstruction_loss(frames, rendered, self.model.config.patch, self.places), {
            "squared_error": (rendered.detach() - frames).square().mean()
        }

    def parts_to_compile(self) -> tuple[nn.Module, ...]:
        """Return the blocks of both stacks, each by itself.

        Alike, they share what is compiled: as fast as whole stacks, after a fifth of the compiling
        (measured with the sizes of `coinrun` on a CPU).
        """
        return (*self.model.encoder.blocks, *self.model.decoder.blocks)

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor]:
        """PSNR of held-out frames, use of codes, and frames above their reconstructions."""
        count = max(1, HELD_OUT_FRAMES // self.clips.length)
        frames = self.clips.held_out(count).to(self.device)
        ids = self.average.encode(to_float(frames))
        rendered = to_bytes(self.average.decode(ids))
        error = (rendered.float() - frames.float()).div(255).square().mean()
        used, perplexity = code_use(ids, self.model.num_codes)
        pairs = torch.stack((frames[:8, -1], rendered[:8, -1]))  # (2, 8, H, W, 3)
        return {
            "held_out_psnr": float(-10 * error.log10()),
            "codes_used_share": used,
            "perplexity": perplexity,
        }, rearrange(pairs, "row column h w c -> (row h) (column w) c").cpu()
