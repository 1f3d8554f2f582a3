"""Whether play is still like the corpus: the meter, and the statistics that it reads."""

from genie.drift.looks import TokenLayout
from genie.drift.meter import DriftMeter
from genie.drift.statistics import build_statistics

__all__ = ["DriftMeter", "TokenLayout", "build_statistics"]
