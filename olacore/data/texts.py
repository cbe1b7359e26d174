"""The captions of a data set, each once: what is known of it, and folds of them that share no picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from olacore.data.dataset import Dataset
from olacore.errors import ConfigError

NEAREST = 8


@dataclass(frozen=True)
class Texts:
    """The captions of a data set.

    Parameters
    ----------
    captions : k texts
    embeddings : (k, E) float32
    counts : (k,) training rows that have each
    groups : (k,) equal for captions that share a picture, or are the caption of one picture by way of others
    of_rows : (count,) the first caption of each row, by number
    """

    captions: list[str]
    embeddings: np.ndarray
    counts: np.ndarray
    groups: np.ndarray
    of_rows: np.ndarray

    @cached_property
    def units(self) -> np.ndarray:
        """The embeddings at unit length, (k, E) float64."""
        wide = self.embeddings.astype(np.float64)
        return np.asarray(wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), np.finfo(np.float64).tiny))


def read_texts(data: Dataset) -> Texts:
    """Read every caption of a data set once, and the training rows that have it."""
    sources = data.read(["rows"], np.arange(data.count))["rows"]["source"]
    numbers: dict[str, int] = {}
    places = []
    for source, row in zip(*np.unique(sources, return_index=True), strict=True):
        for choice, text in enumerate(data.captions[source]):
            if text not in numbers:
                numbers[text] = len(numbers)
                places.append((row, choice))
    rows, choice = np.array(places, np.int64).T
    embeddings = data.read(["embeddings"], rows, choice=choice)["embeddings"].astype(np.float32)
    groups, counts = np.arange(len(numbers)), np.zeros(len(numbers))
    for one in data.captions:
        shared = groups[[numbers[text] for text in one if text in numbers]]
        groups[np.isin(groups, shared)] = shared.min(initial=len(groups))
    for source in sources[data.indices("train")].tolist():
        counts[[numbers[text] for text in data.captions[source]]] += 1
    first = {source: numbers[data.captions[source][0]] for source in np.unique(sources).tolist()}
    return Texts([*numbers], embeddings, counts, groups, np.array([first[source] for source in sources.tolist()]))


def folds_of(texts: Texts, folds: int, seed: int) -> np.ndarray:
    """Deal the captions of training rows out to folds, those that share a picture to one: (k,), -1 for the others.

    Raises
    ------
    ConfigError  if a fold would have nothing to learn from
    """
    groups = np.unique(texts.groups[texts.counts > 0])
    if not 2 <= folds <= len(groups):
        raise ConfigError(
            f"folds must be 2 to {len(groups)}, the training captions that share no picture; got {folds}."
        )
    order = np.random.default_rng(seed).permutation(groups).tolist()
    fold_of = {group: place % folds for place, group in enumerate(order)}
    return np.where(texts.counts > 0, [fold_of.get(group, -1) for group in texts.groups.tolist()], -1)


def certainty(texts: Texts) -> np.ndarray:
    """Similarity of every caption to its nearest and to its eight nearest training captions, (k, 2) float32.

    Itself and the captions that share its pictures are left out.
    """
    units, train = texts.units, np.flatnonzero(texts.counts)
    found = np.empty((len(texts.captions), 2), np.float32)
    for number, (unit, group) in enumerate(zip(units, texts.groups, strict=True)):
        others = train[texts.groups[train] != group]
        near = np.sort(units[others] @ unit)[::-1][:NEAREST]
        found[number] = near[0], near.mean()
    return found
