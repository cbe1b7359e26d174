"""What a search is about, and where it is: what the loop and everything around it hand to each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from olacore.blocks import RawBlock, rows_of
from olacore.data import Dataset
from olacore.errors import ConfigError
from olacore.kernels.lattice import as_stored
from olacore.losses.objective import Objective
from olacore.modules.tensor_file import digest_of
from olacore.quality.evaluation import usable_items
from olacore.search.components import Components, with_basis
from olacore.search.config import TrainConfig
from olacore.search.islands.island import Island
from olacore.search.islands.shares import LEAST_SAMPLES, share_of
from olacore.search.rules import ROWS_PER_UNIT, may_be_wide
from olacore.search.run_folder import RunFolder
from olacore.strategies import STRATEGIES, Candidate, Sizes, State, Strategy, Wide
from olacore.strategies.group import ALONE, Group
from olacore.strategies.stack.size import basis_bytes
from olacore.views import VIEWS, View, find_view
from olacore.views.scaling import Scaling

SEARCH_STREAM, SAMPLE_STREAM = 0, 1
# Samples that the statistics of inputs and targets come from.
SAMPLE_ROWS = 16_384
# Numbers of targets that these are at most, which are in memory several times over; and the fewest samples.
SAMPLE_NUMBERS, FEWEST_ROWS = 1 << 28, 1024


@dataclass(frozen=True)
class Fold:
    """One of several folds of the training samples, which a search does not see.

    Parameters
    ----------
    number, count : of this one, and of all
    rows : of the data that are in it
    """

    number: int
    count: int
    rows: np.ndarray


@dataclass(frozen=True)
class Task:
    """What is searched: nothing in it changes.

    Parameters
    ----------
    items : indices of the usable items of each split
    digest : of the data
    fold : of the training samples that is left out; None for none
    group : islands that divide the work of the search, where the strategy does that
    """

    config: TrainConfig
    dataset: Dataset
    folder: RunFolder
    view: View
    items: dict[str, np.ndarray]
    digest: str
    fold: Fold | None = None
    group: Group = ALONE

    @classmethod
    def of(cls, config: TrainConfig, dataset: Dataset, folder: RunFolder, fold: Fold | None = None) -> Task:
        """Look at the data.

        Raises
        ------
        OlacoreError  one of its kinds, if data and settings do not fit
        """
        view = view_for(config, dataset)
        view.check(dataset)
        if config.components and not (view.rotates and config.components < view.outputs):
            raise ConfigError(
                f"the {view.title} answers no components of its targets; leave --components out."
                if not view.rotates
                else f"components must be fewer than the {view.outputs} targets; got {config.components}."
            )
        config.settled.objective.check_outputs(view.outputs, view.pixels, f"the {view.title}")
        items = usable_items(dataset, view, config.skip_nonfinite)
        if fold is not None:
            items["train"] = np.setdiff1d(items["train"], fold.rows)
        rows = len(items["train"]) * view.sites(dataset)
        if may_be_wide(config, rows):
            wide = replace(config, strategy=Wide.name)
            if rows <= ROWS_PER_UNIT * most_units(wide, view):
                config = wide
        if config.island is not None:
            check_exchanges(config.island, type(config.settled.strategy))
        return cls(config, dataset, folder, view, items, dataset.digest(), fold)

    @property
    def objective(self) -> Objective:
        """What is minimised."""
        return self.config.settled.objective

    @property
    def rows(self) -> int:
        """Training samples, of all islands together."""
        return len(self.items["train"]) * self.view.sites(self.dataset)

    @cached_property
    def searched(self) -> np.ndarray:
        """The training items that the search goes through: all, or an island's share."""
        island, items = self.config.island, self.items["train"]
        if island is None or not self.sharded:
            return items
        return share_of(self.dataset, items, island.number, island.count, self.config.seed)

    @property
    def rows_per_pass(self) -> int:
        """Training samples that the search goes through."""
        return len(self.searched) * self.view.sites(self.dataset)

    @property
    def sharded(self) -> bool:
        """Whether training pictures are divided among islands: with enough samples for each, where none needs all."""
        island = self.config.island
        if island is None or island.count == 1 or not self.dataset.sources:
            return False
        return not self.config.settled.strategy.sees_all and self.rows >= LEAST_SAMPLES * island.count

    @property
    def divided(self) -> bool:
        """Whether it is one search, whose work islands divide."""
        return self.config.island is not None and self.config.settled.strategy.divides

    @property
    def search_seed(self) -> int:
        """The seed of the search itself; islands have their own, and statistics and validation in common."""
        island, seed = self.config.island, self.config.seed
        return seed if island is None or self.divided else island.seed(seed)

    @property
    def exchange_every(self) -> int:
        """Generations between two exchanges of an island."""
        every = self.config.island.every if self.config.island else None
        return every or self.config.settled.strategy.exchanges or 1

    @property
    def block_rows(self) -> int:
        """About how many samples a block has: all, for a strategy that has to see them together."""
        return max(self.config.block, self.rows_per_pass if self.strategy.sees_all else 0)

    @cached_property
    def strategy(self) -> Strategy:
        """The strategy that was asked for, as it suits the view."""
        return strategy_for(self.config, self.view, self.scaling.outputs).within(self.group)

    @cached_property
    def scaling(self) -> Scaling:
        """Of inputs and targets, measured on the first training samples, for what the strategy answers."""
        view, strategy = self.view, self.config.settled.strategy
        raw = self.first_samples()
        inputs, targets = rows_of(view.gather(raw, Scaling.identity(view.inputs, view.outputs)))
        scaling = Scaling.fit(inputs, targets, view.bound, alike=view.alike)
        if (basis := self._basis(targets, scaling)) is not None:
            scaling = with_basis(scaling, targets, basis)
        return replace(scaling, target_scale=scaling.target_scale * np.float32(strategy.headroom))

    def first_samples(self) -> RawBlock:
        """The training samples that statistics come from: the first of a seeded order."""
        seed = 4 * self.config.seed + SAMPLE_STREAM
        rows = min(SAMPLE_ROWS, max(SAMPLE_NUMBERS // self.view.outputs, FEWEST_ROWS))
        with self.view.stream(self.dataset, self.items["train"], rows, seed) as stream:
            return next(stream)

    def _basis(self, targets: np.ndarray, scaling: Scaling) -> np.ndarray | None:
        """Components of the targets as the module will hold them, where the search works with some."""
        config, view = self.config, self.view
        strategy: Any = config.settled.strategy
        asked = config.components
        if asked == 0 or not (asked or (strategy.rotates and view.rotates)):
            return None
        found = Components.of(targets, scaling.target_mean)
        if asked is None:
            units = min(strategy.units, self.rows_per_pass)
            fits = None if config.budget is None else lambda count: room_for(config, view, count, units)
            asked = found.enough(view.outputs, fits)
        return None if asked is None else as_stored(found.basis[:asked].astype(np.float32), config.settled.weights)

    @property
    def schedule(self) -> int:
        """How many generations there will be, for a strategy that cools down."""
        config = self.config
        if config.settled.generations or not config.passes:
            return config.settled.generations or config.settled.strategy.schedule or 1
        # The same of all islands, whose shares may differ by an item.
        rows = self.rows // config.island.count if config.island and self.sharded else self.rows
        return max(1, round(config.passes * rows / min(self.block_rows, rows)))

    def settings(self) -> dict[str, Any]:
        """What has to be the same when the search is resumed."""
        # What cools down does so over generations that cannot become more or fewer on the way.
        cools = {} if self.config.settled.strategy.schedule is None else {"generations": self.schedule}
        fold = {} if self.fold is None else {"fold": f"{self.fold.number} of {self.fold.count}"}
        carried = {"view": digest_of(self.view.tensors, {})} if self.view.tensors else {}
        island = self.config.island
        islands = {} if island is None else island.settings(self.exchange_every, self.sharded)
        return {**self.config.search_settings(), "data": self.digest, **carried, **cools, **fold, **islands}


@dataclass
class Progress:
    """Where a search is; all of it is in a checkpoint.

    Parameters
    ----------
    strategy : with what the data chose
    scaling : of inputs and targets, which the strategy sees
    state : of the strategy
    best : the best candidate so far, by its validation loss
    best_loss : its loss in the scale that the strategy sees
    shown_loss, shown_r2 : its loss in the units of the targets, and the share of their variance that it explains
    cursor : place of the next block in the data
    epochs, migrated : of an island, exchanges so far, and rows or units that it took
    exchanged, awaited : of an island, seconds that exchanges took, and that it waited for its neighbours
    """

    strategy: Strategy
    scaling: Scaling
    state: State
    best: Candidate
    cursor: dict[str, int] | None = None
    best_loss: float = np.inf
    shown_loss: float = np.inf
    shown_r2: float = -np.inf
    generation: int = 0
    samples: int = 0
    nonfinite: int = 0
    replaced: int = 0
    stale: int = 0
    seconds: float = 0.0
    epochs: int = 0
    migrated: int = 0
    exchanged: float = 0.0
    awaited: float = 0.0


def check_exchanges(island: Island, strategy: type[Strategy]) -> None:
    """Raise `ConfigError` unless the strategy sends migrants, or divides its work among islands as they are asked."""
    if strategy.divides:
        asked = {"--every": island.every, "--graph": island.graph, "--free": not island.lockstep}
        for option, value in asked.items():
            if value:
                raise ConfigError(
                    f"islands divide the work of the strategy {strategy.name}, all with all and in lockstep; leave "
                    f"{option} out."
                )
    elif strategy.exchanges is None:
        able = (each.name for each in STRATEGIES.values() if each.divides or each.exchanges is not None)
        known = " or ".join(able)
        raise ConfigError(f"islands need a strategy that sends migrants: {known}; got {strategy.name}.")


def strategy_for(config: TrainConfig, view: View, answers: int) -> Any:
    """Return the strategy that a configuration asks for, as it suits a view, of whose targets there may be components.

    Parameters
    ----------
    answers : of the module: the view's targets, or fewer components of them
    """
    settled, budget = config.settled, config.budget
    sizes = Sizes(view.inputs, answers, view.to_dict())
    carried = sum(part.nbytes for part in view.tensors.values())
    if budget is None or (answers == view.outputs and not carried):
        return settled.strategy.fitted(sizes, settled.weights, budget)
    basis = 0 if answers == view.outputs else basis_bytes(answers, view.outputs, settled.weights)
    left = max(budget - carried - basis, 0)
    try:
        return settled.strategy.fitted(sizes, settled.weights, left)
    except ConfigError as error:
        raise ConfigError(
            f"a file of {budget} bytes has no room for a stack of {view.inputs} inputs and {answers} components"
            f" of {view.outputs} targets{f', beside {carried} bytes of its view' if carried else ''}."
        ) from error


def most_units(config: TrainConfig, view: View) -> int:
    """How many hidden units a file of the size that was asked for has room for, before the data are looked at.

    Raises
    ------
    ConfigError  if not even one, beside a single component of the targets
    """
    try:
        return int(strategy_for(config, view, view.outputs).units)
    except ConfigError as error:
        try:
            return int(strategy_for(config, view, 1).units) if view.rotates else 0
        except ConfigError:
            raise error from None


def room_for(config: TrainConfig, view: View, components: int, units: int) -> bool:
    """Whether the file that was asked for has room for so many hidden units beside so many components."""
    try:
        return int(strategy_for(config, view, components).units) >= units
    except ConfigError:
        return False


def view_for(config: TrainConfig, dataset: Dataset) -> View:
    """Return the view that the configuration asks of the data; plain pairs have only their own.

    Raises
    ------
    ConfigError  if the kind of module does not go with the data, or the view does not take a setting
    ShapeError  if it cannot be cut from the data
    """
    plain = dataset.kind == "pairs"
    if config.module is None and not plain:
        kinds = ", ".join(kind for kind in VIEWS if kind != "plain")
        raise ConfigError(f"the data hold frames and latents: say which module, with --module, of {kinds}.")
    kind = config.module or "plain"
    view = find_view(kind, config.view or next(iter(VIEWS[kind])))
    asked = config.view_settings()
    for name in asked:
        if name not in view.options:
            raise ConfigError(f"the {view.name} view of the {kind} takes no {name}; leave it out.")
    return view.of(dataset, {**asked, "seed": config.seed})
