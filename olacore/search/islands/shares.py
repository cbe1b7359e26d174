"""Which training pictures an island searches on."""

from __future__ import annotations

import numpy as np

from olacore.data import Dataset

# Training samples of each island from which on pictures are divided among them.
LEAST_SAMPLES = 20_000


def share_of(dataset: Dataset, items: np.ndarray, number: int, count: int, seed: int) -> np.ndarray:
    """Return the items of one of several disjoint shares, sorted; together they are all items.

    Sources stay together, but for those in which a share ends: the shares are equally large but for one item.

    Parameters
    ----------
    items : (n,), of a data set that names sources
    seed : of the order of the sources
    """
    sources = dataset.read(("rows",), items, checked=False)["rows"]["source"]
    _, which = np.unique(sources, return_inverse=True)
    place = np.random.default_rng(seed).permutation(which.max(initial=0) + 1)
    ordered = items[np.argsort(place[which], kind="stable")]
    return np.sort(np.array_split(ordered, count)[number])
