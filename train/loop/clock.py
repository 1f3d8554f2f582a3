"""Progress of a fit, in seconds or in steps."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Clock:
    """Progress of one fit, over all its slices.

    Only `seconds` and `step` live in the checkpoint: the total may be given anew with each slice.

    Attributes:
        total_steps: length of the fit when it is counted in steps.
        total_seconds: length of the fit when it is counted in time; None counts steps.
        slice_seconds: when this slice ends, counted from the making of this clock, so that
            compiling is within it; None: at the end of the fit.
        step: steps done.
        seconds: seconds spent in earlier slices.
        interrupted: set it to end the slice after the step in progress.
    """

    total_steps: int
    total_seconds: float | None = None
    slice_seconds: float | None = None
    step: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    _made: float = field(default_factory=lambda: time.monotonic())
    _started: float | None = None
    _now: float = 0.0
    _zero: float = 0.0

    def start(self) -> None:
        """Begin a slice."""
        self.read()
        self._started = self._now

    def read(self) -> None:
        """Read the time, once a step: within a step it stands still."""
        self._now = time.monotonic() - self._zero

    def follow(self, spent: float, age: float) -> None:
        """Go by the clock of another process, which has its own zero.

        Args:
            spent: its seconds of this slice.
            age: its seconds since it was made.
        """
        # As of the last `read`: waiting for the other processes since then counts.
        self._zero += self._now - spent
        self._started, self._now, self._made = 0.0, spent, spent - age

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Exclude what is done inside from the fit's time, though not from the slice's."""
        began = time.monotonic()
        yield
        if self._started is not None:
            self._started += time.monotonic() - began
        self.read()

    @property
    def slice_spent(self) -> float:
        """Seconds of this slice, up to the last `read`."""
        return 0.0 if self._started is None else self._now - self._started

    @property
    def age(self) -> float:
        """Seconds since this clock was made, up to the last `read`."""
        return self._now - self._made

    @property
    def spent(self) -> float:
        """Seconds of all slices."""
        return self.seconds + self.slice_spent

    @property
    def progress(self) -> float:
        """Fraction of the fit that is done, 0 to 1."""
        if self.total_seconds is None:
            return min(1.0, self.step / self.total_steps)
        return min(1.0, self.spent / self.total_seconds)

    @property
    def finished(self) -> bool:
        """Whether the fit is at its end."""
        return self.progress >= 1.0

    @property
    def slice_over(self) -> bool:
        """Whether this slice is at its end."""
        over = self.slice_seconds is not None and self.age >= self.slice_seconds
        return over or self.finished or self.interrupted

    def seconds_to_fit(self) -> float:
        """Seconds that this slice has at most, before it starts; infinite if nothing ends it."""
        fit = math.inf if self.total_seconds is None else self.total_seconds - self.seconds
        return fit if self.slice_seconds is None else min(fit, self.slice_seconds)

    def seconds_left(self) -> float | None:
        """Seconds to the end of the fit at the present speed; None before there is one."""
        progress = self.progress
        if self.total_seconds is not None:
            return max(0.0, self.total_seconds - self.spent)
        return self.spent * (1 - progress) / progress if progress > 0 else None
