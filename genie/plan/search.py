"""A best-first search over keys: what looks nearest to the goal is imagined further."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from genie.plan.imagination import Moment, imagine

WIDTH = 4
"""Moments that are imagined further at a time: a batch costs less than its parts."""

MOST_STEPS = 256
"""The goal is looked for as far away on every side, in memory that grows with the square of it."""


@dataclass(frozen=True, kw_only=True)
class PlanLimits:
    """How far a search goes.

    Attributes:
        steps: keys in a plan at most, up to `MOST_STEPS`.
        frames: frames imagined at most.
    """

    steps: int = 32
    frames: int = 256

    def __post_init__(self) -> None:
        """Refuse what leaves nothing to search, or would fill the memory."""
        for name, value in (("steps", self.steps), ("frames", self.frames)):
            if value < 1:
                raise ValueError(f"--{name} is {value}: give 1 or more")
        if self.steps > MOST_STEPS:
            raise ValueError(
                f"--steps is {self.steps}: give {MOST_STEPS} or fewer, and plan further from the "
                "picture where that plan ends"
            )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Keys that lead from one picture towards another.

    Attributes:
        actions: one a frame.
        reached: whether the last imagined frame is taken for the goal.
        share: fraction of the goal's tokens that the last imagined frame has.
        imagined: how many frames were imagined to find it.
    """

    actions: tuple[int, ...]
    reached: bool
    share: float
    imagined: int


class Guide(Protocol):
    """Says how far moments are from a goal.

    Attributes:
        root: where the tree begins; its rollout is ready.
    """

    root: Moment

    def rate(self, moments: Sequence[Moment]) -> list[float]:
        """Return how many steps each of the moments is from the goal, by its looks; 0: reached."""

    def place(self, moment: Moment) -> Hashable:
        """Return what is the same for moments of which only one need be imagined further."""


def search(guide: Guide, actions: Sequence[int], limits: PlanLimits) -> tuple[Moment, float, int]:
    """Search for a moment that reaches the goal.

    Args:
        guide: to the goal.
        actions: that are tried.
        limits: of the search.

    Returns:
        The first moment that reaches the goal, or the nearest one; how many steps it is from the
        goal, 0 if it is there; and how many frames were imagined.

    Source: Hart, Nilsson, Raphael 1968 (A*), on frames of a learned world, some at a time.
    """
    root = guide.root
    (left,) = guide.rate([root])
    best, best_left, imagined, order = root, left, 0, count()
    waiting, seen = [(left, left, next(order), root)], {guide.place(root)}
    while waiting and best_left > 0:
        affordable = (limits.frames - imagined) // len(actions)
        width = min(WIDTH, len(waiting), affordable)
        if not width:
            break
        chosen = [heapq.heappop(waiting)[3] for _ in range(width)]
        following = imagine(chosen, actions)
        imagined += len(following)
        for moment, left in zip(following, guide.rate(following), strict=True):
            if left < best_left:
                best, best_left = moment, left
            place = guide.place(moment)
            if moment.depth < limits.steps and place not in seen:
                seen.add(place)
                # Of equal sums, what is nearer to the goal comes first.
                total = moment.depth + left
                heapq.heappush(waiting, (total, left, next(order), moment))
    return best, best_left, imagined
