"""Ask and tell: a search over whole genomes whose fitness somebody else knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import ConfigError, DataError, FileFormatError, SearchError, ShapeError
from olacore.fitness.layout import Layout
from olacore.fitness.population import Population
from olacore.fitness.strategies import GENOME_STRATEGIES
from olacore.foreign.schema import flag, listed, mapping, number, record, require, text, whole
from olacore.modules.module import Module
from olacore.search.checkpoint import load_checkpoint, save_checkpoint

# Generations, which random numbers are made of.
MOST_GENERATIONS = 2**31 - 2
SAVED = record(
    {
        "layers": listed(whole(1)),
        "size": whole(1),
        "strategy": text(),
        "options": mapping(number()),
        "population": whole(2),
        "seed": whole(),
        "sigma": number(0),
        "discrete": flag,
        "generation": whole(),
        "evaluations": whole(),
    }
)


class Evolution:
    """A population that is asked for genomes and told how fit they were.

    Parameters
    ----------
    layers : inputs, units of hidden maps if any, and outputs of the policies that genomes are, such as (4, 2); each map
        is `tanh(W x + b)` and reads the inputs and what all maps before it answered
    size : numbers of a genome that is a plain vector, instead of `layers`
    strategy : "low-rank", "full", "separable" or "classic"
    population : genomes of a generation; None takes the strategy's own number
    seed : of every random number, 0 to 2^63 - 1
    sigma : spread of the first genomes, above 0; maps of many inputs begin with smaller weights
    mean : (size,), the genome to begin at; None for zeros
    discrete : whether only which answer of a policy is largest counts, as where it chooses between actions: by
        "low-rank" and "full" what the answers have in common is not searched then, nor taken from `mean`, and they sum
        to 0 before tanh; "separable" and "classic" go along the axes of genomes, which are lost so
    options : of the strategy

    Raises
    ------
    ConfigError  if a setting is unknown or out of range
    ShapeError  if `mean` has another size
    DataError  if `mean` is not finite
    """

    def __init__(
        self,
        layers: Sequence[int] | None = None,
        *,
        size: int | None = None,
        strategy: str = "low-rank",
        population: int | None = None,
        seed: int = 0,
        sigma: float = 0.5,
        mean: Any = None,
        discrete: bool = False,
        **options: Any,
    ) -> None:
        self.layout = Layout.of(layers, size)
        self.strategy = GENOME_STRATEGIES.find(strategy).configured(options)
        # What the strategy searches.
        self.space = self.layout.contrasts if discrete and not self.strategy.by_axis else self.layout
        asked = self.strategy.population(self.space.size) if population is None else population
        if not isinstance(asked, int | np.integer) or not 2 <= asked <= 1 << 20:
            raise ConfigError(f"population must be a whole number from 2 to {1 << 20}; got {population!r}.")
        if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
            raise ConfigError(f"seed must be a whole number from 0 to 2^63 - 1; got {seed!r}.")
        if not (np.isfinite(sigma) and sigma > 0):
            raise ConfigError(f"sigma must be above 0; got {sigma!r}.")
        begin = np.zeros(self.layout.size) if mean is None else np.asarray(mean, np.float64)
        if begin.shape != (self.layout.size,):
            raise ShapeError(f"mean must be ({self.layout.size},); got {begin.shape}.")
        if not np.isfinite(begin).all():
            raise DataError("mean must be finite.")
        self.settings: dict[str, Any] = {
            "layers": list(self.layout.layers),
            "size": self.layout.size,
            "strategy": strategy,
            "options": dict(options),
            "population": int(asked),
            "seed": int(seed),
            "sigma": float(sigma),
            "discrete": bool(discrete),
        }
        if self.space is not self.layout:
            begin = self.layout.to_contrasts(begin[None])[0]
        self.state = self.strategy.start(self.space, int(asked), begin, float(sigma), int(seed))
        self.generation = self.evaluations = 0
        self._asked: Population | None = None
        self._points = np.empty((0, self.space.size), np.float32)
        self._told: tuple[np.ndarray, float] = (np.zeros(self.layout.size, np.float32), -np.inf)

    def ask(self) -> Population:
        """Return the genomes of this generation; the same ones until they are told.

        Raises
        ------
        SearchError  after 2^31 - 2 generations
        """
        if self._asked is None:
            if self.generation >= MOST_GENERATIONS:
                raise SearchError(f"a search has at most {MOST_GENERATIONS} generations.")
            self._points = self.strategy.ask(self.state, self.settings["seed"], self.generation)
            genomes = self._genomes(self._points)
            genomes.flags.writeable = False
            self._asked = Population(self.layout, genomes, self.generation)
        return self._asked

    def tell(self, fitness: Any = None, *, losses: Any = None) -> None:
        """Say how fit the genomes of `ask` were, in their order; what is not finite loses.

        Parameters
        ----------
        fitness : (pop,), more is better
        losses : (pop,), less is better, instead of `fitness`

        Raises
        ------
        SearchError  if nothing was asked since the last time, or nothing is finite
        ShapeError  if there is not one number a genome
        ConfigError  unless exactly one of both is given
        """
        if (fitness is None) == (losses is None):
            raise ConfigError("tell either fitness, of which more is better, or losses.")
        told = -np.asarray(losses, np.float64) if fitness is None else np.array(fitness, np.float64)
        if self._asked is None:
            raise SearchError("these genomes have been told already; ask for new ones first.")
        if told.shape != (len(self._asked),):
            raise ShapeError(f"one number a genome is needed, ({len(self._asked)},); got {told.shape}.")
        told[~np.isfinite(told)] = -np.inf
        if np.isneginf(told).all():
            raise SearchError("no genome of the generation has a finite fitness.")
        best = int(np.argmax(told))
        if told[best] > self._told[1]:
            self._told = (self._asked.genomes[best].copy(), float(told[best]))
        seed = self.settings["seed"]
        self.strategy.tell(self.state, self._points, told, seed, self.generation)
        if not np.isfinite(self.strategy.centre(self.state)).all():
            raise SearchError("genomes have grown past what float32 holds; start with a smaller sigma.")
        self.evaluations += len(told)
        self.generation += 1
        self._asked = None

    def _genomes(self, points: np.ndarray) -> np.ndarray:
        """Genomes (pop, size) float32 of what the strategy searches."""
        if self.space is self.layout:
            return points
        return self.layout.from_contrasts(points).astype(np.float32)

    @property
    def best(self) -> tuple[np.ndarray, float]:
        """The fittest genome (size,) that was told, and its fitness; -inf before the first."""
        return self._told

    @property
    def centre(self) -> np.ndarray:
        """The genome (size,) that stands for the search now: under noise a better choice than the fittest one told."""
        return self._genomes(self.strategy.centre(self.state)[None])[0]

    @property
    def spread(self) -> float:
        """How far genomes lie from the centre."""
        return self.strategy.spread(self.state)

    def module(self, genome: Any = None) -> Module:
        """Make a module of a genome (size,), by default the fittest one told.

        Raises
        ------
        ConfigError  if genomes are plain vectors
        """
        chosen = self.best[0] if genome is None else np.asarray(genome, np.float32)
        told = {} if genome is not None or np.isneginf(self.best[1]) else {"fitness": self.best[1]}
        kept = {name: self.settings[name] for name in ("strategy", "options", "population", "seed", "discrete")}
        return self.layout.module(chosen, {**kept, "generations": self.generation, **told})

    def save(self, path: str | Path, beside: Mapping[str, Any] | None = None) -> None:
        """Write everything that `load` needs to go on as if nothing had been; an old file stays until then.

        Parameters
        ----------
        beside : arrays and JSON values to keep in the same file, by names that are their own

        Raises
        ------
        OutputError  if it cannot be written
        """
        best, fitness = self._told
        progress: dict[str, Any] = {"generation": self.generation, "evaluations": self.evaluations}
        arrays = {f"state_{name}": np.asarray(part) for name, part in self.state.items()}
        arrays |= {"best": best, "best_fitness": np.array(fitness)}
        for name, value in (beside or {}).items():
            (arrays if isinstance(value, np.ndarray) else progress)[name] = value
        save_checkpoint(Path(path), arrays, {**self.settings, **progress})

    @classmethod
    def load(cls, path: str | Path) -> Evolution:
        """Read what `save` wrote.

        Raises
        ------
        FileFormatError  if the file is missing, damaged or of another kind
        """
        return cls.from_saved(*load_checkpoint(Path(path)), path)

    @classmethod
    def from_saved(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any], path: str | Path) -> Evolution:
        """Make the search of what a checkpoint holds.

        Parameters
        ----------
        arrays, settings : as `save` wrote them, with whatever was kept beside
        path : that errors name

        Raises
        ------
        FileFormatError  if they are not those of a search that this version knows
        """
        require(SAVED, settings, f"the settings of {path}")
        try:
            search = cls(
                settings["layers"] or None,
                size=None if settings["layers"] else settings["size"],
                **{name: settings[name] for name in ("strategy", "population", "seed", "sigma", "discrete")},
                **settings["options"],
            )
        except ConfigError as error:
            raise FileFormatError(f"{path} holds no search that this version knows: {error}") from error
        state = {name.removeprefix("state_"): part for name, part in arrays.items() if name.startswith("state_")}
        looks = {name: (part.shape, part.dtype) for name, part in state.items()}
        wanted = {name: (np.shape(part), np.asarray(part).dtype) for name, part in search.state.items()}
        best, fitness = arrays.get("best"), arrays.get("best_fitness")
        if looks != wanted or best is None or fitness is None or best.shape != (search.layout.size,) or fitness.shape:
            raise FileFormatError(f"the state in {path} does not look like one of the strategy {settings['strategy']}.")
        search.state, search._told = state, (best, float(fitness))
        search.generation, search.evaluations = settings["generation"], settings["evaluations"]
        return search
