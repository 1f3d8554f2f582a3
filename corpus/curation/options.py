"""The options of curation, and the decisions it returns."""

from __future__ import annotations

import dataclasses

SHORTEST = 2  # frames; a shorter episode holds no transition


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurationOptions:
    """Which decisions are taken, and where their thresholds lie; json values only.

    Attributes:
        cuts: end an episode where another scene begins.
        cut_probability: from which a step counts as a cut, in (0, 1); lower finds more.
        gradual: drop fades and dissolves.
        gradual_probability: from which a frame counts as part of one, in (0, 1).
        flat: drop pictures of one colour.
        flat_contrast: grey levels by which a cell of such a picture may differ from the mean, and
            from the picture before.
        flat_seconds: shortest stretch of them that is dropped; shorter ones may be flashes.
        frozen: drop stretches that stand still.
        frozen_noise: grey levels by which a cell may change through an encoder.
        frozen_seconds: shortest stretch that is dropped.
        menus: drop screens on which only a few places change, again and again.
        menu_share: of the picture that may change over ``menu_seconds``.
        menu_seconds: shortest such screen.
        duplicates: drop what an earlier recording, or the same one, already shows.
        duplicate_seconds: shortest stretch that is dropped.
        shortest: frames of an episode, at least 2.
    """

    cuts: bool = True
    cut_probability: float = 0.5
    gradual: bool = True
    gradual_probability: float = 0.5
    flat: bool = True
    flat_contrast: float = 2.0
    flat_seconds: float = 0.25
    frozen: bool = True
    frozen_noise: float = 4.0
    frozen_seconds: float = 2.0
    menus: bool = True
    menu_share: float = 0.125
    menu_seconds: float = 4.0
    duplicates: bool = True
    duplicate_seconds: float = 4.0
    shortest: int = SHORTEST

    def __post_init__(self) -> None:
        """Refuse what no footage can satisfy."""
        for name in ("cut_probability", "gradual_probability", "menu_share"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give a number between 0 and 1")
        for name in ("flat_seconds", "frozen_seconds", "menu_seconds", "duplicate_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; give a number above 0")
        if self.shortest < SHORTEST:
            raise ValueError(f"an episode needs at least {SHORTEST} frames, not {self.shortest}")


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Consecutive frames of a recording with one decision.

    Attributes:
        start: first frame.
        stop: the frame after the last.
        decision: "keep" or "drop".
        reason: why; of a kept stretch "cut" where it follows another one, else "".
    """

    start: int
    stop: int
    decision: str
    reason: str
