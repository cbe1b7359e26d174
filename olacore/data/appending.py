"""Appending rows to a file whose room was reserved when it was made: a kill costs only the append in hand."""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import numpy as np

from olacore.data.header import rows_valid_in
from olacore.data.storage import create_file, limit_index, lock_file, open_file
from olacore.errors import ConfigError


class RowFile:
    """An HDF5 file with room for a fixed number of rows, locked against other writers.

    Parameters
    ----------
    path : of the file; `resume` starts it where it is missing, `force` replaces it
    needed : bytes that `fill` allocates
    fill : is called with the open new file and makes attributes and data sets, `rows_valid` and `complete` too
    check : is called with the open file, new or resumed; it raises if the file was made with other settings

    Attributes
    ----------
    rows_valid : rows that are safely in the file

    Raises
    ------
    OutputExistsError  if there is a file and neither `force` nor `resume`
    OutputError  if the file cannot be written, another writer has it, or there is no room
    ConfigError  if both `force` and `resume` are given
    """

    def __init__(
        self,
        path: Path,
        needed: int,
        fill: Callable[[h5py.File], None],
        check: Callable[[h5py.File], None],
        *,
        force: bool = False,
        resume: bool = False,
    ) -> None:
        if force and resume:
            raise ConfigError("a file is either resumed or forced to start anew; got both.")
        self.path = path
        if resume and path.exists():
            self._lock = lock_file(path)
        else:
            self._lock = create_file(path, needed, force, fill)
        with ExitStack() as undo:
            undo.callback(os.close, self._lock)
            self._file = undo.enter_context(open_file(path, "r+", locking=False))
            limit_index(self._file)
            check(self._file)
            self.rows_valid = rows_valid_in(self._file)
            self._set("complete", 0)
            undo.pop_all()

    def store(self, arrays: Mapping[str, np.ndarray], count: int) -> None:
        """Add `count` rows to each of these data sets; when this returns they survive a kill."""
        first, last = self.rows_valid, self.rows_valid + count
        for name, array in arrays.items():
            self._file[name][first:last] = array
        self._flush()
        self._set("rows_valid", last)
        self.rows_valid = last

    def close(self, complete: bool = True) -> None:
        """Finish; `complete` says whether every row that was planned is there. Closing again does nothing."""
        if not self._file:
            return
        try:
            self._set("complete", int(complete))
            self._file.close()
        finally:
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(complete=kind is None)

    def _set(self, name: str, value: int) -> None:
        # `modify` writes in place; assignment would make a new attribute and move the old one.
        self._file.attrs.modify(name, np.asarray(value, self._file.attrs[name].dtype))
        self._flush()

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._lock)
