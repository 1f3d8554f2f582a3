"""Sizes of the model that reads actions off a player sprite."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lam.config import LatentActionConfig


@dataclass(frozen=True, kw_only=True)
class SpriteActionConfig(LatentActionConfig):
    """Sizes of the model.

    Attributes:
        box: top, left, height and width in pixels of the sprite, which the encoder looks at beside
            the shift of the camera.
        states: looks of the sprite that the encoder tells apart, before those that lead alike are
            joined to `num_actions` codes; None: as many as codes.
    """

    box: tuple[int, int, int, int]
    states: int | None = None

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        super().__post_init__()
        object.__setattr__(self, "box", tuple(self.box))  # json knows no tuples
        top, left, height, width = self.box
        fits = 0 <= top <= self.height - height and 0 <= left <= self.width - width
        if not fits or height < 1 or width < 1:
            raise ValueError(
                f"the sprite's box {self.box} does not lie in frames of "
                f"{self.height}x{self.width}: give top, left, height and width in pixels"
            )
        if self.states is not None and self.states < self.num_actions:
            raise ValueError(
                f"states are looks of the sprite, at least as many as actions, got {self.states} "
                f"for {self.num_actions} actions"
            )

    @property
    def code_size(self) -> int:
        """Numbers in a code: one for each code, since the encoder gives codes by itself."""
        return self.num_actions

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "SpriteActionConfig":
        """Read a world's record, where the box is called `avatar`."""
        values = dict(record)
        values["box"] = values.pop("avatar")
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Return the record that `from_json` reads."""
        record = asdict(self)
        states = record.pop("states")
        return record | {"avatar": record.pop("box"), "states": states}
