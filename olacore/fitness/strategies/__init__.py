"""Strategies for whole genomes, by name; the first is the default."""

# isort: skip_file
from olacore.fitness.strategies.base import GENOME_STRATEGIES, GenomeStrategy
from olacore.fitness.strategies.low_rank import LowRank
from olacore.fitness.strategies.full import Full
from olacore.fitness.strategies.separable import Separable
from olacore.fitness.strategies.classic import Classic

__all__ = ["GENOME_STRATEGIES", "Classic", "Full", "GenomeStrategy", "LowRank", "Separable"]
