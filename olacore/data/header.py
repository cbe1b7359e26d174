"""The header of a data file, everything in it that never changes: written, read and checked, as its form says."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.data.forms import FORMS, PAIRS, FieldSpec, Form
from olacore.data.records import (
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
    """What a data file is made for.

    Parameters
    ----------
    sizes : of the words in the form's shapes; those of latents follow from the space
    capacity : rows that the file has room for
    space : where the form asks for one; H and W are multiples of its factor
    sources : where the form names them
    optional : names of the optional fields that the file has
    settings : how the rows were made (resize rule, seed and so on), JSON types
    files : what the rows were made of; older files do not say

    Raises
    ------
    ConfigError  if a number is out of range, or a size, the space or the sources are missing
    """

    form: Form
    sizes: Mapping[str, int]
    capacity: int
    space: LatentSpace | None = None
    sources: tuple[Source, ...] = ()
    optional: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    files: tuple[InputFile, ...] = ()

    def __post_init__(self) -> None:
        form, sizes = self.form, dict(self.sizes)
        if form.spaced:
            sizes |= sizes_of_latents(self.space, sizes)
        absent = [word for word in form.words if sizes.get(word, 0) < 1]
        if absent:
            raise ConfigError(f"{form.schema} needs a size above 0 for {', '.join(absent)}; got {sizes}.")
        if self.capacity < 1 or (form.sourced and not self.sources):
            counts = f"{self.capacity} rows from {len(self.sources)} sources"
            raise ConfigError(f"a data set needs at least one row and one source; got {counts}.")
        object.__setattr__(self, "sizes", {word: sizes[word] for word in form.words})
        told = self.settings
        if not form.sourced:
            # Such a file says how large it is among its settings.
            shapes = {name: shape[0] if len(shape) == 1 else shape for name, (shape, _) in self.arrays.items()}
            told = {**shapes, "rows": self.capacity, **told}
        # Through JSON, because that is how settings come back from a file.
        object.__setattr__(self, "settings", json.loads(json.dumps(told)))

    @property
    def fields(self) -> tuple[FieldSpec, ...]:
        """The fields that the file has, in the order of the checksum."""
        return self.form.present(self.optional)

    @property
    def arrays(self) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Shape of an entry and type of each field that is written, in the order of the checksum."""
        return {field.name: (tuple(map(int, field.sized(self.sizes))), field.dtype) for field in self.fields}

    def entries(self, field: FieldSpec) -> int:
        """How many entries a field has in the file."""
        return self.capacity if field.per == "row" else len(self.sources)

    @property
    def row_bytes(self) -> int:
        """Bytes that one row takes in the file."""
        own = STORED_ROW.itemsize if self.form.sourced else 1
        return own + sum(self._bytes(field) for field in self.fields if field.per == "row")

    @property
    def all_bytes(self) -> int:
        """Bytes that all fields take in the file."""
        per_source = sum(self._bytes(field) * self.entries(field) for field in self.fields if field.per == "source")
        return self.row_bytes * self.capacity + per_source

    def describe(self) -> dict[str, Any]:
        """Every entry by name, for people and for comparing two headers."""
        entries = self.space.to_dict() if self.space else {}
        if {"H", "W"} <= self.sizes.keys():
            entries["size"] = [self.sizes["H"], self.sizes["W"]]
        entries |= {field.name: field.name in self.optional for field in self.form.fields if field.optional}
        entries |= {f"settings[{key}]": value for key, value in self.settings.items()}
        entries |= {"capacity": self.capacity}
        entries |= {f"size {word}": size for word, size in self.sizes.items()}
        entries |= {f"source {number}": source for number, source in enumerate(self.sources)}
        return entries | {f"file {number}": file for number, file in enumerate(self.files)}

    def _bytes(self, field: FieldSpec) -> int:
        shape, dtype = self.arrays[field.name]
        return dtype.itemsize * math.prod(shape)


