"""Sizes of the model that reads actions off the steps of a camera."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lam.config import LatentActionConfig


@dataclass(frozen=True, kw_only=True)
class CameraStepsConfig(LatentActionConfig):
    """Sizes of the model, and the numbers by which it reads actions.

    Attributes:
        steps: (dy, dx) in pixels that the camera moves by under each action but the first, which
            moves nothing; empty: not found yet.
        view: top, left, height and width in pixels of what moves with the camera; the player stands
            in its middle.
        near: cells around the player in which one sees what is in its way.
        least_explained: a step explains a transition if it removes this fraction of the changed
            pixels or more.
        blocked_below: a step is blocked where its chance is less than this fraction of its usual
            one.
    """

    steps: tuple[tuple[int, int], ...] = ()
    view: tuple[int, int, int, int] = (0, 0, 0, 0)
    near: int = 2
    least_explained: float = 0.4
    blocked_below: float = 0.1

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        super().__post_init__()
        # json knows no tuples
        object.__setattr__(self, "steps", tuple(tuple(step) for step in self.steps))
        object.__setattr__(self, "view", tuple(self.view))
        top, left, height, width = self.view
        if min(self.view) < 0 or top + height > self.height or left + width > self.width:
            raise ValueError(
                f"the view {self.view} does not lie in frames of {self.height}x{self.width}: give "
                "top, left, height and width in pixels"
            )
        if len(self.steps) >= self.num_actions:
            raise ValueError(
                f"{len(self.steps)} steps and standing still are more than {self.num_actions} "
                "actions"
            )
        if any(not 0 < max(map(abs, step)) < min(height, width) for step in self.steps):
            raise ValueError(
                f"a step of {self.steps} is none, or leads out of the view {self.view}"
            )
        if not (0 < self.least_explained < 1 and 0 < self.blocked_below < 1 and self.near >= 1):
            raise ValueError(
                "least_explained and blocked_below must lie between 0 and 1, near be 1 or more, "
                f"got {self.least_explained}, {self.blocked_below} and {self.near}"
            )

    @property
    def cell(self) -> tuple[int, int]:
        """Height and width of what one step goes over, in pixels."""
        longest = max((abs(side) for step in self.steps for side in step), default=1)
        sides = [max((abs(step[axis]) for step in self.steps), default=1) for axis in (0, 1)]
        return sides[0] or longest, sides[1] or longest

    @property
    def code_size(self) -> int:
        """Numbers in a code: one for each code, since actions are read without a codebook."""
        return self.num_actions

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "CameraStepsConfig":
        """Read a world's record."""
        return cls(**record)

    def to_json(self) -> dict[str, Any]:
        """Return the record that `from_json` reads."""
        return asdict(self) | {"steps": [list(step) for step in self.steps]}
