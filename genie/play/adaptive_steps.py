"""How many refinement steps a frame may take, so that play keeps its pace."""

from __future__ import annotations

from dataclasses import dataclass

_SMOOTHING = 0.15  # weight of the newest frame in the smoothed times
_FIRST_FRAMES = 8  # frames that are measured before anything is changed
_PATIENCE = 12  # frames in a row that have to allow one step more
_BUDGET = 0.92  # fraction of a frame's time that play may fill before a step is taken away
_BUDGET_FOR_MORE = 0.82  # fraction that it may fill with one step more
_TOO_SLOW = 0.9  # fraction of the wanted rate below which the window warns


@dataclass(frozen=True, kw_only=True)
class FrameTime:
    """What one frame took, in seconds."""

    model: float  # sampling its tokens and committing them
    decode: float  # tokens to pixels
    draw: float  # painting the window


class AdaptiveSteps:
    """Lowers the refinement steps where a machine is too slow, and raises them again.

    A frame of M steps is M drafts and one commit, all over the same tokens, so its time is taken
    to be (M + 1) units and a rest that does not depend on M.

    Attributes:
        wanted: steps where there is time enough, 1 or more.
        steps: steps of the next frame, 1 … wanted.
        times: smoothed times of a frame, or None before the first.
        active: whether it may change the steps.
    """

    def __init__(self, wanted: int, active: bool = True) -> None:
        """Begin with the wanted steps."""
        self.wanted = self.steps = self._given = wanted
        self.active = active
        self.times: FrameTime | None = None
        self._unit = 0.0  # smoothed seconds of one draft
        self._measured = 0  # frames since the start or the last change
        self._roomy = 0  # frames in a row that left room for one step more

    def fix(self, steps: int) -> None:
        """Take so many steps from here on, whatever the machine's speed."""
        self.wanted = self.steps = steps
        self.active = False
        self._measured = self._roomy = 0

    def follow_speed(self) -> None:
        """Choose the steps by the machine's speed again, up to those of the beginning."""
        self.wanted = self.steps = self._given
        self.active = True
        self._measured = self._roomy = 0

    def note(self, taken: FrameTime, fps: float) -> int:
        """Measure a frame that should come `fps` times a second; returns the next frame's steps."""
        unit = taken.model / (self.steps + 1)
        self._measured += 1
        if self.times is None:
            self.times, self._unit = taken, unit
        weight = max(_SMOOTHING, 1 / self._measured)
        self.times = FrameTime(
            model=_toward(self.times.model, taken.model, weight),
            decode=_toward(self.times.decode, taken.decode, weight),
            draw=_toward(self.times.draw, taken.draw, weight),
        )
        self._unit = _toward(self._unit, unit, weight)
        if self.active and self._measured >= _FIRST_FRAMES:
            self._choose(1 / fps)
        return self.steps

    def seconds_with(self, steps: int) -> float:
        """Return how long a frame of so many steps is expected to take."""
        if self.times is None:
            return 0.0
        return self._unit * (steps + 1) + self.times.decode + self.times.draw

    def too_slow(self, fps: float) -> bool:
        """Tell whether the wanted rate is out of reach even with the steps chosen."""
        if self.times is None or self._measured < _FIRST_FRAMES:
            return False
        return self.seconds_with(self.steps) * fps > 1 / _TOO_SLOW

    def _choose(self, frame_seconds: float) -> None:
        """Take away all steps that do not fit at once; add one after `_PATIENCE` frames."""
        budget = _BUDGET * frame_seconds
        if self.seconds_with(self.steps) > budget and self.steps > 1:
            fewer = range(1, self.steps)
            self._set(max((m for m in fewer if self.seconds_with(m) <= budget), default=1))
            return
        more = self.steps + 1
        room = more <= self.wanted and self.seconds_with(more) <= _BUDGET_FOR_MORE * frame_seconds
        self._roomy = self._roomy + 1 if room else 0
        if self._roomy >= _PATIENCE:
            self._set(more)

    def _set(self, steps: int) -> None:
        self.steps, self._roomy, self._measured = steps, 0, _FIRST_FRAMES // 2


def _toward(old: float, new: float, weight: float) -> float:
    return old + weight * (new - old)
