"""What one of several compared worlds scored."""

from dataclasses import dataclass

from genie.evaluate.context import EvalContext
from genie.evaluate.metrics.frechet import Frechet
from genie.evaluate.metrics.rollouts import RolloutScores


@dataclass(frozen=True, kw_only=True)
class WorldUnderTest:
    """A world and its name, unlike that of any other world of the comparison."""

    name: str
    context: EvalContext


@dataclass(frozen=True, kw_only=True)
class WorldResult:
    """Its rollouts from one frame, and the distance of what they show."""

    tested: WorldUnderTest
    scores: RolloutScores
    frechet: Frechet
