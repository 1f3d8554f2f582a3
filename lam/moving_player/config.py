"""Sizes of the model that reads actions off a moving player."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from lam.config import LatentActionConfig


@dataclass(frozen=True, kw_only=True)
class MovingPlayerConfig(LatentActionConfig):
    """Sizes of the model, and the numbers by which it reads actions.

    Attributes:
        detector_channels: channels of the net that finds the player.
        least_seen: the player is seen where the net puts this probability around one position.
        largest_step: pixels that the player moves in a frame at most; more is a jump to another
            position, or another thing.
    """

    detector_channels: int = 16
    least_seen: float = 0.3
    largest_step: float = 16.0

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        super().__post_init__()
        if not 0 < self.least_seen < 1 or not self.largest_step > 0 or self.detector_channels < 1:
            raise ValueError(
                f"least_seen must lie between 0 and 1, largest_step above 0 and detector_channels "
                f"be 1 or more, got {self.least_seen}, {self.largest_step} and "
                f"{self.detector_channels}"
            )

    @property
    def code_size(self) -> int:
        """Numbers in a code: one for each code, since keys are read without a codebook."""
        return self.num_actions

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read a world's record."""
        return cls(**record)

    def to_json(self) -> dict[str, Any]:
        """Return the record that `from_json` reads."""
        return asdict(self)


class ScrollingPlayerConfig(MovingPlayerConfig):
    """The same where the picture scrolls behind the player."""
