"""Sizes of the model that reads actions off the flow of the picture."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lam.config import LatentActionConfig


@dataclass(frozen=True, kw_only=True)
class CameraFlowConfig(LatentActionConfig):
    """Sizes of the model, and the numbers by which it reads actions.

    Attributes:
        reach: (dy, dx), how far the picture moves in a frame at most, in pixels of a frame whose
            shorter side was brought to about 64.
    """

    reach: tuple[int, int] = (4, 6)

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        super().__post_init__()
        object.__setattr__(self, "reach", tuple(self.reach))  # json knows no tuples
        if not 1 <= min(self.reach) <= max(self.reach) <= 16:
            raise ValueError(f"reach must be two numbers from 1 to 16, got {self.reach}")

    @property
    def code_size(self) -> int:
        """Numbers in a code: one for each code, since keys are read without a codebook."""
        return self.num_actions

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "CameraFlowConfig":
        """Read a world's record."""
        return cls(**record)

    def to_json(self) -> dict[str, Any]:
        """Return the record that `from_json` reads."""
        return asdict(self) | {"reach": list(self.reach)}
