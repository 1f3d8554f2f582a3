"""Fitting a tokenizer."""

import math
from functools import cached_property

import torch
from einops import rearrange
from torch import Tensor, nn

from corpus.background import median_frame, sample_frames, still_background
from corpus.store import Corpus
from spacetime.patches import draw_patches
from spacetime.pixels import changed_pixels
from spacetime.ranks import rank_and_count
from spacetime.seeds import seed_of
from tokenizer.health import TokenizerHealth, assess_tokenizer
from tokenizer.losses import TokenizerMethod
from train.data.clips import FrameClips, to_float
from train.health.tokenizer_health import reconstruct
from train.loop.module import FitModule, FitPlan

HELD_OUT_FRAMES = 256
SOME, ALL = "some patches", "all patches"
SEES_ALL = 0.8
"""From this progress on, all patches are seen: a frame is encoded whole."""


def start_latents(model: nn.Module, corpus: Corpus, method: TokenizerMethod) -> None:
    """Start the codes of a new tokenizer with what differs from the still background, if asked."""
    if not method.latent_start or not hasattr(model, "start_latents"):
        return
    frames = sample_frames(corpus)
    background = torch.from_numpy(median_frame(frames))
    model.start_latents(to_float(torch.from_numpy(frames)), to_float(background))


class TokenizerModule(FitModule):
    """A tokenizer on clips of frames."""

    METHOD = TokenizerMethod
    SHARDED = True

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
        self.health: TokenizerHealth | None = None
        weights = None
        if residual is not None:
            weights = 1 + self.method.sprite_weight * (residual / residual.max())
        self.register_buffer("pixel_weights", weights, persistent=False)

    def draw(self, step: int) -> tuple[Tensor, ...]:
        """Return clips uint8 (B, T, H, W, 3).

        With them, if a step sees some of the patches only: numbers float32 (B, N) in [0, 1), to
        choose these by.
        """
        batch, (rank, ranks) = self.fit_config.batch, rank_and_count()
        clips = self.clips.batch(batch, self.seed, step)
        if self.method.seen_patches == 1 or not getattr(self.model, "TAKES_PATCHES", False):
            return (clips,)
        generator = torch.Generator().manual_seed(seed_of(self.seed, step) % 2**63)
        numbers = torch.rand(batch * ranks, self.model.num_tokens, generator=generator)
        return clips, numbers[rank * batch : (rank + 1) * batch]

    @property
    def part(self) -> str:
        """Whether steps see some of the patches, or all."""
        return SOME if self.method.seen_patches < 1 and self.clock.progress < SEES_ALL else ALL

    def batches_to_compile(self) -> list[tuple[Tensor, ...]]:
        """Return a batch of which some patches are seen, and one of which all are."""
        clips, *numbers = self.draw(self.clock.step)
        return [(clips, *numbers), (clips,)] if numbers and self.part == SOME else [(clips,)]

    @cached_property
    def background(self) -> Tensor:
        """The still background, uint8 (H, W, 3): the same in every slice."""
        return torch.from_numpy(still_background(self.clips.source.corpus)).to(self.device)

    @property
    def apart(self) -> tuple[str, ...]:
        """The weights of the encoder, where it learns at a rate of its own."""
        if not self.method.encoder_rest and self.method.encoder_rate == 1:
            return ()
        return getattr(self.model, "ENCODER", ())

    def apart_rate(self) -> float:
        """Return the learning rate of the encoder, as a fraction of the decoder's."""
        return 0.0 if self.clock.step < self.method.encoder_rest else self.method.encoder_rate

    def before_fit(self) -> None:
        """Read the background before the clock runs."""
        _ = self.background

    def loss(
        self, frames: Tensor, numbers: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the model's own loss; arguments as `draw` returns them."""
        frames, weights, chosen = to_float(frames), self.pixel_weights, {}
        sees_some = numbers is not None and self.part == SOME
        if self.method.background_weight or sees_some:
            still = to_float(self.background.to(frames.device))
            differs = changed_pixels(still, frames).unsqueeze(2)  # (B, T, 1, H, W)
        if self.method.background_weight:
            extra = 1 + self.method.background_weight * differs.float()
            weights = extra if weights is None else extra * weights
        if sees_some:
            count = math.ceil(self.method.seen_patches * numbers.shape[1])
            chosen["patches"] = draw_patches(differs, count, numbers, self.model.config.patch)
        return self.model.training_loss(frames, self.method, weights, **chosen)

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor]:
        """Measure what comes back of held-out frames; show them above their reconstructions."""
        count = max(1, HELD_OUT_FRAMES // self.clips.length)
        frames = self.clips.held_out(count).to(self.device)
        found, rendered = reconstruct(self.average, frames, self.background)
        self.health = assess_tokenizer(found)
        figures = {
            "held_out_psnr": found.psnr,
            "codes_used_share": found.codes_used,
            "perplexity": found.perplexity,
            "frozen_psnr": found.frozen_psnr,
            "moving_psnr": found.moving_psnr,
            "moving_recall": found.moving_recall,
        }
        pairs = torch.stack((frames[:8, -1], rendered[:8, -1]))  # (2, 8, H, W, 3)
        picture = rearrange(pairs, "row column h w c -> (row h) (column w) c").cpu()
        return {name: value for name, value in figures.items() if value is not None}, picture

    def notice(self) -> str | None:
        """Report the health of the tokenizer at the end of the fit."""
        return self.verdict(self.health)
