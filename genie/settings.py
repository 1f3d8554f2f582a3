"""How a world is played."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dynamics.sampler import UNMASK_ORDERS


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the sampler; every figure of a world is measured with those in its world.json.

    Attributes:
        steps: M, refinement passes a frame, 1 or more.
        unmask_order: which tokens are kept first: "confidence" or "random".
        temperature: of the codes, 0 or more; 0 takes the likeliest.
        prompt_frames: true frames that play starts from, 1 or more.
    """

    steps: int
    unmask_order: str
    temperature: float
    prompt_frames: int = 1

    def __post_init__(self) -> None:
        """Refuse what the sampler cannot do."""
        if type(self.steps) is not int or not 1 <= self.steps <= 64:
            raise ValueError(f"steps must be between 1 and 64, got {self.steps!r:.40}")
        if self.unmask_order not in UNMASK_ORDERS:
            raise ValueError(
                f"order must be one of {', '.join(UNMASK_ORDERS)}, got {self.unmask_order!r}"
            )
        if isinstance(self.temperature, bool) or not 0 <= self.temperature <= 10:
            raise ValueError(f"temperature must be between 0 and 10, got {self.temperature}")
        if type(self.prompt_frames) is not int or not 1 <= self.prompt_frames <= 256:
            raise ValueError(
                f"prompt_frames must be between 1 and 256, got {self.prompt_frames!r:.40}"
            )

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Settings":
        """Read settings from world.json, a saved state or a recipe, where the order is `order`.

        Raises:
            TypeError: if a setting is missing or unknown.
            ValueError: if one is out of range.
        """
        values = dict(record)
        if "order" in values:
            values["unmask_order"] = values.pop("order")
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Return the record that `from_json` reads."""
        record = asdict(self)
        return {("order" if name == "unmask_order" else name): record[name] for name in record}
