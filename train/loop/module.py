"""What the fits share: a model, its averaged copy, its clock and its data."""

import copy
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from genie.device import device_of
from train.loop.clock import Clock
from train.loop.forecast import too_few_steps
from train.recipe import FitConfig


@dataclass(frozen=True, kw_only=True)
class FitPlan:
    """How a model is fitted, and how far.

    Attributes:
        fit: batch, steps and learning rates.
        method: the numbers of the method, of the class that the module names as `METHOD`.
        clock: how far; its `step` and `seconds` come back from a checkpoint.
        seed: of every draw.
    """

    fit: FitConfig
    clock: Clock
    seed: int
    method: Any = None


class FitModule(nn.Module):
    """A model that is being fitted.

    Subclasses define a batch (`draw`), its loss (`loss`), and what is measured of the averaged
    weights on held-out episodes (`check`).

    Attributes:
        extra: figures that travel with the checkpoint.
        METHOD: class of the method's numbers, a frozen dataclass; None: the method has none.
        SHARDED: whether a fully sharded fit may shard the model: `loss` runs it only by its
            forward or `training_loss`.
    """

    METHOD: type | None = None
    SHARDED = False

    def __init__(self, model: nn.Module, plan: FitPlan) -> None:
        """Build the module of `model`, with its averaged copy."""
        super().__init__()
        self.model = model
        self.average = copy.deepcopy(model).eval().requires_grad_(False)
        self.fit_config, self.clock, self.seed = plan.fit, plan.clock, plan.seed
        self.extra: dict[str, float] = {}
        self.method = plan.method
        if self.method is None and self.METHOD is not None:
            self.method = self.METHOD()

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return device_of(self.model)

    @property
    def is_sharded(self) -> bool:
        """Whether this process has only a part of each of the model's weights."""
        return any(isinstance(weight, DTensor) for weight in self.model.parameters())

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

    def forward(self, *batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return `loss`; called through the precision of the fit."""
        return self.loss(*batch)

    def rate_progress(self) -> float:
        """Return the progress of the learning rate's schedule, 0 to 1."""
        return self.clock.progress

    @property
    def part(self) -> object:
        """The part of the fit that this is, whose steps are of one size."""
        return None

    @property
    def apart(self) -> tuple[str, ...]:
        """How the names of weights begin that have a learning rate of their own."""
        return ()

    def apart_rate(self) -> float:
        """Return the learning rate of the weights that are apart, as a fraction of the others'."""
        return 1.0

    def before_resume(self, names: Collection[str]) -> None:  # noqa: B027
        """Prepare for a checkpoint whose state has these names: an earlier version's may differ."""

    def before_fit(self) -> None:  # noqa: B027
        """Prepare on the device; the clock does not count it."""

    def before_step(self) -> None:  # noqa: B027
        """Called before each step, once its draws are seeded."""

    def complete(self) -> None:  # noqa: B027
        """Called once at the end of the fit."""

    def notice(self) -> str | None:
        """Return a message for the user after a check, or None."""
        return None

    def exported(self) -> nn.Module:
        """Return the model that is written when the fit is over."""
        return self.average

    def verdict(self, health: object | None) -> str | None:
        """Return what a finished fit says of its health, after how little it is based on."""
        if not self.clock.finished or health is None:
            return None
        few = too_few_steps(self.clock.step, self.clock.total_steps, self.clock.spent)
        return f"{few}\n{health}" if few else str(health)

    def criterion(self) -> float | None:
        """Return the figure by which seeds are compared, higher is better, or None."""
        return None

    def batches_to_compile(self) -> list[tuple[Tensor, ...]]:
        """Return batches as `loss` takes them, one of each size that a step may have."""
        return [self.draw(self.clock.step)]

    def compile_model(self) -> None:
        """Compile the model's parts, and run them once both ways so that no clock counts it."""
        parts = getattr(self.model, "parts_to_compile", tuple)()
        for part in parts:
            part.compile(dynamic=False)  # code for any size would be slower
        for batch in self.batches_to_compile() if parts else ():
            self.loss(*(tensor.to(self.device) for tensor in batch))[0].backward()
            self.zero_grad(set_to_none=True)
