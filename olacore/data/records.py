"""What a data set file holds: names, types, and the records that describe it, `Source` and `InputFile`."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import h5py
import numpy as np

from olacore.errors import ConfigError
from olacore.foreign.names import counted
from olacore.text.style import is_style

# Names of the splits; their place is the number that a file stores.
SPLITS = ("train", "validation", "held-out")
KINDS = ("photograph", "scene", "text")

# One entry of `/rows`, as a caller gives it: the source, the time stamp in a video (-1 for a photograph) and
# the rectangle of the source, in its own pixels, that became the picture.
ROW = np.dtype(
    [("source", "<i4"), ("pts", "<i8"), ("top", "<i4"), ("left", "<i4"), ("height", "<i4"), ("width", "<i4")]
)
STORED_ROW = np.dtype([*ROW.descr, ("crc32", "<u4")])
# The parts of the entries below that are no text.
SOURCE_NUMBERS = {"split": "u1"}
FILE_NUMBERS = dict.fromkeys(("rows", "frames", "damaged"), "<i8")


@dataclass(frozen=True)
class Source:
    """One photograph, one scene of a video, or a caption alone; all its rows belong to one split and share its caption.

    Parameters
    ----------
    name : of the file, never a path
    kind : "photograph", "scene" or "caption"
    split : "train", "validation" or "held-out"
    licence, author : empty where they are not known
    caption : where the form of the file has no captions of their own
    part : what the split is called where it is one of several, such as "concept-held-out"
    style : that its captions are joined with, see `olacore.text.style`

    Raises
    ------
    ConfigError  if the kind or the split is unknown, the name is a path, or the style is none
    """

    name: str
    kind: str
    split: str
    licence: str = ""
    author: str = ""
    caption: str = ""
    part: str = ""
    style: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"a source is one of {KINDS}; {self.name!r} was called {self.kind!r}.")
        if self.split not in SPLITS:
            raise ConfigError(f"a split is one of {SPLITS}; {self.name!r} was put into {self.split!r}.")
        if "/" in self.name:
            raise ConfigError(f"a source is a file name, never a path; got {self.name!r}.")
        if self.style and not is_style(self.style):
            raise ConfigError(f"a style is a word or a few in lower case; {self.name!r} has {self.style[:60]!r}.")


@dataclass(frozen=True)
class Captions:
    """The captions of a file, and whose they are.

    Parameters
    ----------
    texts : each once, in the order in which rows first have them, so that a file that is not finished has the first
    of_sources : numbers of the captions of each source, one or more

    Raises
    ------
    ConfigError  if a text is empty or there twice, or a source has none
    """

    texts: tuple[str, ...] = ()
    of_sources: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if not all(self.texts) or len(set(self.texts)) < len(self.texts):
            raise ConfigError("captions must be different texts, none of them empty.")
        numbers = [number for one in self.of_sources for number in one]
        if not all(self.of_sources) or (numbers and not 0 <= min(numbers) <= max(numbers) < len(self.texts)):
            raise ConfigError(f"every source has captions, numbered in 0..{len(self.texts) - 1}.")

    @classmethod
    def of(cls, texts: Sequence[Sequence[str]], rows: np.ndarray) -> Self:
        """Number the captions of each source in the order of the rows, (n,) of type `ROW`."""
        numbers: dict[str, int] = {}
        for source in dict.fromkeys(rows["source"].tolist()):
            for text in texts[source]:
                numbers.setdefault(text, len(numbers))
        return cls(tuple(numbers), tuple(tuple(numbers[text] for text in dict.fromkeys(one)) for one in texts))

    @classmethod
    def by_row(cls, texts: Sequence[str], rows: np.ndarray) -> tuple[Self, np.ndarray]:
        """Number the captions of rows that have one each; a source has those of its rows.

        Parameters
        ----------
        texts : n, of each row
        rows : (n,) of type `ROW`; each source up to the last has some

        Returns
        -------
        the captions, and the number of each row's, (n,) int32
        """
        numbers: dict[str, int] = {}
        own = [numbers.setdefault(text, len(numbers)) for text in texts]
        of_sources: dict[int, dict[int, None]] = {}
        for source, number in zip(rows["source"].tolist(), own, strict=True):
            of_sources.setdefault(source, {})[number] = None
        return cls(tuple(numbers), tuple(tuple(of_sources[source]) for source in sorted(of_sources))), np.array(
            own, np.int32
        )

    def by_source(self) -> list[tuple[str, ...]]:
        """The texts of each source."""
        return [tuple(self.texts[number] for number in one) for one in self.of_sources]


@dataclass(frozen=True)
class InputFile:
    """A file that was given to make a data set of, whether or not it gave any rows.

    Parameters
    ----------
    name : without a path
    sha256 : of its content; empty if it could not be read
    rows : that it gives, next to each other in the order of the files
    frames : pictures that were decoded in it, damaged ones not counted
    damaged : packets and frames of a video that could not be decoded
    note : why it gives nothing

    Raises
    ------
    ConfigError  if a number is below 0
    """

    name: str
    sha256: str
    rows: int
    frames: int = 1
    damaged: int = 0
    note: str = ""

    def __post_init__(self) -> None:
        if min(self.rows, self.frames, self.damaged) < 0:
            counts = f"{counted(self.rows, 'row')}, {counted(self.frames, 'frame')} and "
            counts += counted(self.damaged, "damaged packet")
            raise ConfigError(f"what a file gives is counted from 0 on; {self.name!r} was said to have {counts}.")


def pack_sources(sources: Iterable[Source]) -> np.ndarray:
    """The entries of `/sources`: fixed-width UTF-8 text, the split as 0, 1, 2; captions, parts, styles if there are."""
    records = [asdict(source) | {"split": SPLITS.index(source.split)} for source in sources]
    for name in ("caption", "part", "style"):
        if not any(record[name] for record in records):
            for record in records:
                del record[name]
    return _pack(records, SOURCE_NUMBERS)


def unpack_sources(packed: np.ndarray) -> tuple[Source, ...]:
    """The inverse of `pack_sources`.

    Raises
    ------
    ValueError, TypeError  if these are no such entries
    """
    records = _unpack(packed, SOURCE_NUMBERS)
    if any(record["split"] not in range(len(SPLITS)) for record in records):
        raise ValueError("the split of a source is 0, 1 or 2")
    return tuple(Source(**record | {"split": SPLITS[record["split"]]}) for record in records)


def pack_captions(captions: Captions) -> tuple[np.ndarray, np.ndarray]:
    """What `/captions` holds, (k,) fixed-width UTF-8 text, and `/source_captions`: (m, 2) int32, source and caption."""
    encoded = [text.encode() for text in captions.texts]
    width = h5py.string_dtype("utf-8", max(map(len, encoded)))
    pairs = [(source, number) for source, one in enumerate(captions.of_sources) for number in one]
    return np.array(encoded, width), np.array(pairs, np.int32)


def unpack_captions(texts: np.ndarray, pairs: np.ndarray, sources: int) -> Captions:
    """The inverse of `pack_captions`.

    Raises
    ------
    ValueError, ConfigError  if these are no such entries
    """
    found: list[list[int]] = [[] for _ in range(sources)]
    if len(pairs) and not 0 <= pairs[:, 0].min() <= pairs[:, 0].max() < sources:
        raise ValueError("captions are of sources that are not there")
    for source, number in pairs.tolist():
        found[source].append(number)
    return Captions(tuple(text.decode() for text in texts.tolist()), tuple(map(tuple, found)))


def pack_files(files: Iterable[InputFile]) -> np.ndarray:
    """The entries of `/files`: fixed-width UTF-8 text and whole numbers."""
    return _pack([asdict(file) for file in files], FILE_NUMBERS)


def unpack_files(packed: np.ndarray) -> tuple[InputFile, ...]:
    """The inverse of `pack_files`.

    Raises
    ------
    ValueError, TypeError  if these are no such entries
    """
    return tuple(InputFile(**record) for record in _unpack(packed, FILE_NUMBERS))


def _pack(records: list[dict[str, Any]], numbers: Mapping[str, str]) -> np.ndarray:
    """Records of text, and of numbers of these types, as an array that HDF5 stores; text as wide as the widest."""
    rows = [{key: v.encode() if isinstance(v, str) else v for key, v in record.items()} for record in records]
    fields = [
        (key, numbers.get(key) or h5py.string_dtype("utf-8", max([1, *(len(row[key]) for row in rows)])))
        for key in rows[0]
    ]
    return np.array([tuple(row.values()) for row in rows], np.dtype(fields))


def _unpack(packed: np.ndarray, numbers: Mapping[str, str]) -> list[dict[str, Any]]:
    for name in packed.dtype.names or ():
        if (packed.dtype[name].kind == "S") == (name in numbers):
            raise TypeError(f"{name} is {'a whole number' if name in numbers else 'text'}")
    return [
        {
            name: int(value) if name in numbers else value.decode()
            for name, value in zip(row.dtype.names, row, strict=True)
        }
        for row in packed
    ]


def checksum_rows(rows: np.ndarray, arrays: Iterable[np.ndarray]) -> np.ndarray:
    """CRC-32 of every row: its entry in `/rows` (with the sum itself as zero), then its part of each array.

    Parameters
    ----------
    rows : (n,)  of type STORED_ROW
    arrays : each (n, ...)
    """
    blank = rows.copy()
    blank["crc32"] = 0
    return checksums([blank, *arrays])


def checksums(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """CRC-32 of every entry of some arrays, (n, ...) each, one behind the other: (n,) uint32."""
    sums: list[int] = []
    for array in arrays:
        sums = sums or [0] * len(array)
        data = np.ascontiguousarray(array).view(np.uint8).reshape(len(array), -1)
        sums = [zlib.crc32(part.data, before) for part, before in zip(data, sums, strict=True)]
    return np.array(sums, np.uint32)