def sizes_of_latents(space: LatentSpace | None, sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes C, h and w of latents of pictures H x W.

    Raises
    ------
    ConfigError  if the pictures are no whole number of latent sites, or there is no space
    """
    if space is None:
        raise ConfigError("a data set with latents needs their latent space; got none.")
    height, width, factor = sizes.get("H", 0), sizes.get("W", 0), space.factor
    if height < 1 or width < 1 or height % factor or width % factor:
        raise ConfigError(f"height and width must be multiples of {factor}; got {height} x {width}.")
    return {"C": space.channels, "h": height // factor, "w": width // factor}


def write_header(file: h5py.File, header: Header) -> None:
    """Fill a new file: attributes, sources, and every data set allocated in full."""
    form = header.form
    for spec in header.fields:
        shape, dtype = header.arrays[spec.name]
        chunk = (1, *shape) if spec.chunked else None
        create_array(file, spec.name, (header.entries(spec), *shape), dtype, chunk=chunk)
    if form.sourced:
        create_array(file, "rows", (header.capacity,), STORED_ROW)
        file["sources"] = pack_sources(header.sources)
        if header.files:
            file["files"] = pack_files(header.files)
    else:
        create_array(file, "split", (header.capacity,), np.dtype(np.uint8))
    file.attrs["schema"] = form.schema
    if form.sourced:
        file.attrs["software"] = f"olacore {__version__}"
    file.attrs["settings"] = json.dumps(header.settings, sort_keys=True)
    if form.spaced and header.space is not None:
        file.attrs["size"] = np.array([header.sizes["H"], header.sizes["W"]], np.int64)
        for key, value in header.space.to_dict().items():
            file.attrs[key] = value
    file.attrs["complete"] = np.uint8(0)
    file.attrs["rows_valid"] = np.int64(0)


def read_header(file: h5py.File, path: Path) -> Header:
    """Read and check the header of a data file of any form.

    Raises
    ------
    FileFormatError  if the form is not known, or something is missing or does not fit
    ShapeError, DTypeError  if a data set has another shape or type
    """
    form = form_of(file, path)
    with _damage_named(path):
        space = LatentSpace.from_dict(file.attrs) if form.spaced else None
        sizes = {word: int(size) for word, size in zip("HW", file.attrs["size"], strict=True)} if form.spaced else {}
        sizes |= sizes_of_latents(space, sizes) if form.spaced else {}
        sources = unpack_sources(file["sources"][:]) if form.sourced else ()
        files = unpack_files(file["files"][:]) if form.sourced and "files" in file else ()
        settings = json.loads(file.attrs["settings"] if form.sourced else file.attrs.get("settings", "{}"))
        # A file of pairs may be anybody's, who counts nothing.
        valid = rows_valid_in(file) if form.sourced or "rows_valid" in file.attrs else None
        capacity: int | str = len(file[form.first.name]) if form.sourced else "n"
    optional = tuple(spec.name for spec in form.fields if spec.optional and spec.name in file)
    for spec in form.present(optional):
        count = capacity if spec.per == "row" else len(sources)
        if spec.flat and getattr(file.get(spec.name), "ndim", 0) == 1:
            array = require_array(file, path, spec.name, (count,), spec.types)
            sizes |= {word: 1 for word in spec.shape if isinstance(word, str)}
            capacity = len(array)
            continue
        array = require_array(file, path, spec.name, (count, *spec.sized(sizes)), spec.types)
        sizes |= {word: size for word, size in zip(spec.shape, array.shape[1:], strict=True) if isinstance(word, str)}
        capacity = len(array) if spec.per == "row" else capacity
    with _damage_named(path):
        header = Header(form, sizes, int(capacity), space, sources, optional, settings, files)
    if form.sourced:
        require_array(file, path, "rows", (header.capacity,), (STORED_ROW,))
    if valid is not None and not 0 <= valid <= header.capacity:
        raise FileFormatError(f"{path} has {header.capacity} rows but calls {valid} of them valid; make it again.")
    if form.sourced:
        numbers = file["rows"].fields("source")[:valid]
        if np.any((numbers < 0) | (numbers >= len(sources))):
            raise FileFormatError(f"{path} has rows of a source that /sources does not list; make it again.")
    return header


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, ValueError, OSError, RuntimeError) as error:
        raise FileFormatError(f"{path} has a damaged header ({error}); make it again.") from error


def rows_valid_in(file: h5py.File) -> int:
    """How many rows are finished; what lies behind them may be half written."""
    return int(file.attrs["rows_valid"])


def form_of(file: h5py.File, path: Path) -> Form:
    """The form that a file names; one that names none may hold plain pairs.

    Raises
    ------
    FileFormatError  naming the schema of the file, if it is not known
    """
    schema = file.attrs.get("schema")
    if schema is None:
        return PAIRS
    name = schema.decode(errors="replace") if isinstance(schema, bytes) else str(schema)
    if name in FORMS:
        return FORMS[name]
    for ours in reversed(FORMS):
        stem, version = ours.rsplit("/", 1)
        other = name.removeprefix(f"{stem}/")
        if other.isdecimal() and int(other) > int(version):
            raise FileFormatError(f"{path} has schema {name!r} and this version reads {ours!r}; upgrade olacore.")
    raise FileFormatError(f"{path} has schema {name!r}; expected {' or '.join(map(repr, FORMS))}.")


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
