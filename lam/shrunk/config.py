"""Sizes of the model that reads actions off smaller frames."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lam.bases import base_record, read_base
from lam.config import LatentActionConfig


@dataclass(frozen=True, kw_only=True)
class ShrunkConfig:
    """Sizes of the model that reads actions off smaller frames.

    Attributes:
        base: of the model that reads them.
        factor: how many times as high and as wide the frames are.
        shrinking: how they are made smaller, one of `spacetime.pixels.SHRINKINGS`.
    """

    base: LatentActionConfig
    factor: int
    shrinking: str

    def __post_init__(self) -> None:
        """Refuse what cannot be shrunk."""
        # Not `spacetime.pixels.SHRINKINGS`: records are read without torch.
        if self.shrinking not in ("mean", "middle") or not 2 <= self.factor <= 16:
            raise ValueError(
                f"shrinking must be mean or middle and factor 2 to 16, got {self.shrinking!r} and "
                f"{self.factor}"
            )

    @property
    def height(self) -> int:
        """H, frame height in pixels."""
        return self.factor * self.base.height

    @property
    def width(self) -> int:
        """W, frame width in pixels."""
        return self.factor * self.base.width

    @property
    def num_actions(self) -> int:
        """A, codes."""
        return self.base.num_actions

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "ShrunkConfig":
        """Read what `to_json` returned; raises ValueError for a base of an unknown kind."""
        return cls(**{**record, "base": read_base(record["base"])})

    def to_json(self) -> dict[str, Any]:
        """Return the record that `from_json` reads."""
        return asdict(self) | {"base": base_record(self.base)}
