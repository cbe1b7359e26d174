"""Data sets of the problems: found in a folder, made there from photographs and a teacher, or the shipped sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.common.datasets import MODELS, PHOTOS, is_complete, make_dataset
from bench.peers.problems import PROBLEMS
from olacore.demo import sample_path


@dataclass(frozen=True)
class Source:
    """How a data set is made.

    Parameters
    ----------
    teacher : name of its folder among the models
    crops : squares of every photograph
    """

    teacher: str
    crops: int


DATA = {"taesd-2": Source("taesd", 2), "taesd3-2": Source("taesd3", 2), "taesd-8": Source("taesd", 8)}


@dataclass(frozen=True)
class DataFolders:
    """Folders that data sets are found in and made from.

    Parameters
    ----------
    data : holds `taesd-2.h5` and so on, or gets them
    photos, models : what missing ones are made from
    """

    data: Path
    photos: Path = PHOTOS
    models: Path = MODELS

    def find(self, problem: str, say: Callable[[str], object]) -> Path | None:
        """The data set of a problem, made if it is missing; the sample where it cannot be; None if that does not fit.

        Raises
        ------
        OlacoreError  one of its kinds, if the photographs cannot be used or the file cannot be written
        """
        key = PROBLEMS[problem].data
        source, path = DATA[key], self.data / f"{key}.h5"
        if is_complete(path):
            return path
        model = self.models / source.teacher
        if self.photos.is_dir() and model.is_dir():
            say(f"{path} is made from {self.photos} with {source.teacher}, {source.crops} squares of each photograph")
            make_dataset(path, self.photos, model, source.crops)
            return path
        if source.teacher == "taesd":
            say(f"{problem}: there are no photographs and models to make {path} from; the shipped sample is used")
            return sample_path()
        say(f"{problem} is left out: there are no photographs and models to make {path} from")
        return None
