"""The header of a latents file, everything in it that never changes: written, read and checked."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.data.records import (
    PAIRS_SCHEMA,
    SCHEMA,
    STORED_ROW,
    InputFile,
    Source,
    pack_files,
    pack_sources,
    unpack_files,
    unpack_sources,
)
from olacore.data.storage import create_array
from olacore.errors import ConfigError, DTypeError, FileFormatError, ShapeError
from olacore.spaces import LatentSpace
from olacore.version import __version__


@dataclass(frozen=True)
class Header:
    """What a latents file is made for.

    Parameters
    ----------
    size : (H, W)  of every picture, multiples of the latent space's factor
    capacity : rows that the file has room for
    recon : whether it has the teacher's own decodings
    settings : how the rows were made (resize rule, seed and so on), JSON types
    files : what the rows were made of; older files do not say

    Raises
    ------
    ConfigError  if a number is out of range
    """

    space: LatentSpace
    size: tuple[int, int]
    capacity: int
    sources: tuple[Source, ...]
    recon: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    files: tuple[InputFile, ...] = ()

    def __post_init__(self) -> None:
        height, width = self.size
        factor = self.space.factor
        if height < 1 or width < 1 or height % factor or width % factor:
            raise ConfigError(f"height and width must be multiples of {factor}; got {height} x {width}.")
        if self.capacity < 1 or not self.sources:
            counts = f"{self.capacity} rows from {len(self.sources)} sources"
            raise ConfigError(f"a data set needs at least one row and one source; got {counts}.")

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        height, width = self.size
        return self.space.channels, height // self.space.factor, width // self.space.factor

    @property
    def arrays(self) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Row shape and type of each data set with one entry a picture, in the order of the checksum."""
        picture = ((*self.size, 3), np.dtype(np.uint8))
        arrays: dict[str, tuple[tuple[int, ...], np.dtype]] = {
            "frames": picture,
            "latents": (self.latent_shape, np.dtype(np.float16)),
        }
        return arrays | ({"recon": picture} if self.recon else {})

    @property
    def row_bytes(self) -> int:
        """Bytes that one row takes in the file."""
        return STORED_ROW.itemsize + sum(dtype.itemsize * math.prod(shape) for shape, dtype in self.arrays.values())

    def describe(self) -> dict[str, Any]:
        """Every entry by name, for people and for comparing two headers."""
        entries = self.space.to_dict()
        entries |= {"size": list(self.size), "recon": self.recon}
        entries |= {f"settings[{key}]": value for key, value in self.settings.items()}
        entries |= {"capacity": self.capacity}
        entries |= {f"source {number}": source for number, source in enumerate(self.sources)}
        return entries | {f"file {number}": file for number, file in enumerate(self.files)}


def write_header(file: h5py.File, header: Header) -> None:
    """Fill a new file: attributes, sources, and every data set allocated in full."""
    for name, (shape, dtype) in header.arrays.items():
        create_array(file, name, (header.capacity, *shape), dtype, chunk=(1, *shape))
    create_array(file, "rows", (header.capacity,), STORED_ROW)
    file["sources"] = pack_sources(header.sources)
    if header.files:
        file["files"] = pack_files(header.files)
    file.attrs["schema"] = SCHEMA
    file.attrs["software"] = f"olacore {__version__}"
    file.attrs["settings"] = json.dumps(header.settings, sort_keys=True)
    file.attrs["size"] = np.array(header.size, np.int64)
    for key, value in header.space.to_dict().items():
        file.attrs[key] = value
    file.attrs["complete"] = np.uint8(0)
    file.attrs["rows_valid"] = np.int64(0)


def read_header(file: h5py.File, path: Path) -> Header:
    """Read and check the header of a latents file.

    Raises
    ------
    FileFormatError  if the schema is another one, or something is missing or does not fit
    ShapeError, DTypeError  if a data set has another shape or type
    """
    check_schema(file, path, SCHEMA)
    try:
        header = Header(
            space=LatentSpace.from_dict(file.attrs),
            size=(int(file.attrs["size"][0]), int(file.attrs["size"][1])),
            capacity=len(file["frames"]),
            sources=unpack_sources(file["sources"][:]),
            recon="recon" in file,
            settings=json.loads(file.attrs["settings"]),
            files=unpack_files(file["files"][:]) if "files" in file else (),
        )
        rows_valid = rows_valid_in(file)
    except (LookupError, TypeError, ValueError, OSError, RuntimeError) as error:
        raise FileFormatError(f"{path} has a damaged header ({error}); make it again.") from error
    for name, (shape, dtype) in header.arrays.items():
        require_array(file, path, name, (header.capacity, *shape), (dtype,))
    require_array(file, path, "rows", (header.capacity,), (STORED_ROW,))
    if not 0 <= rows_valid <= header.capacity:
        raise FileFormatError(f"{path} has {header.capacity} rows but calls {rows_valid} of them valid; make it again.")
    sources = file["rows"].fields("source")[:rows_valid]
    if np.any((sources < 0) | (sources >= len(header.sources))):
        raise FileFormatError(f"{path} has rows of a source that /sources does not list; make it again.")
    return header


def rows_valid_in(file: h5py.File) -> int:
    """How many rows are finished; what lies behind them may be half written."""
    return int(file.attrs["rows_valid"])


def schema_of(file: h5py.File) -> str | None:
    """The schema a file names, or None."""
    schema = file.attrs.get("schema")
    if schema is None:
        return None
    return schema.decode(errors="replace") if isinstance(schema, bytes) else str(schema)


def check_schema(file: h5py.File, path: Path, *known: str | None) -> None:
    """Refuse a file of a schema that is not one of `known`.

    Raises
    ------
    FileFormatError  naming the schema of the file
    """
    schema = schema_of(file)
    if schema in known:
        return
    for ours in (SCHEMA, PAIRS_SCHEMA):
        stem, version = ours.rsplit("/", 1)
        other = str(schema).removeprefix(f"{stem}/")
        if other.isdecimal() and int(other) > int(version):
            raise FileFormatError(f"{path} has schema {schema!r} and this version reads {ours!r}; upgrade olacore.")
    expected = " or ".join(repr(name) for name in known if name)
    raise FileFormatError(f"{path} has schema {schema!r}; expected {expected}.")


def require_array(
    file: h5py.File, path: Path, name: str, shape: tuple[int | str, ...], dtypes: tuple[np.dtype, ...]
) -> h5py.Dataset:
    """The data set `name`, which must have this shape (a word: any size above 0) and one of these types.

    Raises
    ------
    FileFormatError, ShapeError, DTypeError  if it is missing, misshapen or of a wrong type
    """
    types = " or ".join(str(dtype) if dtype.names is None else "a record" for dtype in dtypes)
    wanted = f"{types} ({', '.join(map(str, shape))})"
    array = file.get(name)
    if not isinstance(array, h5py.Dataset):
        raise FileFormatError(f"{path} has no data set /{name}; expected {wanted}.")
    found = array.shape or ()
    if len(found) != len(shape) or any(
        has != size and (has < 1 or isinstance(size, int)) for has, size in zip(found, shape, strict=True)
    ):
        raise ShapeError(f"/{name} in {path} must be {wanted}; got {array.dtype} {array.shape}.")
    if array.dtype not in dtypes:
        raise DTypeError(f"/{name} in {path} must be {wanted}; got {array.dtype} {array.shape}.")
    return array
