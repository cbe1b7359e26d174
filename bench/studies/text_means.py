"""What text alone says of the latent of each caption, by kernel ridge regression on captions of other folds.

python -m bench.studies.text_means DATA.h5 --out FILE.npz [--folds 10]: a closed form in place of a text module, for
`ola precompute --denoiser --text-means FILE.npz`. A denoiser has to be trained with text means of a module that did
not see the row, or it learns to copy them. A training caption's mean comes from the training rows of other folds,
those of other captions from all training rows; captions that share a picture are in one fold.
"""

from __future__ import annotations

import argparse
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from olacore.data import Dataset, open_dataset
from olacore.data.texts import Texts, certainty, folds_of, read_texts
from olacore.errors import DataError, OlacoreError
from olacore.files import check_output, replace_file


@dataclass(frozen=True)
class KnownTexts(Texts):
    """Captions, and what is to be known of them.

    Parameters
    ----------
    latents : (k, numbers) float64, the mean latent of the training rows of each; zeros where there are none
    """

    latents: np.ndarray

    @classmethod
    def read(cls, data: Dataset) -> KnownTexts:
        """Read every caption of a data set once, and the latents of the training rows that have it."""
        texts = read_texts(data)
        numbers = {text: number for number, text in enumerate(texts.captions)}
        sums = np.zeros((len(numbers), int(np.prod(data.latent_shape or ()))))
        sources = data.read(["rows"], np.arange(data.count))["rows"]["source"]
        train = data.indices("train")
        for start in range(0, len(train), 256):
            here = train[start : start + 256]
            latents = data.read(["latents"], here)["latents"].reshape(len(here), -1)
            for row, latent in zip(here, latents, strict=True):
                sums[[numbers[text] for text in data.captions[sources[row]]]] += latent
        known = (texts.captions, texts.embeddings, texts.counts, texts.groups, texts.of_rows)
        return cls(*known, sums / np.maximum(texts.counts, 1)[:, None])


def fit_and_ask(texts: KnownTexts, known: np.ndarray, asked: np.ndarray, width: float, ridge: float) -> np.ndarray:
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


def text_means(texts: KnownTexts, folds: int, width: float, ridge: float, seed: int) -> np.ndarray:
    """The text mean of every caption by a fit that did not see its rows: (k, numbers).

    Raises
    ------
    ConfigError  if a fold would have nothing to learn from
    """
    train = np.flatnonzero(texts.counts)
    own = folds_of(texts, folds, seed)
    found = np.empty_like(texts.latents)
    for fold in (*range(folds), -1):
        asked = np.flatnonzero(own == fold)
        known = train[own[train] != fold]
        if len(asked):
            found[asked] = fit_and_ask(texts, known, asked, width, ridge)
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
        texts = KnownTexts.read(data)
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
    try:
        make_file(asked.h5, asked.out, asked.folds, asked.width, asked.ridge, asked.seed, asked.force)
    except OlacoreError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
