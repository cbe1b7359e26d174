"""Data sets of an HDF5 file of which nothing is known: of the file itself, and with as much in them as they say."""

import math
from pathlib import Path

import h5py
import numpy as np

from olacore.errors import DTypeError, FileFormatError, ShapeError

# Compression by deflate gains less than this.
MOST_GAIN = 2_000
# A chunk that has to be unpacked in memory.
CHUNK_BYTES = 1 << 28
# Entries that may take less than a byte each, compressed.
MANY = 100_000


def require_own(file: h5py.File, path: Path) -> None:
    """Raise unless everything that a file names lies in it: soft links within the file are fine.

    Nothing is read. Otherwise a file from elsewhere could name any other that its reader may read.

    Raises
    ------
    FileFormatError  naming the first link into another file, virtual data set or data set with external storage
    """

    found: list[tuple[bytes, int]] = []
    try:
        # HDF5 calls this, and so nothing may be raised in it.
        file.id.links.visit(lambda name, info: found.append((name, info.type)), info=True)
        reasons = (_lies_elsewhere(file, name, kind) for name, kind in found)
        reason = next((reason for reason in reasons if reason), None)
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is damaged: {_plain(error)}; copy it again.") from error
    if reason:
        raise FileFormatError(f"{path} is not read, because {reason}; copy the data into one file, as h5repack does.")


def _lies_elsewhere(file: h5py.File, name: bytes, kind: int) -> str | None:
    shown = f"/{name.decode(errors='replace')}"
    if kind == h5py.h5l.TYPE_SOFT:
        return None
    if kind != h5py.h5l.TYPE_HARD:
        return f"{shown} is a link into another file"
    found = h5py.h5o.open(file.id, name)
    if not isinstance(found, h5py.h5d.DatasetID):
        return None
    properties = found.get_create_plist()
    if properties.get_layout() == h5py.h5d.VIRTUAL:
        return f"{shown} is a virtual data set, put together of others"
    return f"{shown} lies outside, in external storage" if properties.get_external_count() else None


def require_array(
    file: h5py.File, path: Path, name: str, shape: tuple[int | str, ...], dtypes: tuple[np.dtype, ...]
) -> h5py.Dataset:
    """The data set `name`, which must have this shape (a word: any size above 0) and one of these types.

    The order of the bytes in a number is the file's affair.

    Raises
    ------
    FileFormatError, ShapeError, DTypeError  if it is missing, misshapen, of a wrong type, or not wholly written
    """
    types = " or ".join(str(dtype) if dtype.names is None else "a record" for dtype in dtypes)
    wanted = f"{types} ({', '.join(map(str, shape))})"
    array, dtype = find_array(file, path, name, wanted)
    found = array.shape or ()
    if len(found) != len(shape) or any(
        has != size and (has < 1 or isinstance(size, int)) for has, size in zip(found, shape, strict=True)
    ):
        raise ShapeError(f"/{name} in {path} must be {wanted}; got {dtype} {array.shape}.")
    if dtype.newbyteorder("=") not in [each.newbyteorder("=") for each in dtypes]:
        raise DTypeError(f"/{name} in {path} must be {wanted}; got {dtype} {array.shape}.")
    require_written(array, path, name)
    return array


def find_array(file: h5py.File, path: Path, name: str, wanted: str) -> tuple[h5py.Dataset, np.dtype]:
    """The data set `name`, of any shape, and its type.

    Raises
    ------
    FileFormatError  if there is none, or its type is unknown to NumPy
    """
    try:
        array = file.get(name)
        if isinstance(array, h5py.Dataset):
            return array, array.dtype
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"/{name} in {path} must be {wanted}; it cannot be opened: {_plain(error)}.") from error
    raise FileFormatError(f"{path} has no data set /{name}; expected {wanted}.")


def require_written(array: h5py.Dataset, path: Path, name: str) -> None:
    """Raise unless a data set was written in full, and takes about as many bytes as its shape and type say.

    What was never written would be read as zeros, and takes no room in the file, but in memory.

    Raises
    ------
    FileFormatError  if it does not, or was compressed in a way that is unknown here
    """
    try:
        properties = array.id.get_create_plist()
        filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
        chunks = array.id.get_num_chunks() if array.chunks else 0
        # Of chunks this is the sum over all.
        stored = array.id.get_storage_size() if filters or not array.chunks else 0
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"/{name} in {path} is damaged: {_plain(error)}; copy it again.") from error
    told = math.prod(array.shape) * array.dtype.itemsize
    needed = math.prod(-(-size // chunk) for size, chunk in zip(array.shape, array.chunks or (), strict=False))
    if chunks < needed if array.chunks else stored < told:
        what = f"{chunks:,} of {needed:,} chunks" if array.chunks else f"{stored:,} of {told:,} bytes"
        raise FileFormatError(f"only {what} of /{name} in {path} were ever written; make it again.")
    if not filters:
        return
    unknown = [code for code in filters if not h5py.h5z.filter_avail(code)]
    if unknown:
        raise FileFormatError(f"/{name} in {path} needs the HDF5 filter {unknown[0]}; store it with gzip instead.")
    # A byte for each entry is what a split takes, and that may be all zeros.
    if told > MOST_GAIN * stored or told > len(array) > max(MANY, stored):
        claim = f"{len(array):,} entries and {told:,} bytes"
        raise FileFormatError(f"/{name} in {path} claims {claim} in {stored:,} bytes; store it uncompressed.")
    if (size := math.prod(array.chunks) * array.dtype.itemsize) > CHUNK_BYTES:
        raise FileFormatError(f"/{name} in {path} has compressed chunks of {size:,} bytes; store it in smaller ones.")


def _plain(error: Exception) -> str:
    return str(error).strip("'\"")
