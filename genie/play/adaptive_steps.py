"""How many refinement steps a frame may take, so that play keeps its pace."""

from __future__ import annotations

from dataclasses import dataclass

_SMOOTHING = 0.15
_SETTLE = 8  # frames that are measured before anything is changed
_PATIENCE = 12  # frames in a row that have to allow one step more
_ROOM = 0.92  # share of a frame's time that play may fill before a step is taken away
_ROOM_FOR_MORE = 0.82
_TOO_SLOW = 0.9  # of the wanted rate: below it, the player is told


@dataclass(frozen=True, kw_only=True)
class FrameTime:
    """What one frame took, in seconds.

    Attributes:
        model: drawing its tokens and committing them.
        decode: tokens to pixels.
        draw: painting the window.
    """

    model: float
    decode: float
    draw: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.model + self.decode + self.draw


class AdaptiveSteps:
    """Lowers the refinement steps where a machine is too slow, and raises them again.

    A frame of M steps is M drafts and one commit, all over the same tokens, so its time is taken
    to be (M + 1) units and a rest that does not depend on M.

    Attributes:
        wanted: steps where there is time enough, 1 or more.
        steps: steps of the next frame, 1 … wanted.
        times: smoothed times of a frame, or None before the first.
        active: whether it may change the steps.

    Source: our choice.
    """

    def __init__(self, wanted: int, active: bool = True) -> None:
        """Begin with the wanted steps."""
        self.wanted = self.steps = wanted
        self.active = active
        self.times: FrameTime | None = None
        self._unit = 0.0
        self._measured = 0
        self._easy = 0

    def want(self, steps: int) -> None:
        """Change the wanted steps, and begin with them."""
        self.wanted = self.steps = steps
        self._measured = self._easy = 0

    def note(self, taken: FrameTime, fps: float) -> int:
        """Take notice of a frame and choose the steps of the next.

        Args:
            taken: its times.
            fps: the wanted rate.

        Returns:
            `steps`.
        """
        unit = taken.model / (self.steps + 1)
        self._measured += 1
        if self.times is None:
            self.times, self._unit = taken, unit
        share = max(_SMOOTHING, 1 / self._measured)
        self.times = FrameTime(
            model=_toward(self.times.model, taken.model, share),
            decode=_toward(self.times.decode, taken.decode, share),
            draw=_toward(self.times.draw, taken.draw, share),
        )
        self._unit = _toward(self._unit, unit, share)
        if self.active and self._measured >= _SETTLE:
            self._choose(1 / fps)
        return self.steps

    def seconds_with(self, steps: int) -> float:
        """Return how long a frame of so many steps is expected to take."""
        if self.times is None:
            return 0.0
        return self._unit * (steps + 1) + self.times.decode + self.times.draw

    def too_slow(self, fps: float) -> bool:
        """Tell whether the wanted rate is out of reach even with the steps chosen."""
        if self.times is None or self._measured < _SETTLE:
            return False
        return self.seconds_with(self.steps) * fps > 1 / _TOO_SLOW

    def _choose(self, budget: float) -> None:
        if self.seconds_with(self.steps) > _ROOM * budget and self.steps > 1:
            fitting = [
                steps
                for steps in range(1, self.steps)
                if self.seconds_with(steps) <= _ROOM * budget
            ]
            self._set(max(fitting, default=1))
            return
        more = self.steps < self.wanted
        easy = more and self.seconds_with(self.steps + 1) <= _ROOM_FOR_MORE * budget
        self._easy = self._easy + 1 if easy else 0
        if self._easy >= _PATIENCE:
            self._set(self.steps + 1)

    def _set(self, steps: int) -> None:
        self.steps, self._easy, self._measured = steps, 0, _SETTLE // 2


def _toward(old: float, new: float, share: float) -> float:
    return old + share * (new - old)
