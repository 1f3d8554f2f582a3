"""How a world is played."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MOST_STEPS = 64
MOST_TEMPERATURE = 10


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the sampler; every figure of a world is measured with those in its world.json.

    Attributes:
        steps: M, refinement steps a frame, 1 or more.
        unmask_order: which tokens are kept first: "confidence", "anchored" or "random".
        temperature: of the codes, 0 or more; 0 takes the likeliest.
        prompt_frames: true frames that play starts from, 1 or more.
    """

    steps: int
    unmask_order: str
    temperature: float
    prompt_frames: int = 1

    def __post_init__(self) -> None:
        """Refuse what the sampler cannot do."""
        from dynamics.sampler import UNMASK_ORDERS  # loads torch, which the limits do not need

        check_steps(self.steps)
        if self.unmask_order not in UNMASK_ORDERS:
            raise ValueError(
                f"order must be one of {', '.join(UNMASK_ORDERS)}, got {self.unmask_order!r}"
            )
        check_temperature(self.temperature)
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


def check_steps(steps: Any) -> None:
    """Raise ValueError for a number of refinement steps that the sampler cannot do."""
    if type(steps) is not int or not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"steps must be between 1 and {MOST_STEPS}, got {steps!r:.40}")


def check_temperature(temperature: Any) -> None:
    """Raise ValueError for a temperature that the sampler cannot take."""
    if type(temperature) not in (int, float) or not 0 <= temperature <= MOST_TEMPERATURE:
        raise ValueError(
            f"temperature must be between 0 and {MOST_TEMPERATURE}, got {temperature!r:.40}"
        )
