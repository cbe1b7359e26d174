"""A module's file: safetensors, readable without olacore, with one metadata key `olacore` that holds sorted JSON.

Tensors are `weights`, `biases`, the scaling's four, `hidden_0_weights`, `hidden_0_biases` and so on for the hidden maps
of a stack, and `basis_weights` where a module answers components of its targets. As int8, a tensor `..._weights` has
its scales in `..._weight_scales`; in a stack, and of a basis, there are also scales of its columns,
`..._weight_columns`. Arrays that a view carries are `view_...`, kept as they are. Of the refiner
that a decoder carries there is the same once more: tensors `refiner.weights` and so on, and in the metadata `refiner`.

The metadata hold a digest of everything else in the file (`tensor_file`), which modules of version 0.1 do not have.

Schema 2 names up to three latent spaces: the one that an encoder `makes`, the one that it `imitates`, and the one that
a decoder `reads`. Schema 1 named a single `space`; it is read, but no longer written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import DataError, FileFormatError, OlacoreError
from olacore.foreign import tensors as safetensors_file
from olacore.foreign.json_text import parse_json
from olacore.foreign.reading import read_file
from olacore.foreign.schema import Misfit, both, listed, maybe, one_of, record, require, text, whole
from olacore.kernels.lattice import from_even_lattice, from_lattice, to_even_lattice, to_lattice
from olacore.modules.refined import CARRIED_BY, PREFIX, check_refiner
from olacore.modules.tensor_file import check_digest, digest_of, seal, write
from olacore.spaces import SPACE

SCHEMA, SCHEMA_1 = "olacore/module/2", "olacore/module/1"
STORED = ("float32", "float16", "int8")
TENSORS = ("weights", "biases", "input_mean", "input_scale", "target_mean", "target_scale")
BASIS = "basis_weights"
POSITIVE = ("input_scale", "target_scale")
SCALES, COLUMNS = "weight_scales", "weight_columns"
CARRIED = "view_"
# What weights have as safetensors calls it; everything else of a module is floats.
TYPES = {"float32": "F32", "float16": "F16", "int8": "I8"}
CARRIED_TYPES = {"U8": np.dtype(np.uint8), "I8": np.dtype(np.int8), "F16": np.dtype(np.float16)}
NAMES = {dtype: name for name, dtype in CARRIED_TYPES.items()} | {np.dtype(np.float32): "F32"}
# Share of its scale by which a mean may be off as float16.
LEAST = 1 / 256
MOST_LAYERS, MOST_UNITS = 1024, 1 << 24
WHAT, MAKER = "olacore module", "`ola train`"

ABOUT = record(
    {"view": record({"name": text()}), "training": record({}, {"seed": whole(0, (1 << 64) - 1)})},
    {
        "kind": text(),
        "activation": one_of(["tanh"]),
        "weights": one_of(STORED),
        "layers": listed(whole(1, MOST_UNITS), 2, MOST_LAYERS),
        "components": whole(1, MOST_UNITS),
        **{role: maybe(SPACE) for role in ("makes", "imitates", "reads", "space")},
    },
)
# Schema 2 says of each role which space it has.
ABOUT_2 = record({role: maybe(SPACE) for role in ("makes", "imitates", "reads")})


def absent(value: Any, place: str) -> None:
    """Nothing: a refiner carries none itself."""
    raise Misfit(f"{place} must not be there")


REFINER = both(both(ABOUT, ABOUT_2), record({}, {CARRIED_BY: absent}))

Parts = dict[str, np.ndarray]


def tensor_names(hidden: int, basis: bool = False) -> tuple[str, ...]:
    """Names of the tensors of a module with so many hidden maps, whatever form they are stored in."""
    maps = tuple(f"hidden_{k}_{part}" for k in range(hidden) for part in ("weights", "biases"))
    return TENSORS + maps + ((BASIS,) if basis else ())


def pack(parts: Parts, stored: str) -> Parts:
    """Turn a module's finite float32 tensors into those of its file.

    Raises
    ------
    DataError  if a number is too large for float16, or a scale too small
    """
    if stored == "float32":
        return {name: np.ascontiguousarray(part, np.float32) for name, part in parts.items()}
    stack = "hidden_0_weights" in parts
    packed: Parts = {}
    for name, part in parts.items():
        if stored == "int8" and name.endswith("weights"):
            scales, columns = lattice_names(name)
            if stack or name == BASIS:
                packed[name], packed[scales], packed[columns] = to_even_lattice(part)
            else:
                packed[name], packed[scales] = to_lattice(part)
        else:
            keep = stored == "int8" and not stack
            packed[name] = np.ascontiguousarray(part, np.float32) if keep else to_half(name, parts)
    return packed


def unpack(tensors: Parts, names: Iterable[str]) -> Parts:
    """Return the float32 tensors of these names that a file's tensors stand for."""
    parts: Parts = {}
    for name in names:
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


