"""What text alone says of the latent of each caption, by kernel ridge regression on captions of other folds.

python -m bench.studies.text_means DATA.h5 --out FILE.npz [--folds 10]: a closed form in place of a text module, for
`ola precompute --denoiser --text-means FILE.npz`. A denoiser has to be trained with text means of a module that did
not see the row, or it learns to copy them. A training caption's mean comes from the training rows of other folds,
those of other captions from all training rows; captions that share a picture are in one fold.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from olacore.data import Dataset, open_dataset
from olacore.errors import ConfigError, DataError
from olacore.files import check_output, replace_file

NEAREST = 8


@dataclass(frozen=True)
class Texts:
    """The captions of a data set.

    Parameters
    ----------
    captions : k texts
    units : (k, E) float64, their embeddings, of unit length
    counts : (k,) training rows that have each
    latents : (k, numbers) float64, the mean latent of these rows; zeros where there are none
    groups : (k,) equal for captions that share a picture, or are the caption of one picture by way of others
    """

    captions: list[str]
    units: np.ndarray
    counts: np.ndarray
    latents: np.ndarray
    groups: np.ndarray


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
    units = data.read(["embeddings"], rows, choice=choice)["embeddings"].astype(np.float64)
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    groups = np.arange(len(numbers))
    counts, sums = np.zeros(len(numbers)), np.zeros((len(numbers), int(np.prod(data.latent_shape or ()))))
    for one in data.captions:
        shared = groups[[numbers[text] for text in one if text in numbers]]
        groups[np.isin(groups, shared)] = shared.min(initial=len(groups))
    train = data.indices("train")
    for start in range(0, len(train), 256):
        here = train[start : start + 256]
        latents = data.read(["latents"], here)["latents"].reshape(len(here), -1)
        for row, latent in zip(here, latents, strict=True):
            own = [numbers[text] for text in data.captions[sources[row]]]
            counts[own] += 1
            sums[own] += latent
    return Texts([*numbers], units, counts, sums / np.maximum(counts, 1)[:, None], groups)


def fit_and_ask(texts: Texts, known: np.ndarray, asked: np.ndarray, width: float, ridge: float) -> np.ndarray:
    """Kernel ridge regression from embeddings to latents: the kernel exp(2 width (e.c - 1)) of unit vectors.

    Parameters
    ----------
    known : (m,) captions to learn from, by number
    asked : (q,) captions to answer

    Returns
    -------
    (q, numbers)
    """
    weights = texts.counts[known] / texts.counts[known].sum()
    mean = weights @ texts.latents[known]
    kernel = np.exp(2 * width * (texts.units[known] @ texts.units[known].T - 1))
    # The mean of several rows is as sure as all of them.
    kernel[np.diag_indices_from(kernel)] += ridge / texts.counts[known]
    solution = np.linalg.solve(kernel, texts.latents[known] - mean)
    return np.exp(2 * width * (texts.units[asked] @ texts.units[known].T - 1)) @ solution + mean


def text_means(texts: Texts, folds: int, width: float, ridge: float, seed: int) -> np.ndarray:
    """The text mean of every caption by a fit that did not see its rows: (k, numbers).

    Raises
    ------
    ConfigError  if a fold would have nothing to learn from
    """
    train = np.flatnonzero(texts.counts)
    groups = np.unique(texts.groups[train])
    if not 2 <= folds <= len(groups):
        raise ConfigError(
            f"folds must be 2 to {len(groups)}, the training captions that share no picture; got {folds}."
        )
    order = np.random.default_rng(seed).permutation(groups).tolist()
    fold_of = {group: place % folds for place, group in enumerate(order)}
    own = np.array([fold_of.get(group, -1) for group in texts.groups.tolist()])
    own[texts.counts == 0] = -1
    found = np.empty_like(texts.latents)
    for fold in (*range(folds), -1):
        asked = np.flatnonzero(own == fold)
        known = train[own[train] != fold]
        if len(asked):
            found[asked] = fit_and_ask(texts, known, asked, width, ridge)
    return found


def certainty(texts: Texts) -> np.ndarray:
    """Similarity of every caption to its nearest and to its eight nearest training captions, (k, 2) float32.

    Itself and the captions that share its pictures are left out.
    """
    train = np.flatnonzero(texts.counts)
    found = np.empty((len(texts.captions), 2), np.float32)
    for number, (unit, group) in enumerate(zip(texts.units, texts.groups, strict=True)):
        others = train[texts.groups[train] != group]
        near = np.sort(texts.units[others] @ unit)[::-1][:NEAREST]
        found[number] = near[0], near.mean()
    return found


def make_file(h5: Path, out: Path, folds: int, width: float, ridge: float, seed: int, force: bool = False) -> None:
    """Write the text means of a data set, and how sure they are.

    Raises
    ------
    DataError  if the data have no captions
    OutputExistsError  if there is a file and `force` is not given
    """
    check_output(out, force)
    with open_dataset([h5]) as data:
        if not data.form.captioned or not data.has("embeddings"):
            raise DataError(f"text means are made of data with captions and embeddings; {h5} holds {data.kind}.")
        texts = read_texts(data)
        shape = data.latent_shape or ()
    means = text_means(texts, folds, width, ridge, seed).reshape(len(texts.captions), *shape).astype(np.float16)
    content = io.BytesIO()
    np.savez(content, captions=np.array(texts.captions), text_means=means, certainty=certainty(texts))
    replace_file(out, content.getvalue())


def main() -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("h5", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--width", type=float, default=2.0, help="Of the kernel: larger is narrower.")
    parser.add_argument("--ridge", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--force", action="store_true")
    asked = parser.parse_args()
    make_file(asked.h5, asked.out, asked.folds, asked.width, asked.ridge, asked.seed, asked.force)


if __name__ == "__main__":
    main()
