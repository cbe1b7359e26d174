"""Migrants as files: small sealed safetensors, read only where they are whole and of the same run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import FileFormatError
from olacore.files import is_there, replace_file
from olacore.modules.tensor_file import Layout, open_sealed, seal
from olacore.strategies import State

KIND = "olacore/migrants/"
SCHEMA = f"{KIND}1"
# Bytes of a file that are read at most.
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Stamp:
    """Where migrants come from; only those of the same run are taken.

    Parameters
    ----------
    settings : digest of what decides the search, the number of the island left out
    data : digest of the data
    version : of olacore
    """

    settings: str
    data: str
    version: str

    def content(self, island: int, epoch: int, **more: Any) -> dict[str, Any]:
        """What a file says of itself.

        Parameters
        ----------
        island : counted from 0 on
        epoch : of the exchange, from 1 on
        """
        told = {"settings": self.settings, "data": self.data, "version": self.version}
        return {"schema": SCHEMA, **told, "island": island + 1, "epoch": epoch, **more}


def write_migrants(path: Path, arrays: State, content: dict[str, Any]) -> bytes | None:
    """Write a file in one step, unless it holds the very bytes already.

    Returns
    -------
    what it held before, if that was something else; None where it was missing or equal

    Raises
    ------
    OutputError  if it cannot be written
    """
    # A file has numbers in the order of their axes, whatever order they have in memory.
    made = seal({name: np.array(array, order="C") for name, array in arrays.items()}, content)
    try:
        before = path.read_bytes()
    except OSError:
        before = None
    if before != made:
        replace_file(path, made)
        return before
    return None


def read_migrants(path: Path, stamp: Stamp, island: int, epoch: int | None, like: State | None) -> tuple[State, int]:
    """Read what an island published, and the epoch that it says.

    Parameters
    ----------
    island : that it has to be of, counted from 0 on
    epoch : that it has to be of; None for any
    like : arrays whose names, types and shapes it has to have, but for their number along the first axis; None for any

    Raises
    ------
    FileFormatError  if it is damaged, of another run, version, island or epoch, or has other arrays
    """
    if is_there(path) and path.stat().st_size > MOST_BYTES:
        raise FileFormatError(f"{path} is larger than the {MOST_BYTES >> 20} MiB that migrants may have.")
    with open_sealed(path) as file:
        found = check_content(path, file.content, stamp, island, epoch)
        if like is not None:
            check_layout(path, file.layout, like)
        return file.load(), found


def check_layout(path: Path, layout: Layout, like: State) -> None:
    """Raise `FileFormatError` unless arrays have the names, types and shapes of others, but for their number."""
    for name in {**like, **layout}:
        if name not in like or name not in layout:
            raise FileFormatError(f"{path} {'lacks' if name in like else 'has'} the array {name!r}.")
        (shape, dtype), wanted = layout[name], like[name]
        if dtype != wanted.dtype or len(shape) != wanted.ndim or shape[1:] != wanted.shape[1:]:
            form = f"{wanted.dtype} {wanted.shape} but for the first axis"
            raise FileFormatError(f"{name} of {path} must be {form}; it is {dtype} {shape}.")


def check_content(path: Path, content: dict[str, Any], stamp: Stamp, island: int, epoch: int | None) -> int:
    """Return the epoch that a file says it is of.

    Raises
    ------
    FileFormatError  if it is of another run, version, island or epoch; both are named
    """
    said: Any = content.get("epoch")
    wanted = stamp.content(island, said if epoch is None else epoch)
    for name, value in wanted.items():
        if content.get(name) != value:
            theirs, ours = (short(each) for each in (content.get(name), value))
            raise FileFormatError(f"{path} has the {name} {theirs}, this run needs {ours}; it is not of this run.")
    if type(said) is not int or not 0 <= said < 1 << 53:
        raise FileFormatError(f"{path} has the epoch {said!r}, which is none.")
    return said


def short(value: Any) -> str:
    """A value of a header, a digest by its beginning."""
    return repr(value[:12] if isinstance(value, str) and len(value) == 64 else value)