def to_half(name: str, parts: Parts) -> np.ndarray:
    """Round a tensor to float16; one that is no weights stays float32 where that would lose too much of it.

    Raises
    ------
    DataError  if weights do not fit
    """
    part = parts[name]
    with np.errstate(over="ignore"):
        half = np.ascontiguousarray(part, np.float16)
    if name.endswith("weights"):
        if not np.isfinite(half).all():
            raise DataError(f"the tensor {name!r} reaches {np.abs(part).max():.6g}, past float16; store it as float32.")
        return half
    return half if half_will_do(name, half, parts) else np.ascontiguousarray(part, np.float32)


def half_will_do(name: str, half: np.ndarray, parts: Parts) -> bool:
    """Whether a tensor of biases or of the scaling can be float16; the answer is the same once it was rounded."""
    part = parts[name]
    if not np.isfinite(half).all() or (name in POSITIVE and not half[part != 0].all()):
        return False
    if name == "biases":
        # Answers lie in [-1, 1]; units that hardly ever answer 0 are balanced by large biases.
        return bool((np.abs(part) <= 1).all())
    if not name.endswith("_mean"):
        return True
    scale = to_half(name.replace("_mean", "_scale"), parts).astype(np.float32)
    if name == "target_mean" and BASIS in parts:
        scale = np.abs(parts[BASIS] * scale[:, None]).max(0)
    return bool((np.abs(half - part) <= LEAST * scale).all())


def named_as_carried(tensors: Parts) -> Parts:
    """The arrays that a view carries, as they are named in a file."""
    return {CARRIED + name: part for name, part in tensors.items()}


def to_bytes(tensors: Parts, metadata: dict[str, Any], schema: str = SCHEMA) -> bytes:
    """Return the content of a module's file."""
    return (seal if schema == SCHEMA else write)(tensors, {"schema": schema, **metadata})


@dataclass(frozen=True)
class Stored:
    """What a file holds of a module.

    Parameters
    ----------
    content : its metadata
    tensors : as they are stored
    parts : float32, by name
    carried : arrays that the view carries
    refiner : that a decoder carries
    """

    content: dict[str, Any]
    tensors: Parts
    parts: Parts
    carried: Parts
    refiner: Stored | None = None

    @property
    def digest(self) -> str:
        """As `Module.digest` of the module without a refiner."""
        return digest_of(self.tensors, self.content["view"])


def read_module(path: Path) -> Stored:
    """Read a module's file.

    Raises
    ------
    FileFormatError  if the file is missing, truncated, no safetensors file, no olacore module, of an unknown schema, or
    not as it was written
    """
    return parse_module(path, read_file(path, "the module", safetensors_file.MOST_BYTES))


def parse_module(path: Path, data: bytes) -> Stored:
    """Read the content of a module's file; the path is for messages. See `read_module`."""
    content = read_metadata(path, data)
    tensors = safetensors_file.read_tensors(
        data,
        path,
        safetensors_file.parse_header(data, path, WHAT, MAKER),
        tuple({*TYPES.values(), *CARRIED_TYPES}),
    )
    check_digest(path, tensors, content)
    behind = content.get(CARRIED_BY)
    if behind is None:
        return read_stored(path, tensors, content)
    require(REFINER, behind, str(path))
    own = {name: tensors.pop(name) for name in [*tensors] if name.startswith(PREFIX)}
    found = read_stored(path, tensors, content)
    own = {name.removeprefix(PREFIX): part for name, part in own.items()}
    refiner = read_stored(path, own, {"schema": content["schema"], **behind}, PREFIX)
    try:
        check_refiner(content, found.digest, behind)
    except (OlacoreError, KeyError, TypeError, ArithmeticError) as error:
        raise FileFormatError(f"{path} is damaged: its decoder does not go with its refiner ({error}).") from error
    return replace(found, refiner=refiner)


