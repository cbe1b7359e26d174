"""HDF5 data sets of pictures with latents, or of plain pairs: written safely, streamed in blocks."""

from olacore.data.dataset import Dataset, open_dataset
from olacore.data.pairs import PairsWriter, write_pairs
from olacore.data.records import ROW, SPLITS, InputFile, Source
from olacore.data.shards import locked_folder, shard_paths
from olacore.data.stream import BUFFER_BYTES, BlockStream, find_nonfinite, iterate_once
from olacore.data.writer import LatentWriter, read_plan

__all__ = [
    "BUFFER_BYTES",
    "ROW",
    "SPLITS",
    "BlockStream",
    "Dataset",
    "InputFile",
    "LatentWriter",
    "PairsWriter",
    "Source",
    "find_nonfinite",
    "iterate_once",
    "locked_folder",
    "open_dataset",
    "read_plan",
    "shard_paths",
    "write_pairs",
]
