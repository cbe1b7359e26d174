"""What a training run is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError
from olacore.objective import Objective, find_loss
from olacore.strategies import DEFAULT, Rows, Strategy, find_strategy

DEFAULT_SECONDS = 60.0


@dataclass(frozen=True)
class TrainConfig:
    """Settings of `train`.

    Parameters
    ----------
    module : "encoder" or "decoder"
    h5 : data set files, of one latent space
    view : "patch" or "global"; ignored for plain pairs
    border, window : see `View`
    strategy, options : name of the strategy, and those of its options that differ from the default
    loss : what the search minimises: "mse", "mae", "huber", "cosine", `my_losses.py:function`, or a compiled function
        of (prediction, target), see `Objective`
    output_weights : weight of each output in the loss; none for equal ones
    weights : "float32", or "int8" to evolve weights of 255 levels a row
    population : number of genomes
    seed : of every random number
    block : rows read at once
    generations, passes, seconds, until_loss : when to stop; with none of them, after 60 s of search
    patience : reports without a better validation loss after which the search is frozen; 0 never freezes. A fixed
    number of generations or passes is always run to its end
    report_every : generations between reports, each with a validation
    skip_nonfinite : leave items with NaN or inf out instead of refusing the data
    out : run folder; None takes the next free `runs/encoder-0001`
    resume, force : go on in, or replace, a run folder that is already there
    """

    module: str
    h5: tuple[Path, ...]
    view: str = "patch"
    border: int = 4
    window: int = 3
    strategy: str = DEFAULT
    options: dict[str, Any] = field(default_factory=dict)
    loss: str | Callable[..., Any] = "mse"
    output_weights: tuple[float, ...] = ()
    weights: str = "float32"
    population: int = 40
    seed: int = 0
    block: int = 8192
    generations: int | None = None
    passes: float | None = None
    seconds: float | None = None
    until_loss: float | None = None
    patience: int = 20
    report_every: int = 10
    skip_nonfinite: bool = False
    out: Path | None = None
    resume: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        paths = (self.h5,) if isinstance(self.h5, str | Path) else self.h5
        object.__setattr__(self, "h5", tuple(Path(path) for path in paths))
        if self.out is not None:
            object.__setattr__(self, "out", Path(self.out))
        object.__setattr__(self, "output_weights", tuple(self.output_weights))
        self.make_strategy()
        self.objective  # noqa: B018  an unknown loss is refused here
        for name, least in (
            ("population", 1),
            ("block", 1),
            ("report_every", 1),
            ("patience", 0),
            ("seed", 0),
        ):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} must be at least {least}; got {getattr(self, name)}.")
        for name in ("generations", "passes", "seconds", "until_loss"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} must be above 0; got {value}.")
        if self.resume and self.out is None:
            raise ConfigError("to resume, name the run folder with --out.")
        if self.resume and self.force:
            raise ConfigError("resume and force exclude each other: go on with the run, or replace it.")
        if not self.h5:
            raise ConfigError("training needs at least one data set file.")

    @cached_property
    def objective(self) -> Objective:
        """What the search minimises."""
        loss = find_loss(self.loss) if isinstance(self.loss, str) else self.loss
        return Objective(loss, self.output_weights)

    def make_strategy(self) -> Strategy:
        """Return the strategy with its options set."""
        kind = find_strategy(self.strategy)
        if self.weights == "float32":
            return kind.configured(self.options)
        if not issubclass(kind, Rows):
            raise ConfigError(f"the strategy {self.strategy} evolves float32 weights only; got {self.weights!r}.")
        return kind.configured({**self.options, "weights": self.weights})

    @property
    def freezes(self) -> bool:
        """Whether the search ends when the validation loss no longer improves."""
        return self.patience > 0 and self.generations is None and self.passes is None

    @property
    def time_limit(self) -> float | None:
        """Seconds of search after which to stop."""
        limits = (self.generations, self.passes, self.seconds, self.until_loss)
        return DEFAULT_SECONDS if all(limit is None for limit in limits) else self.seconds

    def search_settings(self) -> dict[str, Any]:
        """What decides the course of the search, and so must be the same when it is resumed."""
        names = (
            "module",
            "view",
            "border",
            "window",
            "strategy",
            "options",
            "weights",
            "population",
            "seed",
            "block",
            "report_every",
            "skip_nonfinite",
        )
        settings = {name: getattr(self, name) for name in names}
        loss = self.loss if isinstance(self.loss, str) else self.objective.name
        return {**settings, "loss": loss, "output_weights": list(self.output_weights)}
