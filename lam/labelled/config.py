"""Sizes of the model that reads the actions that labels name."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lam.bases import base_record, read_base
from lam.config import LatentActionConfig


@dataclass(frozen=True, kw_only=True)
class LabelledConfig:
    """Sizes of the model that reads the actions that labels name.

    Attributes:
        base: of the model that learnt to see without labels.
        num_actions: A, the actions that labels tell apart; action n is label n.
        names: of the actions; empty: the labels had none.
        around: transitions before and after one that are read with it.
        units: of the net that reads actions.
    """

    base: LatentActionConfig
    num_actions: int
    names: tuple[str, ...] = ()
    around: int = 1
    units: int = 64

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        object.__setattr__(self, "names", tuple(self.names))  # json knows no tuples
        if not 2 <= self.num_actions <= 64 or not 0 <= self.around <= 16 or self.units < 1:
            raise ValueError(
                f"num_actions must be between 2 and 64, around 0 to 16 and units 1 or more, got "
                f"{self.num_actions}, {self.around} and {self.units}"
            )
        if self.names and len(set(self.names)) != self.num_actions:
            raise ValueError(f"{self.num_actions} actions need as many different names")

    @property
    def height(self) -> int:
        """H, frame height in pixels."""
        return self.base.height

    @property
    def width(self) -> int:
        """W, frame width in pixels."""
        return self.base.width

    @property
    def channels(self) -> int:
        """Channels of the decoder's first convolutions."""
        return self.base.channels

    @property
    def code_size(self) -> int:
        """Numbers in a code: one for each action."""
        return self.num_actions

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "LabelledConfig":
        """Read what `to_json` returned.

        Raises:
            ValueError: the base is of an unknown kind.
        """
        return cls(**{**record, "base": read_base(record["base"])})

    def to_json(self) -> dict[str, Any]:
        """Return the record that `from_json` reads."""
        return asdict(self) | {"base": base_record(self.base), "names": list(self.names)}
