"""What the three fits have in common: a learner under Lightning."""

import copy
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from spacetime.seeds import seed_of
from train.data.clips import StepBatches
from train.loop.clock import Clock
from train.loop.optim import MuonAdamW, lr_factor, update_ema
from train.recipe import FitConfig


class Stage(L.LightningModule):
    """A model, its averaged copy, its clock and its data.

    Subclasses say what a batch is (`draw`), what the loss is (`loss`), and how the averaged
    weights do on held-out episodes (`check`).
    """

    def __init__(self, model: nn.Module, fit: FitConfig, clock: Clock, seed: int) -> None:
        """Keep the parts.

        Args:
            model: to be fitted.
            fit: how.
            clock: how far; its `step` and `seconds` come back from a checkpoint.
            seed: of every draw.
        """
        super().__init__()
        self.model = model
        self.average = copy.deepcopy(model).eval().requires_grad_(False)
        self.fit_config, self.clock, self.seed = fit, clock, seed

    def draw(self, step: int) -> tuple[Tensor, ...]:
        """Return the batch of a step; a pure function of the seed and the step."""
        raise NotImplementedError

    def loss(self, *batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and what to log beside it."""
        raise NotImplementedError

    def check(self) -> tuple[dict[str, float], Tensor | None]:
        """Measure the averaged weights on held-out episodes.

        Returns:
            Figures for the log, and a picture uint8 (H, W, 3) or None.
        """
        raise NotImplementedError

    def rate_progress(self) -> float:
        """Return how far the schedule of the learning rate is, 0 to 1; a fit in parts has more."""
        return self.clock.progress

    def parts_to_compile(self) -> tuple[nn.Module, ...]:
        """Return the parts of the model that the loss calls with one shape at every step."""
        return ()

    def compile_model(self) -> None:
        """Compile those parts, and run them once both ways so that the clock does not count it."""
        parts = self.parts_to_compile()
        for part in parts:
            part.compile()
        if parts:
            batch = [tensor.to(self.device) for tensor in self.draw(self.clock.step)]
            self.loss(*batch)[0].backward()
            self.zero_grad(set_to_none=True)

    def complete(self) -> None:  # noqa: B027
        """Do what the fit must not end without; the first callback calls this at its end."""

    def notice(self) -> str | None:
        """Return what the user should know now, after a check; None: nothing."""
        return None

    def configure_optimizers(self) -> MuonAdamW:
        """Build the optimizer; Lightning calls this."""
        return MuonAdamW(self.model, self.fit_config)

    def train_dataloader(self) -> DataLoader:
        """Stream batches from the clock's step on; Lightning calls this."""
        return DataLoader(StepBatches(self._pinned_draw, self.clock.step), batch_size=None)

    def _pinned_draw(self, step: int) -> tuple[Tensor, ...]:
        """Draw a batch that can go to a GPU without making the processor wait for it."""
        batch = self.draw(step)
        if self.device.type != "cuda":
            return batch
        return tuple(part if part.is_cuda else part.pin_memory() for part in batch)

    def on_train_start(self) -> None:
        """Begin the slice."""
        self.clock.start()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate from progress, and every draw of the step from seed and step."""
        self.optimizers().optimizer.scale_lr(lr_factor(self.rate_progress(), self.fit_config))
        torch.manual_seed(seed_of(self.seed, self.clock.step))

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> dict[str, Any]:
        """Return the loss; Lightning does the rest."""
        loss, logs = self.loss(*batch)
        return {"loss": loss, "logs": logs}

    def advance(self) -> None:
        """Count a finished step and average the weights; the first callback calls this.

        Not a hook of the module: those run after the callbacks, which would save a clock that is
        one step behind the optimizer.
        """
        self.clock.step += 1
        update_ema(self.average, self.model, self.fit_config.ema, self.clock.step)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the clock travel with the weights."""
        checkpoint["clock"] = {"step": self.clock.step, "seconds": self.clock.spent}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the clock back."""
        self.clock.step = checkpoint["clock"]["step"]
        self.clock.seconds = checkpoint["clock"]["seconds"]
