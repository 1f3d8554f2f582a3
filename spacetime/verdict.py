"""What a check of a model concludes, and how it is said."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The state of a model.

    Attributes:
        state: "healthy", "weak" or "collapsed".
        reasons: each figure that missed its threshold, as a sentence; empty if healthy.
        remedies: what to try, the cheapest first; empty if healthy.
        ABOUT: what was checked.
    """

    ABOUT: ClassVar[str]
    state: str
    reasons: tuple[str, ...]
    remedies: tuple[str, ...]

    def __str__(self) -> str:
        """Return lines for a terminal."""
        lines = [f"{self.ABOUT}: {self.state}", *(f"  because {why}" for why in self.reasons)]
        lines += [f"  {number}. {remedy}" for number, remedy in enumerate(self.remedies, start=1)]
        return "\n".join(lines)
