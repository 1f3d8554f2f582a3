"""What the three fits have in common: a model, its averaged copy, its clock and its data."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genie.device import device_of
from train.loop.clock import Clock
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

    Subclasses say what a batch is (`draw`), what the loss is (`loss`), and how the averaged
    weights do on held-out episodes (`check`).

    Attributes:
        extra: figures that travel with the checkpoint.
        METHOD: class of the method's numbers, a frozen dataclass; None: the method has none.
    """

    METHOD: type | None = None

    def __init__(self, model: nn.Module, plan: FitPlan) -> None:
        """Keep the parts."""
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
        """Return how far the schedule of the learning rate is, 0 to 1."""
        return self.clock.progress

    def before_fit(self) -> None:  # noqa: B027
        """Prepare on the device what the clock does not count."""

    def before_step(self) -> None:  # noqa: B027
        """Do what is due between two steps; every draw of the step is seeded already."""

    def complete(self) -> None:  # noqa: B027
        """Do what the fit must not end without; called once at its end."""

    def notice(self) -> str | None:
        """Return what the user should know now, after a check; None: nothing."""
        return None

    def criterion(self) -> float | None:
        """Return what fits of several seeds are compared by, higher is better; None: nothing."""
        return None

    def compile_model(self) -> None:
        """Compile the model's parts, and run them once both ways so that no clock counts it."""
        parts = getattr(self.model, "parts_to_compile", tuple)()
        for part in parts:
            part.compile()
        if parts:
            batch = [tensor.to(self.device) for tensor in self.draw(self.clock.step)]
            self.loss(*batch)[0].backward()
            self.zero_grad(set_to_none=True)
