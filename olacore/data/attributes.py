"""Attributes of an HDF5 file of which nothing is known: one check for each kind of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.errors import FileFormatError
from olacore.json_text import LARGEST, parse_json

# Numbers in an attribute: vectors have one a channel.
MOST = 1 << 16
WORDS = {
    h5py.h5t.STRING: "text",
    h5py.h5t.INTEGER: "a whole number",
    h5py.h5t.ENUM: "a whole number",
    h5py.h5t.FLOAT: "a number",
}
WHOLE, NUMBER, TEXT = (h5py.h5t.INTEGER, h5py.h5t.ENUM), (h5py.h5t.FLOAT, h5py.h5t.INTEGER), (h5py.h5t.STRING,)


def has(file: h5py.File, name: str) -> bool:
    """Whether the file has the attribute."""
    return h5py.h5a.exists(file.id, name.encode())


def whole_number(file: h5py.File, path: Path, name: str, least: int, most: int) -> int:
    """A whole number in `least..most`, alone in its attribute.

    Raises
    ------
    FileFormatError  if it is anything else, or missing
    """
    values = _numbers(file, path, name, WHOLE)
    if values.size != 1 or not least <= (value := int(values[0])) <= most:
        raise _refused(path, name, f"a whole number in {least}..{most}", values if values.size > 1 else values[0])
    return value


def whole_numbers(file: h5py.File, path: Path, name: str, count: int) -> list[int]:
    """So many whole numbers above 0.

    Raises
    ------
    FileFormatError  if it holds anything else, or is missing
    """
    values = _numbers(file, path, name, WHOLE)
    if values.size != count or values.min() < 1:
        raise _refused(path, name, f"{count} whole numbers above 0", values)
    return [int(value) for value in values]


def numbers(file: h5py.File, path: Path, name: str) -> float | list[float]:
    """A finite number, or a vector of them.

    Raises
    ------
    FileFormatError  if it holds anything else, or is missing
    """
    values = np.asarray(_read(file, path, name, NUMBER)).astype(np.float64)
    if not np.isfinite(values).all():
        raise _refused(path, name, "finite", values)
    found: float | list[float] = values.tolist()
    return found


def text(file: h5py.File, path: Path, name: str) -> str:
    """Text.

    Raises
    ------
    FileFormatError  if it is anything else, or no UTF-8, or missing
    """
    value = _read(file, path, name, TEXT)
    try:
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, str):
            # What was no UTF-8 is in it as halves of surrogate pairs.
            value.encode()
            return value
    except UnicodeError:
        pass
    raise _refused(path, name, "text in UTF-8", value)


def json_object(file: h5py.File, path: Path, name: str) -> dict[str, Any]:
    """The settings that an attribute holds as JSON.

    Raises
    ------
    FileFormatError  if it is no JSON object, or missing
    """
    found = parse_json(text(file, path, name), f"the attribute {name} of {path}")
    if not isinstance(found, dict):
        raise _refused(path, name, "a JSON object", found)
    return found


def _numbers(file: h5py.File, path: Path, name: str, kinds: Sequence[int]) -> np.ndarray:
    return np.atleast_1d(_read(file, path, name, kinds)).reshape(-1)


def _read(file: h5py.File, path: Path, name: str, kinds: Sequence[int]) -> Any:
    if not has(file, name):
        raise FileFormatError(f"{path} has a damaged header: it has no attribute {name}; make it again.")
    try:
        found = h5py.h5a.open(file.id, name.encode())
        kind, space = found.get_type().get_class(), found.get_space()
        count = space.get_simple_extent_npoints() if space.get_simple_extent_type() != h5py.h5s.NULL else 0
        if kind in kinds and 0 < count <= MOST and found.get_storage_size() <= LARGEST:
            return file.attrs[name]
    except (OSError, RuntimeError, TypeError, ValueError, KeyError) as error:
        reason = str(error).strip("'\"")
        raise FileFormatError(f"{path} has a damaged header: {name} cannot be read ({reason}).") from error
    word = WORDS.get(kind, "another type")
    raise _refused(path, name, WORDS[kinds[0]], f"{count} entries of {word}" if count > 1 else word if count else None)


def _refused(path: Path, name: str, wanted: str, got: object) -> FileFormatError:
    shown = str(got) if len(str(got)) <= 60 else f"{str(got)[:60]}.."
    return FileFormatError(f"{path} has a damaged header: {name} must be {wanted}; got {shown}; make it again.")
