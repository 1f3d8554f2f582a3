"""Plans: which keys lead from one picture to another."""

from genie.plan.planner import find_plan
from genie.plan.search import Plan, PlanLimits

__all__ = ["Plan", "PlanLimits", "find_plan"]
