"""Training: the plan that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from olacore.search.backends.base import make_backend
from olacore.search.config import TrainConfig
from olacore.search.finish import Result
from olacore.search.observers import Callback
from olacore.search.plans import PLANS, SINGLE
from olacore.search.plans.base import Watch
from olacore.search.plans.folds import run_folds
from olacore.search.repeatable import prepared, resumed
from olacore.search.sessions import SessionWriter

__all__ = ["Result", "train", "train_each"]


def train(
    config: TrainConfig,
    callbacks: Sequence[Callback] = (),
    should_stop: Callable[[], bool] = lambda: False,
    report_at: Collection[int] = (),
) -> Result:
    """Evolve a module, or a pair of them, from a data set.

    Parameters
    ----------
    config : what is asked, see `TrainConfig`
    callbacks : each is called with every event of the searches, see `olacore.search.observers`
    should_stop : asked after every generation; true ends the run as an interruption, saved and ready to resume
    report_at : generations that are reported beside the usual ones

    Raises
    ------
    OlacoreError  one of its kinds, for any known fault of settings, data or output
    """
    watch = Watch((SessionWriter(config), *callbacks), should_stop, report_at)
    return run_folds(config, watch) if config.folds else PLANS.get(config.module or "", SINGLE).run(config, watch)


def train_on(config: TrainConfig, should_stop: Callable[[], bool] = lambda: False) -> Result:
    """Train, or go on where an earlier call with the same configuration ended; see `prepared`.

    Raises
    ------
    OlacoreError  as `train`
    """
    return train(resumed(config), should_stop=should_stop)


def train_each(configs: Sequence[TrainConfig], backend: str = "local", **options: Any) -> list[Result]:
    """Run several configurations, such as one for each seed, wherever a backend runs them.

    Parameters
    ----------
    configs : each with a run folder of its own
    backend : name of one of `BACKENDS`
    options : of the backend, such as `workers`

    Raises
    ------
    ConfigError  if there is no such backend
    OlacoreError  as `train`
    """
    return make_backend(backend, options).map(train_on, prepared(configs))
