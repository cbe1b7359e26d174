"""Where data sets, photographs, teachers and runs are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.common.datasets import MODELS, PHOTOS, is_complete, make_dataset
from bench.ovae.recipes import SPACES, Recipe, Space
from olacore.data import SPLITS, Dataset, open_dataset
from olacore.errors import ConfigError, DataError

if TYPE_CHECKING:
    from olacore.media.find import Input


@dataclass(frozen=True)
class Workspace:
    """Folders that everything is found in.

    Parameters
    ----------
    data : holds `taesd-8.h5` and so on, or gets them
    work : gets runs, cells and pictures
    photos, models : photographs, and the teachers' folders
    preview : file of the preview network; None leaves it out
    """

    data: Path
    work: Path
    photos: Path = PHOTOS
    models: Path = MODELS
    preview: Path | None = None

    def h5(self, space: str | Space) -> Path:
        """The data set of a latent space, whether it is there or not."""
        return self.data / source_of(space).data

    def run(self, recipe: Recipe) -> Path:
        """The folder of a run of `ola train`."""
        return self.work / "runs" / recipe.name

    def open(self, space: str | Space) -> Dataset:
        """Open the data set of a latent space.

        Raises
        ------
        DataError  if it was not written to its end
        """
        dataset = open_dataset((self.h5(space),))
        if not dataset.complete:
            dataset.close()
            raise DataError(f"{self.h5(space)} is not complete; go on with ola precompute --resume.")
        return dataset

    def make(self, space: str | Space, say: Callable[[str], object]) -> None:
        """Make the data set of a latent space if it is missing, or go on where that was interrupted.

        Raises
        ------
        ConfigError  if there is nothing to make it from
        """
        source = source_of(space)
        path, model, crops = self.h5(source), self.models / source.teacher, source.crops
        if is_complete(path):
            return
        if not (self.photos.is_dir() and model.is_dir()):
            raise ConfigError(
                f"{path} is not there in full, and cannot be made: {self.photos} and {model} have to be folders."
            )
        say(f"{path} is made from {self.photos} with {model.name}, {crops} squares of each photograph")
        make_dataset(path, self.photos, model, crops, recon=source.recon)

    def held_out(self, space: str) -> list[Input]:
        """Whole photographs that the data set calls held-out, by name.

        Raises
        ------
        DataError  if the folder of photographs has none of them
        """
        from olacore.media.find import find_inputs

        with self.open(space) as dataset:
            names = {source.name for source in dataset.sources if source.split == "held-out"}
        found, _ = find_inputs([self.photos])
        pictures = [one for one in found if one.kind == "picture" and one.name in names]
        if not pictures:
            raise DataError(f"{self.photos} has none of the {len(names)} held-out photographs of {self.h5(space)}.")
        return pictures


def source_of(space: str | Space) -> Space:
    """A latent space by its name; one that is given with a data set of its own is taken as it is."""
    return SPACES[space] if isinstance(space, str) else space


def about(dataset: Dataset) -> dict[str, Any]:
    """What a card says of the data: digest, photographs and crops of each split, photographs by origin."""
    origins = Counter(source.name.partition("__")[0] for source in dataset.sources)
    return {
        "digest": dataset.digest(),
        "photographs": {split: sum(source.split == split for source in dataset.sources) for split in SPLITS},
        "crops": {split: len(dataset.indices(split)) for split in SPLITS},
        "origins": dict(sorted(origins.items())),
    }
