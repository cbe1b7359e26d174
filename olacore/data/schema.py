"""What a data set file holds: names, types, and the records that describe it, `LatentSpace` and `Source`."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import h5py
import numpy as np

from olacore.errors import ConfigError

SCHEMA = "olacore/latents/1"
PAIRS_SCHEMA = "olacore/pairs/1"
SPLITS = ("train", "validation", "held-out")
KINDS = ("photograph", "scene")
PAIR_TYPES = tuple(np.dtype(name) for name in ("float16", "float32", "float64"))

# One entry of `/rows`, as a caller gives it: the source, the time stamp in a video (-1 for a photograph) and
# the rectangle of the source, in its own pixels, that became the picture.
ROW = np.dtype(
    [("source", "<i4"), ("pts", "<i8"), ("top", "<i4"), ("left", "<i4"), ("height", "<i4"), ("width", "<i4")]
)
STORED_ROW = np.dtype([*ROW.descr, ("crc32", "<u4")])


@dataclass(frozen=True)
class LatentSpace:
    """The latent space that latents live in: who made them and how they are scaled.

    Parameters
    ----------
    maker : id of the model that made the latents, for people to read
    maker_sha256 : of its weights
    scaling, shift : the stored latent is (raw - shift) * scaling
    channels : of the latent
    factor : picture pixels per latent site, along each side
    picture_range : what pixel values 0 and 255 stand for in the maker's input
    """

    maker: str
    maker_sha256: str
    scaling: float
    shift: float
    channels: int
    factor: int = 8
    picture_range: tuple[float, float] = (-1.0, 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, every number in its canonical type, so that 1 and 1.0 are the same space."""
        low, high = self.picture_range
        return {
            "maker": str(self.maker),
            "maker_sha256": str(self.maker_sha256),
            "scaling": float(self.scaling),
            "shift": float(self.shift),
            "channels": int(self.channels),
            "factor": int(self.factor),
            "picture_range": [float(low), float(high)],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; keys it does not know are left alone."""
        low, high = values["picture_range"]
        return cls(
            maker=str(values["maker"]),
            maker_sha256=str(values["maker_sha256"]),
            scaling=float(values["scaling"]),
            shift=float(values["shift"]),
            channels=int(values["channels"]),
            factor=int(values["factor"]),
            picture_range=(float(low), float(high)),
        )

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits over everything but the maker's name."""
        values = self.to_dict()
        del values["maker"]
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Source:
    """One photograph or one scene of a video; all its pictures belong to one split.

    Raises
    ------
    ConfigError  if the kind or the split is unknown, or the name is a path
    """

    name: str
    kind: str
    split: str
    licence: str = ""
    author: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"a source is one of {KINDS}; {self.name!r} was called {self.kind!r}.")
        if self.split not in SPLITS:
            raise ConfigError(f"a split is one of {SPLITS}; {self.name!r} was put into {self.split!r}.")
        if "/" in self.name:
            raise ConfigError(f"a source is a file name, never a path; got {self.name!r}.")


def pack_sources(sources: Iterable[Source]) -> np.ndarray:
    """The entries of `/sources`: fixed-width UTF-8 text, the split as 0, 1, 2."""
    rows = [{k: v.encode() for k, v in asdict(s).items()} | {"split": SPLITS.index(s.split)} for s in sources]
    widths = {key: max([1, *(len(r[key]) for r in rows)]) for key in ("name", "kind", "licence", "author")}
    text = {key: h5py.string_dtype("utf-8", width) for key, width in widths.items()}
    fields = [(key, text.get(key, "u1")) for key in ("name", "kind", "split", "licence", "author")]
    return np.array([tuple(r[key] for key, _ in fields) for r in rows], np.dtype(fields))


def unpack_sources(packed: np.ndarray) -> tuple[Source, ...]:
    """The inverse of `pack_sources`."""
    text = ("name", "kind", "licence", "author")
    return tuple(Source(**{key: row[key].decode() for key in text}, split=SPLITS[row["split"]]) for row in packed)


def checksum_rows(rows: np.ndarray, arrays: Iterable[np.ndarray]) -> np.ndarray:
    """CRC-32 of every row: its entry in `/rows` (with the sum itself as zero), then its part of each array.

    Parameters
    ----------
    rows : (n,)  of type STORED_ROW
    arrays : each (n, ...), C-contiguous
    """
    blank = rows.copy()
    blank["crc32"] = 0
    sums = [0] * len(rows)
    for array in (blank, *arrays):
        data = np.ascontiguousarray(array).view(np.uint8).reshape(len(rows), -1)
        sums = [zlib.crc32(part.data, before) for part, before in zip(data, sums, strict=True)]
    return np.array(sums, np.uint32)
