"""Compressed chunks that would unpack to far more than a chunk: HDF5 unpacks to the end, however far that is."""

import zlib
from itertools import product

import h5py

# What may be unpacked without a look; deflate makes at most 1032 bytes of one.
HARMLESS_BYTES, MOST_GAIN = 1 << 28, 1032
PIECE_BYTES = 1 << 20
# Beside the chunk: its checksum, and what deflate adds to what it cannot compress.
SPARE = 1024


def require_chunk_size(array: h5py.Dataset, first: int, last: int, known: set[tuple[int, ...]]) -> None:
    """Raise unless the deflated chunks of rows unpack to a chunk each; nothing larger than a piece is held.

    Parameters
    ----------
    first, last : the rows
    known : chunks that were looked at before; those of the rows are added

    Raises
    ------
    OSError  otherwise
    """
    properties = array.id.get_create_plist()
    filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
    if h5py.h5z.FILTER_DEFLATE not in filters:
        return
    mask = 1 << filters.index(h5py.h5z.FILTER_DEFLATE)
    most = array.dtype.itemsize
    for size in array.chunks:
        most *= size
    most += most // 64 + SPARE
    begins = (first - first % array.chunks[0], *[0] * (array.ndim - 1))
    ends = (last, *array.shape[1:])
    for place in product(*map(range, begins, ends, array.chunks)):
        if place in known:
            continue
        size = array.id.get_chunk_info_by_coord(place).size
        if size > most or (size * MOST_GAIN > HARMLESS_BYTES and _is_larger(array, place, mask, most)):
            raise OSError(f"the chunk at {place} unpacks to more than its {most:,} bytes")
        known.add(place)


def _is_larger(array: h5py.Dataset, place: tuple[int, ...], mask: int, most: int) -> bool:
    skipped, left = array.id.read_direct_chunk(place)
    inflater, size = zlib.decompressobj(), 0
    try:
        while left and not skipped & mask and not inflater.eof and size <= most:
            size += len(inflater.decompress(left, PIECE_BYTES))
            left = inflater.unconsumed_tail
    except zlib.error as error:
        raise OSError(f"the chunk at {place} cannot be unpacked: {error}") from error
    return size > most
