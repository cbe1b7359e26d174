"""Any other frozen network as a teacher: a function in a user's own Python file."""

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import DataError, DTypeError, ShapeError
from olacore.foreign.programs import MOST_BYTES, named, own_function
from olacore.foreign.reading import read_file
from teachers.options import LoadOptions
from teachers.protocol import Arrays

BATCH = 8
FUNCTION = re.compile(r"(.+\.py):([^\W\d]\w*)")


class FunctionTeacher:
    """Plain pairs from `function(frames)`, which takes pictures (n, H, W, 3) uint8 and gives inputs and targets.

    Both are arrays of numbers with the same count of rows, a multiple of n: the rows of the first picture, then those
    of the second, and so on. The file is run once, as a program of the user's own.

    Parameters
    ----------
    path : of the Python file
    function : its name in the file
    batch : pictures to hand over at once

    Attributes
    ----------
    name, batch, settings : see `Teacher`

    Raises
    ------
    FileFormatError  if the file is missing or does not run
    ConfigError  if it has no such function
    """

    reads = ("frames",)
    writes = ("inputs", "targets")
    space = None

    def __init__(self, path: Path, function: str, batch: int | None = None) -> None:
        self.name = f"{path.name}:{function}"
        self.batch = batch or BATCH
        digest = hashlib.sha256(read_file(path, "the teacher", MOST_BYTES)).hexdigest()
        self.settings: dict[str, Any] = {"teacher": self.name, "teacher_sha256": digest, "batch": self.batch}
        self._path = path
        self._function = own_function(path, function, "the teacher", "frames")

    def answer(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """Turn pictures into plain pairs.

        Parameters
        ----------
        arrays : frames (n, H, W, 3) uint8

        Returns
        -------
        inputs (k n, in) and targets (k n, out), float32

        Raises
        ------
        FileFormatError  if the function raises anything, or exits
        ShapeError, DTypeError, DataError  if it gives anything but two such arrays
        """
        frames = arrays["frames"]
        with named(self._path, "the teacher"):
            given = self._function(frames)
            if not isinstance(given, tuple) or len(given) != 2:
                raise ShapeError(f"{self.name} must give inputs and targets; got {type(given).__name__}.")
            pairs = [np.asarray(array) for array in given]
        for array in pairs:
            if array.dtype.kind not in "fiub":
                raise DTypeError(f"{self.name} must give numbers; got {array.dtype}.")
            if array.ndim != 2 or 0 in array.shape or len(array) % len(frames) or len(array) != len(pairs[0]):
                shapes = f"{pairs[0].shape} and {pairs[1].shape} for {len(frames)} pictures"
                raise ShapeError(f"{self.name} must give (k n, in) and (k n, out) for n pictures; got {shapes}.")
            if not np.isfinite(array).all():
                raise DataError(f"{self.name} must give finite numbers; got NaN or inf.")
        return {name: array.astype(np.float32) for name, array in zip(self.writes, pairs, strict=True)}


def is_function(reference: str) -> bool:
    """Whether a reference looks like `my_teacher.py:fn`."""
    return FUNCTION.fullmatch(reference) is not None


def load_function(reference: str, options: LoadOptions) -> FunctionTeacher:
    """Load the function that a reference names."""
    found = FUNCTION.fullmatch(reference)
    assert found
    return FunctionTeacher(Path(found[1]), found[2], options.batch)
