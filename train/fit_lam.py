"""Fitting an action model: continuous latents first, then clustered, then quantized."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lam.health.assessment import ActionHealth, assess_health
from lam.health.measures import one_step
from lam.health.pictures import code_grid
from lam.losses import LatentActionMethod
from spacetime.pixels import changed_pixels
from spacetime.ranks import gather_rows, take_from_first
from train.data.clips import FrameClips, to_float
from train.data.frames import Frames
from train.health.action_health import measure_codes
from train.loop.module import FitModule, FitPlan
from train.loop.optim import update_ema

HELD_OUT_PAIRS = 512
PICTURE_PROMPTS = 6


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a method found out about a corpus before the fit.

    Attributes:
        residual: float (H, W), how often each pixel shows the player; the tokenizer and the
            dynamics weigh it. None: the method looks for no player.
        values: of the model's configuration.
        player: what else the method found, of a type of its own.
    """

    residual: Tensor | None = None
    values: dict[str, Any] = field(default_factory=dict)
    player: Any = None


class ActionModule(FitModule):
    """An action model with a loss of its own, on clips of frames.

    Attributes:
        found: what `survey` returned; set before the fit.
    """

    found = Survey()

    def __init__(self, model: nn.Module, plan: FitPlan, clips: FrameClips) -> None:
        """Build the module; `clips` are the training frames, two or more a clip."""
        super().__init__(model, plan)
        self.clips = clips
        self.health: ActionHealth | None = None

    @classmethod
    def survey(cls, frames: Frames, seed: int, method: Any, values: Mapping[str, Any]) -> Survey:
        """Look at the corpus before anything is fitted; `values` are the recipe's for the model."""
        return Survey()

    @classmethod
    def placeholder_values(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values beside the recipe's that are as large as any that `survey` may find."""
        return {}

    def draw(self, step: int) -> tuple[Tensor, ...]:
        """Return clips uint8 (B, T, H, W, 3)."""
        return (self.clips.batch(self.fit_config.batch, self.seed, step),)

    def loss(self, frames: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the model's own loss."""
        return self.model.training_loss(to_float(frames), self.method)

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor | None]:
        """Measure one-step ΔPSNR and the use of the codes on held-out pairs."""
        frames = to_float(self.clips.held_out(HELD_OUT_PAIRS)[:, :2].to(self.device))
        use, step = measure_codes(self.average, frames, self.held_out_actions(frames))
        self.health, self.extra["delta_psnr"] = assess_health(use, step), step.delta_psnr
        figures = {
            "frozen_psnr": step.frozen_psnr,
            "psnr_1": step.inferred_psnr,
            "delta_psnr_1": step.delta_psnr,
            "nearer_next": step.nearer_next,
            "rarest_code_share": min(use.shares),
            "perplexity": use.perplexity,
        }
        prompts = frames[:PICTURE_PROMPTS, 0]
        by_code = [
            self.average.predict(prompts, torch.full((len(prompts),), code, device=self.device))
            for code in range(self.model.config.num_actions)
        ]
        return figures, code_grid(prompts, torch.stack(by_code))

    def held_out_actions(self, frames: Tensor) -> Tensor:
        """Infer the actions of held-out pairs (P, 2, 3, H, W), int64 (P,)."""
        return self.average.infer(frames)[:, 0]

    def notice(self) -> str | None:
        """Report the health of the codes at the end of the fit."""
        return self.verdict(self.health)

    def criterion(self) -> float | None:
        """One-step ΔPSNR on held-out pairs, in dB."""
        return self.extra.get("delta_psnr")


class LatentActionModule(ActionModule):
    """The latent action model."""

    METHOD = LatentActionMethod
    _has_codes: bool | None = None
    """None until the first step. From then on the model is not asked: a GPU would have to wait."""

    def __init__(self, model: nn.Module, plan: FitPlan, clips: FrameClips) -> None:
        """Build the module; `clips` are the training frames, two or more a clip."""
        super().__init__(model, plan, clips)
        self.model.quantizer.tune(
            decay=self.method.code_decay, commitment=self.method.commitment,
            dead_fraction=self.method.dead_fraction,
        )  # fmt: skip

    @property
    def part(self) -> bool:
        """Whether there are codes: until then, a step learns something else."""
        return bool(self._has_codes)

    def loss(self, frames: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the model's own loss, and count the dead codes that it replaced."""
        before = self.model.quantizer.revived
        loss = super().loss(frames)
        self.extra["codes_revived"] = self.codes_revived + self.model.quantizer.revived - before
        return loss

    @property
    def codes_revived(self) -> int:
        """How many dead codes were replaced, in all slices."""
        return self.extra.get("codes_revived", 0)

    def before_step(self) -> None:
        """Make codes once the continuous part is over."""
        if self._has_codes is None:
            self._has_codes = bool(self.model.quantized)
        if not self._has_codes and self.clock.progress >= self.method.quantize_at:
            self._share_codes()

    def complete(self) -> None:
        """Make codes if the last step of a very short fit skipped the time to make them."""
        if not self.model.quantized:
            self._share_codes()
            # Of so few steps, no average is worth keeping.
            update_ema(self.average, self.model, 0.0, self.clock.step)

    def _share_codes(self) -> None:
        """Make codes, the same for all processes that train together."""
        self.start_codes()
        take_from_first(list(self.state_dict().values()))
        self._has_codes = True

    @torch.no_grad()
    def start_codes(self) -> None:
        """Cluster the latents of a fixed draw of pairs, so that a resumed fit does the same."""
        latents, moving = [], []
        for batch in range(self.method.kmeans_batches):
            frames = to_float(self.draw(self.clock.step + batch)[0].to(self.device))
            before, after = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
            latents.append(gather_rows(self.model.encoder(before, after).float()))
            changed = changed_pixels(before, after)  # (B, H, W)
            moves = changed.float().mean(dim=(1, 2)) > self.method.moving_fraction
            moving.append(gather_rows(moves))
        latents, moving = torch.cat(latents), torch.cat(moving)
        # Most pairs stand still, and k-means would spend several codes on them: keep as many as
        # one code has on average.
        room = int(moving.sum()) // (self.model.config.num_actions - 1)
        still = latents[~moving][: max(room, self.model.config.num_actions)]
        self.model.start_codes(torch.cat((latents[moving], still)))

    @torch.no_grad()
    def check(self) -> tuple[dict[str, float], Tensor | None]:
        """Measure the continuous latents while there are no codes, then the codes."""
        if self.average.quantized:
            figures, picture = super().check()
            return figures | {"codes_revived": self.codes_revived}, picture
        frames = to_float(self.clips.held_out(HELD_OUT_PAIRS)[:, :2].to(self.device))
        before, after = frames[:, 0], frames[:, 1]
        latents = self.average.encoder(before, after)
        step = one_step(before, after, self.average.decoder(before, latents), before)
        return {"frozen_psnr": step.frozen_psnr, "continuous_psnr": step.inferred_psnr}, None

    def notice(self) -> str | None:
        """Report dead codes, and at the end of the fit the health of the codes."""
        if health := super().notice():
            return health
        new = self.codes_revived - self.extra.get("codes_reported", 0)
        self.extra["codes_reported"] = self.codes_revived
        return f"{new} dead codes were replaced by live latents" if new else None
