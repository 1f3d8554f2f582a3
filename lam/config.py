"""Sizes of the latent action model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LatentActionConfig:
    """Sizes of the latent action model.

    Attributes:
        height: H, frame height in pixels, even.
        width: W, frame width in pixels, even.
        num_actions: A, codes; between 2 and 64, 4 to 16 for a keyboard.
        latent: numbers in a latent.
        channels: channels of the first convolutions; deeper ones have twice as many.
        noise: std of the noise on latents while they are continuous; it bounds what they carry.
    """

    height: int
    width: int
    num_actions: int = 6
    latent: int = 8
    channels: int = 64
    noise: float = 0.1

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        if not 2 <= self.num_actions <= 64:
            raise ValueError(f"num_actions must be between 2 and 64, got {self.num_actions}")
        if self.height < 16 or self.width < 16 or self.height % 2 or self.width % 2:
            raise ValueError(
                f"the latent action model needs frames of even height and width, 16 pixels or "
                f"more, got {self.height}x{self.width}: build the corpus with another --size"
            )

    @property
    def code_size(self) -> int:
        """Numbers in a code of the codebook."""
        return self.latent

    # Worlds from before there were kinds hold the fields of a player sprite in every record, null
    # where there is none. Fingerprints are taken over the record, so it stays as it was.

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "LatentActionConfig":
        """Read a world's record."""
        values = dict(record)
        for name in ("avatar", "states"):
            if values.get(name) is None:
                values.pop(name, None)
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Return the record that `from_json` reads."""
        return asdict(self) | {"avatar": None, "states": None}
