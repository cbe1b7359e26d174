"""The header of a data file, everything in it that never changes: written, read and checked, as its form says."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from olacore.data import attributes
from olacore.data.arrays import find_array, require_array, require_written
from olacore.data.forms import CAPTION, FORMS, PAIRS, FieldSpec, Form
from olacore.data.records import (
    STORED_ROW,
    Captions,
    InputFile,
    Source,
    pack_captions,
    pack_files,
    pack_sources,
    unpack_captions,
    unpack_files,
    unpack_sources,
)
from olacore.data.storage import create_array
from olacore.errors import ConfigError, FileFormatError
from olacore.foreign.names import counted
from olacore.spaces import LatentSpace
from olacore.version import __version__

# Attributes that change while rows are added.
COUNTERS: dict[str, np.dtype] = {"complete": np.dtype(np.uint8), "rows_valid": np.dtype(np.int64)}
T = TypeVar("T")


@dataclass(frozen=True)
class Header:
    """What a data file is made for.

    Parameters
    ----------
    form : which fields the file has
    sizes : of the words in the form's shapes; those of latents follow from the space
    capacity : rows that the file has room for
    space : where the form asks for one; H and W are multiples of its factor
    sources : where the form names them
    optional : names of the optional fields that the file has
    settings : how the rows were made (resize rule, seed and so on), JSON types
    files : what the rows were made of; older files do not say
    captions : where the form has fields with an entry for each

    Raises
    ------
    ConfigError  if a number is out of range, or a size, the space or the sources are missing, or settings are no JSON
    """

    form: Form
    sizes: Mapping[str, int]
    capacity: int
    space: LatentSpace | None = None
    sources: tuple[Source, ...] = ()
    optional: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    files: tuple[InputFile, ...] = ()
    captions: Captions = field(default_factory=Captions)

    def __post_init__(self) -> None:
        form, sizes = self.form, dict(self.sizes)
        if form.spaced:
            sizes |= sizes_of_latents(self.space, sizes)
        words = form.words(self.optional)
        absent = [word for word in words if sizes.get(word, 0) < 1]
        if absent:
            raise ConfigError(f"{form.schema} needs a size above 0 for {', '.join(absent)}; got {sizes}.")
        if self.capacity < 1 or (form.sourced and not self.sources):
            counts = f"{counted(self.capacity, 'row')} from {counted(len(self.sources), 'source')}"
            raise ConfigError(f"a data set needs at least one row and one source; got {counts}.")
        if form.captioned and len(self.captions.of_sources) != len(self.sources):
            counts = f"{len(self.captions.of_sources)} for {len(self.sources)}"
            raise ConfigError(f"{form.schema} needs captions of every source; got those of {counts}.")
        object.__setattr__(self, "sizes", {word: sizes[word] for word in words})
        told = self.settings
        if not form.sourced:
            # Such a file says how large it is among its settings.
            shapes = {name: shape[0] if len(shape) == 1 else shape for name, (shape, _) in self.arrays.items()}
            told = {**shapes, "rows": self.capacity, **told}
        # Through JSON, because that is how settings come back from a file.
        try:
            plain = json.dumps(told, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"settings of a data set must be what JSON can hold; {error}.") from error
        object.__setattr__(self, "settings", json.loads(plain))

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
        return {"row": self.capacity, "source": len(self.sources), "caption": len(self.captions.texts)}[field.per]

    def named(self, per: str) -> tuple[str, ...]:
        """Names of the fields that have an entry per "row", "source" or "caption"."""
        return tuple(spec.name for spec in self.fields if spec.per == per)

    @property
    def summed(self) -> tuple[str, ...]:
        """Names of the fields in the checksum of a row, in their order; captions have checksums of their own."""
        return tuple(spec.name for spec in self.fields if spec.per != "caption")

    @property
    def row_bytes(self) -> int:
        """Bytes that one row takes in the file."""
        own = STORED_ROW.itemsize if self.form.sourced else 1
        return own + sum(self._bytes(field) for field in self.fields if field.per == "row")

    @property
    def all_bytes(self) -> int:
        """Bytes that all fields take in the file."""
        others = sum(self._bytes(field) * self.entries(field) for field in self.fields if field.per != "row")
        return self.row_bytes * self.capacity + others

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
        entries |= {f"caption {number}": text for number, text in enumerate(self.captions.texts)}
        entries |= {f"captions of source {number}": one for number, one in enumerate(self.captions.of_sources)}
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
        if form.captioned:
            file["captions"], file["source_captions"] = pack_captions(header.captions)
            create_array(file, "caption_sums", (len(header.captions.texts),), np.dtype(np.uint32))
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
    for name, kind in COUNTERS.items():
        file.attrs[name] = kind.type(0)


def read_header(file: h5py.File, path: Path) -> Header:
    """Read and check the header of a data file of any form.

    Raises
    ------
    FileFormatError  if the form is not known, or something is missing or does not fit
    ShapeError, DTypeError  if a data set has another shape or type
    """
    form = form_of(file, path)
    space = _space_in(file, path) if form.spaced else None
    sizes = dict(zip("HW", attributes.whole_numbers(file, path, "size", 2), strict=True)) if form.spaced else {}
    told = form.sourced or attributes.has(file, path, "settings")
    settings = attributes.json_object(file, path, "settings") if told else {}
    with _damage_named(path):
        sizes |= sizes_of_latents(space, sizes) if form.spaced else {}
    sources = records_in(file, path, "sources", unpack_sources) if form.sourced else ()
    files = records_in(file, path, "files", unpack_files) if form.sourced and "files" in file else ()
    captions = captions_in(file, path, len(sources)) if form.captioned else Captions()
    counts = {"source": len(sources), "caption": len(captions.texts)}
    capacity: int | str = "n"
    optional = tuple(spec.name for spec in form.fields if spec.optional and spec.name in file)
    # Those with an entry per row come first: they say how many rows there are.
    for spec in sorted(form.present(optional), key=lambda spec: spec != form.first):
        count = capacity if spec.per == "row" else counts[spec.per]
        wanted = (count, *spec.sized(sizes))
        if spec.flat and getattr(file.get(spec.name), "ndim", 0) == 1:
            array = require_array(file, path, spec.name, (count,), spec.types)
            sizes |= {word: 1 for word in spec.shape if isinstance(word, str)}
        else:
            array = require_array(file, path, spec.name, wanted, spec.types)
            found = zip(spec.shape, array.shape[1:], strict=True)
            sizes |= {word: size for word, size in found if isinstance(word, str)}
        capacity = len(array) if spec.per == "row" else capacity
    with _damage_named(path):
        header = Header(form, sizes, int(capacity), space, sources, optional, settings, files, captions)
    if form.sourced:
        rows = require_array(file, path, "rows", (header.capacity,), (STORED_ROW,))
        with _damage_named(path):
            numbers = rows.fields("source")[: rows_valid_in(file, path, header)]
        if np.any((numbers < 0) | (numbers >= len(sources))):
            raise FileFormatError(f"{path} has rows of a source that /sources does not list; make it again.")
        if CAPTION in header.arrays:
            with _damage_named(path):
                numbers = file[CAPTION][: rows_valid_in(file, path, header)]
            if np.any((numbers < 0) | (numbers >= len(captions.texts))):
                raise FileFormatError(f"{path} has rows of a caption that /captions does not list; make it again.")
    return header


def rows_valid_in(file: h5py.File, path: Path, header: Header) -> int:
    """How many rows are finished; what lies behind them may be half written.

    Raises
    ------
    FileFormatError  if the file does not say so, or calls more rows finished than it has
    """
    if not header.form.sourced and not attributes.has(file, path, "rows_valid"):
        # A file of pairs may be anybody's, who counts nothing.
        return header.capacity
    return attributes.whole_number(file, path, "rows_valid", 0, header.capacity)


def is_complete(file: h5py.File, path: Path, header: Header) -> bool:
    """Whether the file was finished by its writer, as far as it says.

    Raises
    ------
    FileFormatError  if it does not say so
    """
    if not header.form.sourced and not attributes.has(file, path, "complete"):
        return True
    return bool(attributes.whole_number(file, path, "complete", 0, 1))


def _space_in(file: h5py.File, path: Path) -> LatentSpace:
    texts = {name: attributes.text(file, path, name) for name in ("maker", "maker_sha256")}
    wholes = {name: attributes.whole_numbers(file, path, name, 1)[0] for name in ("channels", "factor")}
    others = {name: attributes.numbers(file, path, name) for name in ("scaling", "shift", "picture_range")}
    with _damage_named(path):
        return LatentSpace.from_dict({**texts, **wholes, **others})


def records_in(file: h5py.File, path: Path, name: str, unpack: Callable[[np.ndarray], tuple[T, ...]]) -> tuple[T, ...]:
    """Read a list of records of text and numbers.

    Raises
    ------
    FileFormatError  if there is none, or it is damaged
    """
    array, dtype = find_array(file, path, name, "records")
    if array.ndim != 1 or dtype.names is None or any(dtype[part].kind not in "Siu" for part in dtype.names):
        raise FileFormatError(f"/{name} in {path} must be a list of records of text and whole numbers; got {dtype}.")
    require_written(array, path, name)
    with _damage_named(path):
        return unpack(array[:])


def captions_in(file: h5py.File, path: Path, sources: int) -> Captions:
    """Read the captions of so many sources.

    Raises
    ------
    FileFormatError  if there are none, or they are damaged
    """
    texts, dtype = find_array(file, path, "captions", "text")
    if texts.ndim != 1 or dtype.kind != "S" or not len(texts):
        raise FileFormatError(f"/captions in {path} must be a list of text of a fixed width; got {dtype}.")
    require_written(texts, path, "captions")
    pairs = require_array(file, path, "source_captions", ("m", 2), (np.dtype(np.int32),))
    require_array(file, path, "caption_sums", (len(texts),), (np.dtype(np.uint32),))
    with _damage_named(path):
        return unpack_captions(texts[:], pairs[:], sources)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except FileFormatError:
        raise
    except (LookupError, TypeError, ValueError, OSError, RuntimeError) as error:
        raise FileFormatError(f"{path} has a damaged header ({error}); make it again.") from error


def form_of(file: h5py.File, path: Path) -> Form:
    """The form that a file names; one that names none may hold plain pairs.

    Raises
    ------
    FileFormatError  naming the schema of the file, if it is not known
    """
    if not attributes.has(file, path, "schema"):
        return PAIRS
    name = attributes.text(file, path, "schema")
    if name in FORMS:
        return FORMS[name]
    shown = repr(name if len(name) <= 60 else f"{name[:60]}..")
    for ours in reversed(FORMS):
        stem, version = ours.rsplit("/", 1)
        other = name.removeprefix(f"{stem}/")
        if other.isdecimal() and len(other) < 10 and int(other) > int(version):
            raise FileFormatError(f"{path} has schema {shown} and this version reads {ours!r}; upgrade olacore.")
    raise FileFormatError(f"{path} has schema {shown}; expected {' or '.join(map(repr, FORMS))}.")
