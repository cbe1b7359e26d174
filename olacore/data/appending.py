"""Appending rows to a file whose room was reserved when it was made: a kill costs only the append in hand."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import h5py
import numpy as np

from olacore.data import attributes
from olacore.data.full_disk import Disk
from olacore.data.header import COUNTERS, Header, rows_valid_in
from olacore.data.offsets import find_places
from olacore.data.storage import cannot_write, create_file, limit_index, lock_file, open_file
from olacore.errors import ConfigError, FileFormatError, OlacoreError


class RowFile:
    """An HDF5 file with room for a fixed number of rows, locked against other writers.

    Parameters
    ----------
    path : of the file; `resume` starts it where it is missing, `force` replaces it
    needed : bytes that `fill` allocates
    fill : is called with the open new file and makes attributes and data sets, `rows_valid` and `complete` too
    check : is called with the open file, new or resumed, and gives its header; it raises if the file was made with
        other settings

    Attributes
    ----------
    rows_valid : rows that are safely in the file

    Raises
    ------
    OutputExistsError  if there is a file and neither `force` nor `resume`
    OutputError  if the file cannot be written, another writer has it, or there is no room
    ConfigError  if both `force` and `resume` are given
    FileFormatError  if a resumed file is damaged, or was not made by a writer like this one
    """

    def __init__(
        self,
        path: Path,
        needed: int,
        fill: Callable[[h5py.File], None],
        check: Callable[[h5py.File], Header],
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
            open_file(path, locking=False).close()  # says what is wrong with it
            self._disk = undo.enter_context(Disk(path))
            self._file = undo.enter_context(h5py.File(self._disk, "r+"))
            limit_index(self._file)
            with _damage_named(path):
                require_counters(self._file, path)
                header = check(self._file)
                self.rows_valid = rows_valid_in(self._file, path, header)
            self._set("complete", 0)
            undo.pop_all()

    def store(
        self, arrays: Mapping[str, np.ndarray], count: int, beside: Mapping[str, tuple[int, np.ndarray]] | None = None
    ) -> None:
        """Add `count` rows to each of these data sets; when this returns they survive a kill.

        Parameters
        ----------
        beside : what the rows need of data sets that are counted otherwise, and from which entry on it stands there
        """
        first, last = self.rows_valid, self.rows_valid + count
        places = {name: (first, array) for name, array in arrays.items()} | {**(beside or {})}
        try:
            for name, (start, array) in places.items():
                self._file[name][start : start + len(array)] = array
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self._flush()
        self._set("rows_valid", last)
        self.rows_valid = last

    def close(self, complete: bool = True) -> None:
        """Finish; `complete` says whether every row that was planned is there. Closing again does nothing."""
        if not self._file:
            return
        with ExitStack() as closing:
            closing.callback(os.close, self._lock)
            closing.enter_context(self._disk)
            closing.callback(self._check_disk)
            closing.callback(self._file.close)
            self._set("complete", int(complete))

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
        self._check_disk()

    def _check_disk(self) -> None:
        try:
            self._disk.check()
            os.fsync(self._lock)
        except OSError as error:
            raise cannot_write(self.path, error) from error


def require_counters(file: h5py.File, path: Path) -> None:
    """Raise unless a file counts its rows in the attributes that a writer makes, which are changed in place.

    Raises
    ------
    FileFormatError  if it does not
    """
    for name, dtype in COUNTERS.items():
        found = file.attrs.get_id(name) if attributes.has(file, path, name) else None
        if found is None or found.shape != () or found.dtype != dtype:
            raise FileFormatError(f"{path} was not made row by row and cannot be resumed ({name}); make it again.")


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Say of which file HDF5 found no sense in what it was asked for."""
    try:
        yield
    except OlacoreError:
        raise
    except (LookupError, RuntimeError, OSError) as error:
        raise FileFormatError(f"{path} is damaged and cannot be resumed ({error}); make it again.") from error


def require_room(file: h5py.File, path: Path, names: Iterable[str]) -> None:
    """Raise unless each of these data sets has room of its own, which was allocated when the file was made.

    Raises
    ------
    FileFormatError  naming the first that is a link, compressed, or not wholly there
    """
    places: set[int] = set()
    for name in names:
        array = file[name]
        link = file.id.links.get_info(name.encode()).type
        place = h5py.h5o.get_info(array.id).addr
        if link != h5py.h5l.TYPE_HARD or place in places or find_places(array) is None:
            what = f"/{name} in {path} is not as a writer leaves it"
            raise FileFormatError(f"{what}: a link, compressed or shared; it cannot be resumed, make it again.")
        places.add(place)
