"""HDF5 data sets of pictures with latents, or of plain pairs: written safely, streamed in blocks."""

from olacore.data.reader import Dataset, open_dataset
from olacore.data.schema import ROW, SPLITS, LatentSpace, Source
from olacore.data.stream import BUFFER_BYTES, BlockStream, RawBlock, find_nonfinite, iterate_once
from olacore.data.writer import LatentWriter, write_pairs

__all__ = [
    "BUFFER_BYTES",
    "ROW",
    "SPLITS",
    "BlockStream",
    "Dataset",
    "LatentSpace",
    "LatentWriter",
    "RawBlock",
    "Source",
    "find_nonfinite",
    "iterate_once",
    "open_dataset",
    "write_pairs",
]
