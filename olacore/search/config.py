"""What a training run is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError
from olacore.losses.objective import STRUCTURE, Objective, find_loss
from olacore.modules.file import STORED
from olacore.strategies import DEFAULT, Rows, Stack, Strategy, find_strategy

DEFAULT_SECONDS = 60.0
# Blocks of a stack's search where no number was asked for: it has to know its length, since it cools down.
STACK_GENERATIONS = 400
PAIR_GENERATIONS = 400
PAIR, DEFAULT_LOSS = "pair", "mse"


@dataclass(frozen=True)
class TrainConfig:
    """Settings of `train`.

    Parameters
    ----------
    module : "encoder", "decoder", or "pair": an encoder and the decoder of its own latents
    h5 : data set files, of one latent space
    view : "patch" or "global"; ignored for plain pairs
    border, window : see `View`
    strategy, options : name of the strategy, and those of its options that differ from the default
    loss : what the search minimises: "mse", "mae", "huber", "cosine", `my_losses.py:function`, or a compiled function
        of (prediction, target), see `Objective`
    output_weights : weight of each output in the loss; none for equal ones
    weights : how weights are stored: "float32", "float16", or "int8", weights of 255 levels a row, which `rows` evolves
    as such
    stack : hidden units at most of a stack; None for one affine map
    budget : bytes that the module's file may take; with it alone, a stack grows up to it
    latents_from : an organic encoder whose latents take the place of the data's; a file or a name
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
    stack: int | None = None
    budget: int | None = None
    latents_from: Path | str | None = None
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
        if self.stack is not None or self.budget is not None:
            if self.strategy not in (DEFAULT, Stack.name):
                raise ConfigError(f"a stack is evolved by the strategy {Stack.name}; got {self.strategy!r}.")
            object.__setattr__(self, "strategy", Stack.name)
        if self.module == PAIR and not self.is_stack:
            if self.strategy not in (DEFAULT, PAIR):
                raise ConfigError(f"a pair is evolved by the strategy {PAIR}; got {self.strategy!r}.")
            object.__setattr__(self, "strategy", PAIR)
        if self.strategy == PAIR and self.module != PAIR:
            raise ConfigError(f"the strategy {PAIR} evolves a pair; give --module pair.")
        if self.strategy == PAIR and self.generations is None and self.passes is None:
            object.__setattr__(self, "generations", PAIR_GENERATIONS)
        if self.module == PAIR and self.view != "patch":
            raise ConfigError(f"a pair sees patches; got the view {self.view!r}.")
        if self.module == PAIR and self.latents_from is not None:
            raise ConfigError("a pair makes latents of its own; give --latents-from with --module decoder.")
        if self.is_stack and self.generations is None and self.passes is None:
            object.__setattr__(self, "generations", STACK_GENERATIONS)
        self.make_strategy()
        self._check_loss()
        self.objective  # noqa: B018  an unknown loss is refused here
        for name, least in (
            ("population", 1),
            ("block", 1),
            ("report_every", 1),
            ("patience", 0),
            ("seed", 0),
            ("stack", 1),
            ("budget", 1),
        ):
            if getattr(self, name) is not None and getattr(self, name) < least:
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

    @property
    def is_stack(self) -> bool:
        """Whether the module is to have hidden units."""
        return self.strategy == Stack.name

    def make_strategy(self) -> Strategy:
        """Return the strategy with its options set."""
        kind = find_strategy(self.strategy)
        if self.weights not in STORED:
            raise ConfigError(f"weights must be {', '.join(STORED[:-1])} or {STORED[-1]}; got {self.weights!r}.")
        if self.is_stack:
            units = {"units": self.stack} if self.stack is not None else {}
            return kind.configured({**self.options, **units})
        if self.weights != "int8":
            return kind.configured(self.options)
        if not issubclass(kind, Rows):
            raise ConfigError(f"the strategy {self.strategy} evolves float32 weights only; got {self.weights!r}.")
        return kind.configured({**self.options, "weights": self.weights})

    def _check_loss(self) -> None:
        """Raise `ConfigError` where strategy and loss do not go together."""
        if self.is_stack and (self.loss not in ("mse", STRUCTURE) or self.output_weights):
            raise ConfigError(f"a stack minimises mse or {STRUCTURE}, all outputs alike; got {self.loss!r}.")
        if self.strategy == PAIR and (self.loss != DEFAULT_LOSS or self.output_weights):
            raise ConfigError(f"an affine pair minimises {DEFAULT_LOSS}, all outputs alike; got {self.loss!r}.")
        if self.loss == STRUCTURE and not (self.is_stack and self.module != "encoder" and self.view == "patch"):
            raise ConfigError(f"the loss {STRUCTURE} weighs patches of pixels: it is for stacks of patch decoders.")

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
        # Settings that an older checkpoint does not know are named only where they are used.
        settings |= {name: getattr(self, name) for name in ("stack", "budget") if getattr(self, name) is not None}
        loss = self.loss if isinstance(self.loss, str) else self.objective.name
        return {**settings, "loss": loss, "output_weights": list(self.output_weights)}
