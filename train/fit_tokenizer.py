"""Fitting a tokenizer."""

import torch
from einops import rearrange
from torch import Tensor, nn

from tokenizer.losses import TokenizerMethod, code_use
from train.data.clips import FrameClips, to_bytes, to_float
from train.loop.module import FitModule, FitPlan

HELD_OUT_FRAMES = 256


class TokenizerModule(FitModule):
    """A tokenizer on clips of frames."""

    METHOD = TokenizerMethod

    def __init__(
        self, model: nn.Module, plan: FitPlan, clips: FrameClips, residual: Tensor | None = None
    ) -> None:
        """Build the module.

        Args:
            model: a `FrameTokenizer` to be fitted.
            plan: how, and how far.
            clips: the training frames.
            residual: float (H, W), how often a pixel is a motion residual; such pixels count more.
                None: all count alike.
        """
        super().__init__(model, plan)
        self.clips = clips
        weights = None
        if residual is not None:
            weights = 1 + self.method.sprite_weight * (residual / residual.max())
        self.register_buffer("pixel_weights", weights, persistent=False)

    def draw(self, step: int) -> tuple[Tensor]:
        """Return clips uint8 (B, T, H, W, 3)."""
        return (self.clips.batch(self.fit_config.batch, self.seed, step),)

    def loss(self, frames: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the model's own loss."""
        return self.model.training_loss(to_float(frames), self.method, self.pixel_weights)

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor]:
        """Measure PSNR and code use on held-out frames; show them above their reconstructions."""
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