def read_metadata(path: Path, data: bytes) -> dict[str, Any]:
    """Return the JSON that a module's file carries.

    Raises
    ------
    FileFormatError  if there is none, it is of an unknown schema, or not what it has to be
    """
    about = safetensors_file.parse_header(data, path, WHAT, MAKER)["__metadata__"].get("olacore", "null")
    content = parse_json(about, f"the metadata of {path}")
    if not isinstance(content, dict):
        raise FileFormatError(f"{path} is no {WHAT}: expected a safetensors file written by {MAKER}.")
    schema = content.get("schema")
    if schema not in (SCHEMA, SCHEMA_1):
        raise FileFormatError(f"{path} has the schema {schema!r}; this version reads {SCHEMA!r} and {SCHEMA_1!r}.")
    require(ABOUT, content, str(path))
    if schema == SCHEMA:
        require(ABOUT_2, content, str(path))
    return content


def read_stored(path: Path, tensors: Parts, content: dict[str, Any], prefix: str = "") -> Stored:
    """Return what a module's tensors and metadata stand for.

    Parameters
    ----------
    prefix : of its tensors in the file, for messages

    Raises
    ------
    FileFormatError  if a tensor is missing, unknown, of another type or shape than the others ask for, or not finite
    """
    stored = content.get("weights", "float32")
    names = tensor_names(len(content.get("layers", [0, 0])) - 2, "components" in content)
    carried = {name.removeprefix(CARRIED): part for name, part in tensors.items() if name.startswith(CARRIED)}
    for name, part in carried.items():
        if part.dtype not in CARRIED_TYPES.values():
            raise FileFormatError(f"{path} is damaged: the tensor {prefix + CARRIED + name!r} is {part.dtype}.")
    known = {*names, *(CARRIED + name for name in carried)}
    known |= {other for name in names if name.endswith("weights") for other in lattice_names(name)}
    if unknown := sorted(tensors.keys() - known):
        raise FileFormatError(
            f"{path} holds a tensor {prefix + unknown[0]!r}, which a module of its layers does not have."
        )
    for name in names:
        if name not in tensors:
            raise FileFormatError(f"{path} is no complete module: the tensor {prefix + name!r} is missing.")
        if not np.isfinite(tensors[name]).all():
            raise FileFormatError(f"{path} is damaged: the tensor {prefix + name!r} holds NaN or inf.")
        check_type(path, tensors[name], prefix + name, stored)
        if name.endswith("weights"):
            check_lattice(path, tensors, name, prefix)
    with np.errstate(over="ignore"):
        return Stored(content, tensors, unpack(tensors, names), carried)


def check_type(path: Path, tensor: np.ndarray, name: str, stored: str) -> None:
    """Raise unless a tensor has the type that the form of a module's weights asks for."""
    expected, found = TYPES[stored] if name.endswith("weights") else "F16 or F32", NAMES[tensor.dtype]
    if found not in expected:
        raise FileFormatError(f"{path} is damaged: the tensor {name!r} must be {expected} ({stored}); got {found}.")


def check_lattice(path: Path, tensors: Parts, name: str, prefix: str) -> None:
    """Raise unless int8 weights, and they alone, have scales that fit them; the prefix is of names in messages."""
    scales, columns = lattice_names(name)
    weights = tensors[name]
    if weights.dtype == np.int8 and scales not in tensors:
        raise FileFormatError(f"{path} is no complete module: the tensor {prefix + scales!r} is missing.")
    for other, axis in ((scales, 0), (columns, 1)):
        if other not in tensors:
            continue
        fits = weights.dtype == np.int8 and weights.ndim == 2 and tensors[other].shape == (weights.shape[axis],)
        if not (fits and tensors[other].dtype.kind == "f" and np.isfinite(tensors[other]).all()):
            raise FileFormatError(f"{path} is damaged: the tensor {prefix + other!r} does not fit the weights.")
