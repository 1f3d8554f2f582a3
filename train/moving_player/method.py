"""How actions are read off a moving player: the numbers of the method."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class MovingPlayerMethod:
    """How the moving player and its keys are found.

    Attributes:
        change_weight: in the decoder's loss, a pixel that changes counts 1 + this.
        player_weight: likewise, a pixel around the player counts 1 + this as much as others.
        quantize_at: fraction of the fit after which keys are read: the player's look is learnt
            soon, and the decoder takes the rest.
        survey_frames: frames in which the player is looked for.
        background_frames: frames of an episode whose median is its background.
        foreground: a pixel differs from the background by more than this, in levels of 255.
        largest_blob: a blob of more than this fraction of the frame is scenery.
        reach: a thing moves by less than this fraction of the frame's longer side a frame.
        same_track: it changes its colour by less a frame, in levels of 255.
        longest_gap: for so many frames it may be hidden.
        least_present: it stays if it is seen in this fraction of an episode's frames or more.
        same_colour: things whose mean colours differ by less, in levels of 255, are of one kind.
        least_steps: of a kind, for its motions to tell anything.
        least_surprise: what its last motion does not tell of a player's next one, in nats.
        least_alone: a player is the only one of its kind that stays in this fraction or more of the
            episodes that have one.
        least_found: the player is seen in this fraction of all frames or more.
        least_moving: a player moves in this fraction of its transitions or more.
        still: a step of less is standing still, in pixels.
        least_direction: a direction is a key's if this fraction of the player's steps or more go
            there.
        rounds: of expectation and maximization when keys are read.
        rail: whether the picture scrolls and the player keeps to a line of it, as ships do.
    """

    change_weight: float = 10.0
    player_weight: float = 10.0
    quantize_at: float = 0.25
    survey_frames: int = 20_000
    background_frames: int = 48
    foreground: int = 24
    largest_blob: float = 0.15
    reach: float = 0.2
    same_track: float = 45.0
    longest_gap: int = 10
    least_present: float = 0.5
    same_colour: float = 30.0
    least_steps: int = 200
    least_surprise: float = 0.2
    least_alone: float = 0.5
    least_found: float = 0.3
    least_moving: float = 0.05
    still: float = 0.6
    least_direction: float = 0.03
    rounds: int = 6
    rail: bool = False
    neighbours: ClassVar[tuple[int, ...]] = ()  # the picture stands still


@dataclass(frozen=True, kw_only=True)
class ScrollingPlayerMethod(MovingPlayerMethod):
    """The same where the picture scrolls.

    Who stands still for as long as the neighbours reach is background, so a player is seen while it
    moves only: enough to learn its look by.

    Attributes:
        neighbours: a frame's background is the median of the frames so many before and after it,
            moved as the camera moved; two numbers or more.
    """

    survey_frames: int = 10_000
    neighbours: tuple[int, ...] = (4, 7, 11, 16)
    least_present: float = 0.12
    least_found: float = 0.1

    def __post_init__(self) -> None:
        """Refuse neighbours that tell no background."""
        if len(self.neighbours) < 2 or min(self.neighbours) < 1:
            raise ValueError(
                f"neighbours must be two numbers of frames or more, 1 or above, got "
                f"{list(self.neighbours)}"
            )
