"""Where the rows of a data set lie in its file, and reading them from there.

HDF5 takes longer to find and hand over a chunk than a fast disk takes to read it, and lets no other thread work
meanwhile. What is stored as it is, uncompressed, is therefore read past it.
"""

import os
from collections.abc import Callable, Iterator

import h5py
import numpy as np

# A read costs about as much as copying 16 KiB, so smaller gaps between wanted rows are read as well, in pieces of at
# most 8 MiB.
GAP_BYTES = 1 << 14
PIECE_BYTES = 1 << 23

# Gives the byte at which each of some rows (m,) begins: (m,) int64.
Places = Callable[[np.ndarray], np.ndarray]


def find_places(array: h5py.Dataset) -> Places | None:
    """Find out where the rows of a data set lie.

    Returns
    -------
    None if HDF5 has to read them: they are compressed, share chunks, lie elsewhere, or were never written
    """
    properties = array.id.get_create_plist()
    plain = h5py.h5t.py_create(array.dtype).equal(array.id.get_type()) and not properties.get_nfilters()
    if not plain or array.file.userblock_size or not hasattr(os, "preadv"):
        return None
    # A damaged file may name any place.
    end = array.file.id.get_filesize()
    if array.chunks is None:
        begin, row_bytes = array.id.get_offset(), bytes_of_row(array)
        return None if begin is None or begin > end else lambda rows: begin + row_bytes * rows
    if array.chunks != (1, *array.shape[1:]) or not hasattr(array.id, "chunk_iter"):
        return None
    places, size = np.full(len(array), -1, np.int64), bytes_of_row(array)

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        # A damaged index may hold chunks of no place.
        row = chunk.chunk_offset[0] if chunk.chunk_offset else -1
        if 0 <= row < len(places) and chunk.size == size and chunk.byte_offset <= end:
            places[row] = chunk.byte_offset

    array.id.chunk_iter(note)
    return places.__getitem__ if places.min() >= 0 else None


def read_places(descriptor: int, places: np.ndarray, dtype: np.dtype, out: np.ndarray) -> None:
    """Read rows from their places in a file.

    Parameters
    ----------
    places : (m,) int64  the bytes at which they begin
    dtype : what is stored there
    out : (m, ...)  C-contiguous; written

    Raises
    ------
    OSError  if they cannot be read, or the file ends before
    """
    row_bytes = dtype.itemsize * int(np.prod(out.shape[1:]))
    for begin, end in find_pieces(places, row_bytes, GAP_BYTES):
        count = int(places[end - 1] - places[begin]) // row_bytes + 1
        if count == end - begin and dtype == out.dtype:
            _read_fully(descriptor, int(places[begin]), out[begin:end])
        else:
            piece = np.empty((count, *out.shape[1:]), dtype)
            _read_fully(descriptor, int(places[begin]), piece)
            # A float64 beyond float32 becomes inf, which is found and counted with the others.
            with np.errstate(over="ignore"):
                out[begin:end] = piece[(places[begin:end] - places[begin]) // row_bytes]


def find_pieces(places: np.ndarray, row_bytes: int, gap_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut rows into pieces that are read at once: whole rows, the wanted ones and those in the gaps between them.

    Parameters
    ----------
    places : (m,) int64  the bytes at which they begin
    gap_bytes : the widest gap within a piece

    Returns
    -------
    the first row of each piece and the one behind its last, counted in `places`
    """
    steps = np.diff(places)
    apart = (steps < row_bytes) | (steps > row_bytes + gap_bytes) | (steps % row_bytes != 0)
    begin = 0
    for edge in [*(np.flatnonzero(apart) + 1).tolist(), len(places)]:
        while begin < edge:
            last = places[begin] + max(PIECE_BYTES, row_bytes) - row_bytes
            fits = places[edge - 1] <= last
            end = edge if fits else begin + int(np.searchsorted(places[begin:edge], last, "right"))
            yield begin, end
            begin = end


def bytes_of_row(array: h5py.Dataset) -> int:
    """Bytes that a row takes in the file, uncompressed."""
    return array.dtype.itemsize * int(np.prod(array.shape[1:]))


def _read_fully(descriptor: int, place: int, out: np.ndarray) -> None:
    left = out.reshape(-1).view(np.uint8)
    while len(left):
        count = os.preadv(descriptor, [left.data], place)
        if not count:
            raise OSError(f"the file ends at byte {place}")
        left, place = left[count:], place + count
