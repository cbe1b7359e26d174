"""Safetensors files of ours: tensors, and sorted JSON under the metadata key `olacore`, with a digest of all of it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import FileFormatError, OlacoreError
from olacore.foreign.json_text import parse_json
from olacore.foreign.reading import or_meant
from olacore.foreign.tensors import MOST_HEADER, parse_header

KEY, DIGEST = "olacore", "digest"
# The types that our tensors have, by their names in the file.
TYPES = {
    "BOOL": np.dtype(np.bool_),
    "I8": np.dtype(np.int8),
    "U8": np.dtype(np.uint8),
    "I16": np.dtype("<i2"),
    "U16": np.dtype("<u2"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "I64": np.dtype("<i8"),
    "U64": np.dtype("<u8"),
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
DAMAGED = "{} is damaged: its numbers are not those that were written; copy it again."
# Bytes of a file that are read at once where only its digest is wanted.
PIECE = 1 << 24

Tensors = dict[str, np.ndarray]
# Shape and type of each tensor.
Layout = dict[str, tuple[tuple[int, ...], np.dtype]]


def digest_of(tensors: Tensors, values: Mapping[str, Any]) -> str:
    """SHA-256 over tensors and plain values."""
    found = sha256(_text(values))
    for name in sorted(tensors):
        part = tensors[name]
        found.update(_heading(name, part.shape, part.dtype) + part.tobytes())
    return found.hexdigest()


def seal(tensors: Tensors, content: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file: tensors and content, with a digest of both."""
    return write(tensors, {**content, DIGEST: digest_of(tensors, content)})


def write(tensors: Tensors, content: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file without a digest of its own."""
    from safetensors.numpy import save

    return save(tensors, {KEY: _text(content).decode()})


def check_digest(path: Path, tensors: Tensors, content: Mapping[str, Any]) -> None:
    """Raise `FileFormatError` if a file has a digest, and it is that of other tensors or other content."""
    rest = {name: value for name, value in content.items() if name != DIGEST}
    if len(rest) < len(content) and content[DIGEST] != digest_of(tensors, rest):
        raise FileFormatError(DAMAGED.format(path))


@dataclass(frozen=True)
class TensorFile:
    """An open file whose digest has been checked, and of which nothing but the header is in memory.

    Parameters
    ----------
    content : what it says of itself, the digest left out
    layout : shapes and types of its tensors
    """

    path: Path
    content: dict[str, Any]
    layout: Layout
    _file: BufferedReader
    _places: dict[str, int]

    def load(self) -> Tensors:
        """Read all tensors; their layout says how much memory that takes."""
        found = {}
        for name, (shape, dtype) in self.layout.items():
            found[name] = np.empty(shape, dtype)
            into = found[name].reshape(-1).view(np.uint8).data
            self._file.seek(self._places[name])
            if self._file.readinto(into) != len(into):
                raise FileFormatError(f"{self.path} became shorter while it was read; try again.")
        return found


@contextmanager
def open_sealed(path: Path) -> Iterator[TensorFile]:
    """Open a file that `seal` made, and check its digest before anything in it is used.

    Raises
    ------
    FileFormatError  if it is missing, no file of ours, or not as it was written
    """
    with _opened(path) as file:
        header, begin = _header(path, file)
        places, layout = _layout(path, header, begin, os.fstat(file.fileno()).st_size)
        content = _content(path, header)
        digest = content.pop(DIGEST, None)
        if digest != _digest_in(file, layout, places, content):
            raise FileFormatError(DAMAGED.format(path))
        yield TensorFile(path, content, layout, file, places)


def content_in(path: Path) -> dict[str, Any]:
    """Return what a file of ours says of itself, whatever kind it is, without a look at its tensors.

    Raises
    ------
    FileFormatError  if it is missing or no file of ours
    """
    with _opened(path) as file:
        return _content(path, _header(path, file)[0])


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file: a pipe would be waited for."""
    try:
        with ExitStack() as undo:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
            undo.callback(os.close, descriptor)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileFormatError(f"cannot read {path}: it is no file.")
            undo.pop_all()
        with os.fdopen(descriptor, "rb") as file:
            yield file
    except OlacoreError:
        raise
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}{or_meant(path)}") from error


def _header(path: Path, file: BufferedReader) -> tuple[dict[str, Any], int]:
    """The JSON that a file begins with, and where its tensors begin."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    return parse_header(start + file.read(min(length, MOST_HEADER)), path, "file of olacore", "`ola`"), 8 + length


def _content(path: Path, header: dict[str, Any]) -> dict[str, Any]:
    content = parse_json(header["__metadata__"].get(KEY, "null"), f"the metadata of {path}")
    if not isinstance(content, dict):
        raise FileFormatError(f"{path} is no file of olacore: its metadata are no object.")
    return content


def _layout(path: Path, header: dict[str, Any], begin: int, end: int) -> tuple[dict[str, int], Layout]:
    """Where each tensor is, and its form: as the format has it, one behind the other up to the end of the file."""
    parts = {name: part for name, part in header.items() if name != "__metadata__"}
    places: dict[str, int] = {}
    layout: Layout = {}
    reached = 0
    for name, part in sorted(parts.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape, (first, last) = TYPES.get(part["dtype"]), tuple(part["shape"]), part["data_offsets"]
        if dtype is None or first != reached or last != first + dtype.itemsize * _product(shape):
            raise FileFormatError(f"{path} is damaged: the tensor {name!r} does not fill its place.")
        places[name], layout[name], reached = begin + first, (shape, dtype), last
    if begin + reached != end:
        raise FileFormatError(f"{path} is damaged: its tensors need {begin + reached} bytes; it has {end}.")
    return places, layout


def _digest_in(file: BufferedReader, layout: Layout, places: dict[str, int], content: Mapping[str, Any]) -> str:
    """What `digest_of` says of the tensors in a file, of which little is in memory at a time."""
    found = sha256(_text(content))
    for name in sorted(layout):
        shape, dtype = layout[name]
        found.update(_heading(name, shape, dtype))
        file.seek(places[name])
        left = dtype.itemsize * _product(shape)
        while left and (piece := file.read(min(left, PIECE))):
            found.update(piece)
            left -= len(piece)
    return found.hexdigest()


def _product(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


def _heading(name: str, shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    return f"\0{name} {dtype.str} {shape}\0".encode()


def _text(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
