"""Plans: which searches a training run is made of, one after the other."""

from olacore.search.plans.base import PLANS, Plan
from olacore.search.plans.pair import PairPlan
from olacore.search.plans.single import SINGLE, SinglePlan

__all__ = ["PLANS", "SINGLE", "PairPlan", "Plan", "SinglePlan"]
