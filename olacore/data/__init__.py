"""HDF5 data sets of named fields, such as pictures with latents, or plain pairs: written safely, streamed in blocks."""

from olacore.data.dataset import Contents, Dataset
from olacore.data.encoded import EncodedDataset
from olacore.data.forms import FORMS, FieldSpec, Form
from olacore.data.header import Header
from olacore.data.pairs import PairsWriter, write_pairs
from olacore.data.reader import open_dataset
from olacore.data.records import ROW, SPLITS, Captions, InputFile, Source
from olacore.data.shards import locked_folder, shard_paths
from olacore.data.stream import BUFFER_BYTES, BlockStream, find_nonfinite, iterate_once
from olacore.data.writer import LatentWriter, Writer, read_plan

__all__ = [
    "BUFFER_BYTES",
    "FORMS",
    "ROW",
    "SPLITS",
    "BlockStream",
    "Captions",
    "Contents",
    "Dataset",
    "EncodedDataset",
    "FieldSpec",
    "Form",
    "Header",
    "InputFile",
    "LatentWriter",
    "PairsWriter",
    "Source",
    "Writer",
    "find_nonfinite",
    "iterate_once",
    "locked_folder",
    "open_dataset",
    "read_plan",
    "shard_paths",
    "write_pairs",
]
