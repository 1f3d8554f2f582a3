"""Fitting the latent action model: continuous, then k-means, then quantized."""

import torch
from einops import rearrange
from torch import Tensor

from lam.losses import prediction_loss
from lam.model import LatentActionModel
from train.clock import Clock
from train.data import FrameClips, to_bytes, to_float
from train.recipe import FitConfig
from train.stage import Stage

QUANTIZE_AT = 0.5
"""Share of the fit after which codes are made of the continuous latents."""
KMEANS_BATCHES = 60
MOVING_SHARE = 0.02
"""A pair moves if more than this share of its pixels changes."""
HELD_OUT_PAIRS = 512


class LatentActionStage(Stage):
    """The latent action model on pairs of frames."""

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

    def draw(self, step: int) -> tuple[Tensor]:
        """Return clips uint8 (B, T, H, W, 3)."""
        return (self.clips.batch(self.fit_config.batch, self.seed, step),)

    def on_train_batch_start(self, batch: Tensor, batch_idx: int) -> None:
        """Make codes once the continuous stage is over."""
        super().on_train_batch_start(batch, batch_idx)
        if self.clock.progress >= QUANTIZE_AT and not self.model.quantized:
            self.start_codes()

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
            changed = (after - before).abs().amax(dim=1) > 8 / 255  # (B, H, W)
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
        frozen = _psnr(before, after)
        if not self.average.quantized:
            latents = self.average.encoder(before, after)
            continuous = _psnr(self.average.decoder(before, latents).clamp(0, 1), after)
            return {"frozen_psnr": frozen, "continuous_psnr": continuous}, None
        actions = self.average.infer(frames)[:, 0]
        count = self.model.config.num_actions
        generator = torch.Generator().manual_seed(0)
        chance = torch.randint(count, (len(actions),), generator=generator).to(self.device)
        predicted = _psnr(self.average.predict(before, actions), after)
        share = torch.bincount(actions, minlength=count).float() / len(actions)
        figures = {
            "frozen_psnr": frozen,
            "psnr_1": predicted,
            "delta_psnr_1": predicted - _psnr(self.average.predict(before, chance), after),
            "rarest_code_share": float(share.min()),
            "perplexity": float((-(share * share.clamp_min(1e-12).log()).sum()).exp()),
        }
        return figures, self._picture(before[:8])

    def _pairs(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Turn clips into pairs of neighbours, each float32 (B·(T−1), 3, H, W)."""
        frames = to_float(frames)
        return frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)

    def _picture(self, prompts: Tensor) -> Tensor:
        """Show what each code does: the prompts on top, one row a code below."""
        rows = [prompts]
        for code in range(self.model.config.num_actions):
            action = torch.full((len(prompts),), code, device=self.device)
            rows.append(self.average.predict(prompts, action))
        grid = to_bytes(torch.stack(rows))  # (A+1, 8, H, W, 3)
        return rearrange(grid, "row column h w c -> (row h) (column w) c").cpu()


def _psnr(predicted: Tensor, target: Tensor) -> float:
    """PSNR of a set of frames in [0, 1], rounded to bytes, in dB."""
    error = (to_bytes(predicted).float() - to_bytes(target).float()).div(255).square().mean()
    return float(-10 * error.clamp_min(1e-10).log10())
