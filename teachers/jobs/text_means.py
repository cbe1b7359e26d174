"""What is stored once a caption: the embedding that the data have, and the text means of a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from olacore.data import Dataset
from olacore.data.arrays import find_array, require_array, require_written
from olacore.data.forms import FLOAT16, FLOAT32, FLOAT64
from olacore.data.storage import SIGNATURE, open_file
from olacore.errors import DataError, FileFormatError, ShapeError
from olacore.foreign.arrays import check_numbers, read_arrays
from olacore.foreign.schema import shown

NAMES = ("captions", "text_means", "certainty")
OPTIONAL = "certainty"
MOST_BYTES = 1 << 31
MAKER = "`ola train --folds`"


class CaptionFields:
    """The fields with an entry for each caption, found by its text.

    Parameters
    ----------
    data : has the embeddings
    text_means : file of text means, if there is one

    Attributes
    ----------
    names : of the optional fields
    digest : SHA-256 of the file; empty where there is none

    Raises
    ------
    FileFormatError, ShapeError  if the file cannot be read, or does not fit the latents
    """

    def __init__(self, data: Dataset, text_means: Path | None) -> None:
        self._data = data
        self._arrays: dict[str, np.ndarray] = {}
        self._path, self.digest = text_means, ""
        self._places: dict[str, tuple[int, int]] = {}
        numbers = data.read(["rows"], np.arange(data.count))["rows"]["source"]
        for source, row in zip(*np.unique(numbers, return_index=True), strict=True):
            for choice, text in enumerate(data.captions[source]):
                self._places.setdefault(text, (int(row), choice))
        self._numbers: dict[str, int] = {}
        if text_means is not None:
            texts, self._arrays = read_text_means(text_means, data.latent_shape or ())
            self._numbers = {text: number for number, text in enumerate(texts)}
            self.digest = hashlib.sha256(text_means.read_bytes()).hexdigest()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the optional fields."""
        return tuple(self._arrays)

    def check(self, texts: Sequence[str]) -> None:
        """Raise unless the file has finite numbers for captions.

        Raises
        ------
        DataError  naming one that it lacks, or whose numbers are not finite in the type that stores them
        """
        if self._path is None:
            return
        absent = [text for text in texts if text not in self._numbers]
        if absent:
            lacks = f"lacks {len(absent)} of {len(texts)} captions, {shown(absent[0])} is one"
            raise DataError(f"{self._path} {lacks}; make it of the same data with {MAKER}.")
        found = self._of_file(texts)
        for name, array in found.items():
            broken = np.flatnonzero(~np.isfinite(array.reshape(len(texts), -1)).all(1))
            if len(broken):
                what = f"those of {shown(texts[broken[0]])} are not"
                raise DataError(f"{name} in {self._path} must be finite as {array.dtype}; {what}.")

    def of(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """The fields of captions, (k, ...) each."""
        rows, choice = np.array([self._places[text] for text in texts], np.int64).T
        return self._data.read(["embeddings"], rows, choice=choice) | self._of_file(texts)

    def _of_file(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        numbers = [self._numbers[text] for text in texts] if self._arrays else []
        types = {"text_means": np.float16, OPTIONAL: np.float32}
        with np.errstate(over="ignore"):
            return {name: array[numbers].astype(types[name]) for name, array in self._arrays.items()}


def read_text_means(path: Path, shape: tuple[int, ...]) -> tuple[list[str], dict[str, np.ndarray]]:
    """Read captions, and for each its text mean and, where the file says it, how sure that is.

    Parameters
    ----------
    path : an `.npz` or HDF5 file with the arrays `captions` (k,) text, `text_means` (k, C, h, w) and `certainty` (k, 2)
    shape : of a latent

    Raises
    ------
    FileFormatError  if it cannot be read, or lacks an array
    ShapeError  if the arrays do not fit each other or the latents
    """
    texts, arrays = _of_hdf5(path) if _is_hdf5(path) else _of_npz(path)
    if len(set(texts)) < len(texts):
        raise FileFormatError(f"{path} has a caption twice; make it again with {MAKER}.")
    for name, wanted in (("text_means", shape), (OPTIONAL, (2,))):
        if name in arrays and arrays[name].shape != (len(texts), *wanted):
            found = arrays[name].shape
            raise ShapeError(f"{name} in {path} must be {(len(texts), *wanted)}; got {found}. Are they of other data?")
    return texts, arrays


def _is_hdf5(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def _of_npz(path: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    found = read_arrays(path, "file of text means", MAKER, NAMES, MOST_BYTES)
    _require_names(path, [*found])
    texts = found.pop("captions")
    if texts.dtype.kind != "U" or texts.ndim != 1:
        raise FileFormatError(f"captions in {path} must be a list of text; got {texts.dtype} {texts.shape}.")
    return texts.tolist(), {
        name: check_numbers(found[name], f"{name} in {path}") for name in NAMES[1:] if name in found
    }


def _of_hdf5(path: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    with open_file(path) as file:
        _require_names(path, [name for name in NAMES if name in file])
        texts, dtype = find_array(file, path, "captions", "text")
        if texts.ndim != 1 or dtype.kind != "S":
            raise FileFormatError(f"/captions in {path} must be a list of text of a fixed width; got {dtype}.")
        require_written(texts, path, "captions")
        arrays = {}
        for name, axes in (("text_means", ("C", "h", "w")), (OPTIONAL, (2,))):
            if name in file:
                found = require_array(file, path, name, (len(texts), *axes), (FLOAT16, FLOAT32, FLOAT64))
                if found.size * found.dtype.itemsize > MOST_BYTES:
                    raise FileFormatError(f"/{name} in {path} is too large; at most {MOST_BYTES} bytes are read.")
                arrays[name] = found[:]
        return [text.decode("utf-8", "replace") for text in texts[:].tolist()], arrays


def _require_names(path: Path, found: Sequence[str]) -> None:
    absent = [name for name in NAMES if name not in found and name != OPTIONAL]
    if absent:
        raise FileFormatError(f"{path} lacks {' and '.join(absent)}; make it with {MAKER}.")
