"""Sizes of the model that reads actions off a player sprite."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lam.config import LatentActionConfig
from lam.player_sprite.location import largest_radius

_LATER_FIELDS = ("search_radius", "shift_penalty", "take_off", "off_heading")


@dataclass(frozen=True, kw_only=True)
class SpriteActionConfig(LatentActionConfig):
    """Sizes of the model, and the numbers by which it reads actions.

    Attributes:
        box: top, left, height and width in pixels of the sprite, which the encoder sees beside the
            shift of the camera.
        states: appearances of the sprite that the encoder tells apart, before those with similar
            camera motion are joined to `num_actions` codes; None: as many as codes.
        search_radius: largest shift of the camera along each axis, in pixels.
        shift_penalty: added to the error of a shift per pixel: of equal fits, the shorter wins.
        take_off: first transitions of a jump, read as the jump whatever else they show.
        off_heading: later airborne transitions that may differ from the take-off in code or
            direction before the jump's key counts as let go.
    """

    box: tuple[int, int, int, int]
    states: int | None = None
    search_radius: int = 5
    shift_penalty: float = 0.05 / 255
    take_off: int = 3
    off_heading: int = 2

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
                f"states must be at least as many as actions, got {self.states} for "
                f"{self.num_actions} actions"
            )
        largest = largest_radius(self.height, self.width)
        if not 1 <= self.search_radius <= largest or self.take_off < 1 or self.off_heading < 0:
            raise ValueError(
                f"search_radius must be 1 to {largest} in frames of {self.height}x{self.width}, "
                f"take_off 1 or more and off_heading 0 or more, got {self.search_radius}, "
                f"{self.take_off} and {self.off_heading}"
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
        # Fingerprints of older worlds are taken over records without these fields.
        for name in _LATER_FIELDS:
            if record[name] == getattr(SpriteActionConfig, name):
                del record[name]
        states = record.pop("states")
        return record | {"avatar": record.pop("box"), "states": states}
