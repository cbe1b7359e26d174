"""Any fitness: searches that are asked for genomes and told how fit they were."""

from olacore.fitness.evolution import Evolution
from olacore.fitness.evolve import Evolved, evolve
from olacore.fitness.layout import Layout
from olacore.fitness.population import Population
from olacore.fitness.strategies import GENOME_STRATEGIES, GenomeStrategy

__all__ = ["GENOME_STRATEGIES", "Evolution", "Evolved", "GenomeStrategy", "Layout", "Population", "evolve"]
