"""Safetensors files as NumPy arrays: the header checked by ourselves, the numbers read by safetensors."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import FileFormatError
from olacore.foreign.arrays import from_bfloat
from olacore.foreign.json_text import parse_json
from olacore.foreign.reading import or_rather, read_file
from olacore.foreign.schema import listed, record, require, text, whole

# Headers of checkpoints with thousands of tensors have a third of a megabyte.
MOST_HEADER = 1 << 22
# Of a file that is read whole: a hundred times the largest of our modules.
MOST_BYTES = 1 << 28
FLOATS = ("F16", "F32", "F64")

_TENSOR = record({"dtype": text(16), "shape": listed(whole(), 0, 32), "data_offsets": listed(whole(), 2, 2)})


def parse_header(data: bytes, path: Path, what: str, maker: str) -> dict[str, Any]:
    """Return the header of a safetensors file: tensors by name, and text by key in `__metadata__`.

    Parameters
    ----------
    data : of the file, at least its header
    what : of sentences, such as "olacore module"
    maker : of such files, such as "`ola train`"

    Raises
    ------
    FileFormatError  if it is no safetensors file
    """
    size = int.from_bytes(data[:8], "little")
    if not 2 <= size <= MOST_HEADER or data[8:9] != b"{":
        raise FileFormatError(f"{path} is no {what}: {or_rather(data, f'a safetensors file written by {maker}')}.")
    if len(data) < 8 + size:
        raise FileFormatError(f"{path} is damaged or truncated: its header alone has {size} bytes.")
    header = parse_json(data[8 : 8 + size], f"the header of {path}", largest=MOST_HEADER)
    about = header.setdefault("__metadata__", {})
    checks = {name: _TENSOR for name in header if name != "__metadata__"}
    words = record({}, {key: text(MOST_HEADER) for key in about} if isinstance(about, dict) else {})
    require(record({"__metadata__": words, **checks}), header, f"the header of {path}")
    return dict(header)


def read_tensors(data: bytes, path: Path, header: dict[str, Any], types: Collection[str]) -> dict[str, np.ndarray]:
    """Return all tensors of a safetensors file.

    Parameters
    ----------
    data : the whole file
    header : of `parse_header`
    types : that a tensor may have, such as "F16"; "BF16" is returned as float32

    Raises
    ------
    FileFormatError  if a tensor is of another type, or the file is damaged
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] not in types:
            expected = f"expected {' or '.join(types)}; save it as float32"
            raise FileFormatError(f"{path} holds {name!r} as {entry['dtype']!r}; {expected}.")
    brief = [name for name, entry in header.items() if name != "__metadata__" and entry["dtype"] == "BF16"]
    if brief:  # which NumPy does not have
        text = json.dumps(header | {name: {**header[name], "dtype": "U16"} for name in brief}).encode()
        start = 8 + int.from_bytes(data[:8], "little")
        data = len(text).to_bytes(8, "little") + text + data[start:]
    try:
        found = load(data)
        return found | {name: from_bfloat(found[name]) for name in brief}
    # Shapes of no end and offsets that overlap come as several types.
    except (SafetensorError, ValueError, OverflowError, KeyError) as error:
        raise FileFormatError(f"{path} is damaged or truncated: {error}.") from error


def read_safetensors(
    path: Path, what: str, maker: str, types: Collection[str] = FLOATS, most: int = MOST_BYTES
) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Read a small safetensors file whole.

    Parameters
    ----------
    what, maker : see `parse_header`

    Returns
    -------
    its metadata and its tensors

    Raises
    ------
    FileFormatError  if it is missing, larger than `most` bytes, no safetensors file, damaged, or of other types
    """
    data = read_file(path, f"the {what}", most)
    header = parse_header(data, path, what, maker)
    return header["__metadata__"], read_tensors(data, path, header, types)
