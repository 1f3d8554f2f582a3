"""Fitting the latent action model: continuous, then k-means, then quantized."""

import torch
from torch import Tensor

from lam.health.measures import one_step
from lam.health.pictures import code_grid
from lam.health.verdict import Verdict, judge
from lam.losses import prediction_loss
from lam.model import LatentActionModel
from spacetime.pixels import changed_pixels
from train.action_health import examine
from train.data.clips import FrameClips, to_float
from train.loop.clock import Clock
from train.loop.module import Stage
from train.loop.optim import update_ema
from train.recipe import FitConfig

KMEANS_BATCHES = 120
MOVING_SHARE = 0.02
"""A pair moves if more than this share of its pixels changes."""
HELD_OUT_PAIRS = 512
PICTURE_PROMPTS = 6


class LatentActionStage(Stage):
    """The latent action model on pairs of frames."""

    quantize_at = 0.6
    """Share of the fit after which codes are made of the continuous latents."""

    def __init__(
        self,
        model: LatentActionModel,
        fit: FitConfig,
        clock: Clock,
        seed: int,
        clips: FrameClips,
    ) -> None:
        """Keep the parts; `clips` are the frames to learn from, two or more at a time."""
        super().__init__(model, fit, clock, seed)
        self.clips = clips
        self.verdict: Verdict | None = None
        self.told = 0

    def draw(self, step: int) -> tuple[Tensor]:
        """Return clips uint8 (B, T, H, W, 3)."""
        return (self.clips.batch(self.fit_config.batch, self.seed, step),)

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        """Make codes once the continuous stage is over."""
        super().on_train_batch_start(batch, batch_idx)
        if self.clock.progress >= self.quantize_at and not self.model.quantized:
            self.start_codes()

    def complete(self) -> None:
        """Make codes if the last step of a very short fit led past the point where they are made.

        The averaged model is set to the fitted one then: few steps have no average worth keeping.
        """
        if not self.model.quantized:
            self.start_codes()
            update_ema(self.average, self.model, 0.0, self.clock.step)

    @torch.no_grad()
    def start_codes(self) -> None:
        """Cluster the latents of a fixed draw of pairs, so that a resumed fit does the same.

        Most pairs of a game stand still, and k-means would spend several codes on nothing: still
        pairs get the room of one code.
        """
        latents, moving = [], []
        for batch in range(KMEANS_BATCHES):
            (frames,) = self.draw(self.clock.step + batch)
            before, after = self._pairs(frames.to(self.device))
            latents.append(self.model.encoder(before, after).float())
            changed = changed_pixels(before, after)  # (B, H, W)
            moving.append(changed.float().mean(dim=(1, 2)) > MOVING_SHARE)
        latents, moving = torch.cat(latents), torch.cat(moving)
        room = int(moving.sum()) // (self.model.config.num_actions - 1)
        still = latents[~moving][: max(room, self.model.config.num_actions)]
        self.model.start_codes(torch.cat((latents[moving], still)))

    def loss(self, frames: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted squared error of the predicted next frame."""
        before, after = self._pairs(frames)
        predicted, _, extra = self.model.reconstruct(before, after)
        loss = prediction_loss(before, after, predicted)
        return loss + extra, {"prediction": loss.detach(), "extra": extra.detach()}

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor | None]:
        """One-step ΔPSNR and the share of every code on held-out pairs, with a picture."""
        frames = to_float(self.clips.held_out(HELD_OUT_PAIRS)[:, :2].to(self.device))
        before, after = frames[:, 0], frames[:, 1]
        if not self.average.quantized:
            latents = self.average.encoder(before, after)
            step = one_step(before, after, self.average.decoder(before, latents), before)
            return {"frozen_psnr": step.frozen_psnr, "continuous_psnr": step.inferred_psnr}, None
        count = self.model.config.num_actions
        use, step = examine(self.average, frames)
        self.verdict = judge(use, step)
        figures = {
            "frozen_psnr": step.frozen_psnr,
            "psnr_1": step.inferred_psnr,
            "delta_psnr_1": step.delta_psnr,
            "nearer_next": step.nearer_next,
            "rarest_code_share": min(use.shares),
            "perplexity": use.perplexity,
            "codes_revived": self.model.quantizer.revived,
        }
        prompts = before[:PICTURE_PROMPTS]
        by_code = [
            self.average.predict(prompts, torch.full((len(prompts),), code, device=self.device))
            for code in range(count)
        ]
        return figures, code_grid(prompts, torch.stack(by_code))

    def notice(self) -> str | None:
        """Say that codes died, or at the end of the fit how healthy the model is."""
        if self.clock.finished and self.verdict is not None:
            return str(self.verdict)
        revived = self.model.quantizer.revived
        new, self.told = revived - self.told, revived
        return f"{new} dead codes were replaced by live latents" if new else None

    def _pairs(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Turn clips into pairs of neighbours, each float32 (B·(T−1), 3, H, W)."""
        frames = to_float(frames)
        return frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
