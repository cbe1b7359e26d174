"""What a plan is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from olacore.data import Dataset, open_dataset
from olacore.data.decoded import DecodedDataset
from olacore.data.embedded import EmbeddedDataset
from olacore.data.encoded import EncodedDataset
from olacore.errors import ConfigError
from olacore.modules.module import load
from olacore.registry import Registry
from olacore.search.config import TrainConfig
from olacore.search.finish import Result
from olacore.search.observers import Callback, Finished, notify


@dataclass(frozen=True)
class Watch:
    """Who looks on while a plan runs, and may end it.

    Parameters
    ----------
    callbacks : called with every event
    should_stop : asked after every generation; true ends the run as an interruption
    report_at : generations that are reported beside the usual ones
    """

    callbacks: Sequence[Callback] = ()
    should_stop: Callable[[], bool] = field(default=lambda: False)
    report_at: Collection[int] = ()

    def finished(self, result: Result) -> Result:
        """Tell the callbacks that a module is on disk, and return its result."""
        notify(self.callbacks, Finished(result.stopped, result.module, result.folder))
        return result


class Plan(ABC):
    """A sequence of searches; found by what `TrainConfig.module` asks for."""

    name: str

    @abstractmethod
    def run(self, config: TrainConfig, watch: Watch) -> Result:
        """Run all searches, each in a folder of its own.

        Raises
        ------
        OlacoreError  one of its kinds, for any known fault of settings, data or output
        """


# Plans by the name that `ola train --module` takes.
PLANS: Registry[Plan] = Registry("plan")


@contextmanager
def open_data(config: TrainConfig) -> Iterator[Dataset]:
    """Open the data of a search, with the latents and embeddings that it asks for."""
    with open_seen(config.h5, config.latents_from, config.pictures_from, config.text_from) as dataset:
        yield dataset


@contextmanager
def open_seen(
    h5: Sequence[Path],
    latents_from: Path | str | None = None,
    pictures_from: Path | str | None = None,
    text_from: Path | str | None = None,
) -> Iterator[Dataset]:
    """Open data files as a search sees them; see `TrainConfig`."""
    with open_dataset(h5) as dataset:
        if latents_from is not None:
            dataset = EncodedDataset(dataset, load(latents_from))
        if pictures_from is not None:
            dataset = decoded(dataset, pictures_from)
        yield dataset if text_from is None else embedded(dataset, text_from)


def decoded(dataset: Dataset, reference: Path | str) -> DecodedDataset:
    """Data with the pictures of a decoder, without a refiner that it may carry: a new one would take its place.

    Raises
    ------
    ConfigError, FingerprintError  if it is none, or the data hold no latents that it reads
    """
    return DecodedDataset(dataset, load(reference).with_refiner(None), str(reference))


def embedded(dataset: Dataset, reference: Path | str) -> EmbeddedDataset:
    """Data with the embeddings of a text module.

    Raises
    ------
    ConfigError  if it is none, or the data hold no captions
    """
    text = load(reference)
    if text.kind != "text":
        raise ConfigError(f"embeddings come from a text module; {reference} is a {text.view.title}.")
    return EmbeddedDataset(dataset, text)
