"""How many steps a fit's time gives on this machine, and whether they are enough to judge."""

import math
import time

import torch
from torch import Tensor

from train.loop.clock import Clock

TIMED_STEPS = 10
TIMED_SECONDS = 10.0
"""Slow steps are not waited for: two that take longer than this together will do."""
FEW_SHARE = 0.05
"""Of the recipe's steps: before that a verdict judges the start of the fit, not the method."""
ENOUGH_SHARE = 0.25


class Forecast:
    """Times the first steps of a slice and then says, once, how far the fit will get."""

    def __init__(self, name: str) -> None:
        """Speak of the stage `name`."""
        self.name, self.began, self.first = name, 0.0, -1

    def line(self, clock: Clock, loss: Tensor) -> str | None:
        """Return the message after a step, or None."""
        if self.first is None or clock.finished:
            return None
        if self.first < 0:
            # The first step warms up: it is not timed.
            self.first, self.began = clock.step, _now(loss)
            return None
        timed = clock.step - self.first
        slow = timed >= 2 and time.monotonic() - self.began >= TIMED_SECONDS
        if timed < TIMED_STEPS and not slow:
            return None
        seconds = (_now(loss) - self.began) / timed
        self.first = None
        return forecast(self.name, clock, seconds)


def forecast(name: str, clock: Clock, seconds: float) -> str:
    """Say how many steps a fit's time gives, or how long its steps take.

    Args:
        name: of the stage.
        clock: of the fit.
        seconds: of one step here.
    """
    total = clock.total_steps
    if clock.total_seconds is None:
        minutes = (total - clock.step) * seconds / 60
        return f"{name}: {total - clock.step:,} steps, about {minutes:.3g} minutes here"
    steps = clock.step + max(0.0, clock.total_seconds - clock.spent) / seconds
    return (
        f"{name}: {clock.total_seconds / 60:.3g} minutes, about {_round(steps):,} steps here; the "
        f"recipe's schedule is {total:,}"
    )


def too_few_steps(step: int, total: int, seconds: float) -> str | None:
    """Say that a fit had too few steps to be judged; None if it had enough.

    Args:
        step: steps done.
        total: steps of the recipe.
        seconds: what they took.
    """
    if not 0 < step < FEW_SHARE * total:
        return None
    minutes = math.ceil(seconds / 60 * ENOUGH_SHARE * total / step)
    return (
        f"after {step:,} of {total:,} steps: too few to judge; train longer (--resume --minutes "
        f"{minutes} for this stage)"
    )


def _now(loss: Tensor) -> float:
    """Return the time at which a GPU has finished the step, too."""
    if loss.is_cuda:
        torch.cuda.synchronize(loss.device)
    return time.monotonic()


def _round(steps: float) -> int:
    """Return a number of steps to two digits."""
    digits = max(0, len(str(int(steps))) - 2)
    return int(round(steps, -digits))
