"""A module's file: safetensors, readable without olacore, with one metadata key `olacore` that holds sorted JSON.

Tensors are `weights`, `biases`, the scaling's four, and `hidden_0_weights`, `hidden_0_biases` and so on for the hidden
maps of a stack. As int8, a tensor `..._weights` has its scales in `..._weight_scales`; in a stack there are also scales
of its columns, `..._weight_columns`.

The metadata hold a digest of everything else in the file (`tensor_file`), which modules of version 0.1 do not have.

Schema 2 names up to three latent spaces: the one that an encoder `makes`, the one that it `imitates`, and the one that
a decoder `reads`. Schema 1 named a single `space`; it is read, but no longer written.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import DataError, FileFormatError
from olacore.lattice import from_even_lattice, from_lattice, to_even_lattice, to_lattice
from olacore.modules.tensor_file import check_digest, seal, write

SCHEMA, SCHEMA_1 = "olacore/module/2", "olacore/module/1"
STORED = ("float32", "float16", "int8")
TENSORS = ("weights", "biases", "input_mean", "input_scale", "target_mean", "target_scale")
POSITIVE = ("input_scale", "target_scale")
SCALES, COLUMNS = "weight_scales", "weight_columns"

Parts = dict[str, np.ndarray]


def tensor_names(hidden: int) -> tuple[str, ...]:
    """Names of the tensors of a module with so many hidden maps, whatever form they are stored in."""
    return TENSORS + tuple(f"hidden_{k}_{part}" for k in range(hidden) for part in ("weights", "biases"))


def pack(parts: Parts, stored: str) -> Parts:
    """Turn a module's finite float32 tensors into those of its file.

    Raises
    ------
    DataError  if a number is too large for float16, or a scale too small
    """
    if stored == "float32":
        return {name: np.ascontiguousarray(part, np.float32) for name, part in parts.items()}
    stack = len(parts) > len(TENSORS)
    packed: Parts = {}
    for name, part in parts.items():
        if stored == "int8" and name.endswith("weights"):
            scales, columns = lattice_names(name)
            if stack:
                packed[name], packed[scales], packed[columns] = to_even_lattice(part)
            else:
                packed[name], packed[scales] = to_lattice(part)
        else:
            keep = stored == "int8" and not stack
            packed[name] = np.ascontiguousarray(part, np.float32) if keep else to_half(name, part)
    return packed


def unpack(tensors: Parts, hidden: int) -> Parts:
    """Return the float32 tensors that a file's tensors stand for."""
    parts: Parts = {}
    for name in tensor_names(hidden):
        scales, columns = lattice_names(name)
        if columns in tensors:
            parts[name] = from_even_lattice(tensors[name], tensors[scales], tensors[columns])
        elif scales in tensors:
            parts[name] = from_lattice(tensors[name], tensors[scales])
        else:
            parts[name] = np.ascontiguousarray(tensors[name], np.float32)
    return parts


def lattice_names(name: str) -> tuple[str, str]:
    """Names of the scales of the rows and of the columns of a tensor of weights."""
    start = name.removesuffix("weights")
    return start + SCALES, start + COLUMNS


def to_half(name: str, part: np.ndarray) -> np.ndarray:
    """Round a tensor to float16, or say what does not fit."""
    with np.errstate(over="ignore"):
        half = np.ascontiguousarray(part, np.float16)
    if not np.isfinite(half).all():
        raise DataError(f"the tensor {name!r} reaches {np.abs(part).max():.6g}, past float16; store it as float32.")
    if name in POSITIVE and not half[part != 0].all():
        raise DataError(f"the tensor {name!r} has scales that are zero as float16; store the module as float32.")
    return half


def to_bytes(tensors: Parts, metadata: dict[str, Any], schema: str = SCHEMA) -> bytes:
    """Return the content of a module's file."""
    return (seal if schema == SCHEMA else write)(tensors, {"schema": schema, **metadata})


def read_module(path: Path) -> tuple[dict[str, Any], Parts]:
    """Read the metadata and the float32 tensors of a module's file.

    Raises
    ------
    FileFormatError  if the file is missing, truncated, no safetensors file, no olacore module, of an unknown schema, or
    not as it was written
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"cannot read the module {path}: {error.strerror}.") from error
    content = read_metadata(path, data)
    sizes = content.get("layers", [0, 0])
    if not isinstance(sizes, list) or len(sizes) < 2:
        raise FileFormatError(f"{path} is damaged: layers must be a list of two sizes or more; got {sizes!r}.")
    return content, read_tensors(path, data, len(sizes) - 2, content)


def read_metadata(path: Path, data: bytes) -> dict[str, Any]:
    """Return the JSON that a module's file carries."""
    try:
        size = struct.unpack("<Q", data[:8])[0]
        content = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["olacore"])
        schema = content.get("schema")
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileFormatError(
            f"{path} is no olacore module: expected a safetensors file written by `ola train`."
        ) from error
    if schema not in (SCHEMA, SCHEMA_1):
        raise FileFormatError(f"{path} has the schema {schema!r}; this version reads {SCHEMA!r} and {SCHEMA_1!r}.")
    return content


def read_tensors(path: Path, data: bytes, hidden: int, content: dict[str, Any]) -> Parts:
    """Return the finite tensors of a module's file as float32, as they were written with that content."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        tensors = load(data)
    except SafetensorError as error:
        raise FileFormatError(f"{path} is damaged or truncated: {error}.") from error
    check_digest(path, tensors, content)
    for name in tensor_names(hidden):
        if name not in tensors:
            raise FileFormatError(f"{path} is no complete module: the tensor {name!r} is missing.")
        if not np.isfinite(tensors[name]).all():
            raise FileFormatError(f"{path} is damaged: the tensor {name!r} holds NaN or inf.")
        check_lattice(path, tensors, name)
    return unpack(tensors, hidden)


def check_lattice(path: Path, tensors: Parts, name: str) -> None:
    """Raise unless int8 weights have scales that fit them."""
    scales, columns = lattice_names(name)
    weights = tensors[name]
    if weights.dtype == np.int8 and scales not in tensors:
        raise FileFormatError(f"{path} is no complete module: the tensor {scales!r} is missing.")
    for other, axis in ((scales, 0), (columns, 1)):
        if other not in tensors:
            continue
        fits = weights.ndim == 2 and tensors[other].shape == (weights.shape[axis],)
        if not (fits and np.isfinite(tensors[other]).all()):
            raise FileFormatError(f"{path} is damaged: the tensor {other!r} does not fit the weights.")
