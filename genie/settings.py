"""How a world is played."""

from dataclasses import dataclass

from dynamics.sampler import ORDERS


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the sampler; every figure of a world is measured with those in its world.json.

    Attributes:
        steps: M, refinement passes a frame, 1 or more.
        order: which tokens are kept first: "confidence" or "random".
        temperature: of the codes, 0 or more; 0 takes the likeliest.
        prompt_frames: true frames that play starts from, 1 or more.
    """

    steps: int
    order: str
    temperature: float
    prompt_frames: int = 1

    def __post_init__(self) -> None:
        """Refuse what the sampler cannot do."""
        if not 1 <= self.steps <= 64:
            raise ValueError(f"steps must be between 1 and 64, got {self.steps}")
        if self.order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(ORDERS)}, got {self.order!r}")
        if not 0 <= self.temperature <= 10:
            raise ValueError(f"temperature must be between 0 and 10, got {self.temperature}")
        if self.prompt_frames < 1:
            raise ValueError(f"prompt_frames must be 1 or more, got {self.prompt_frames}")
