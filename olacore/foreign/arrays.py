"""Arrays of `.npy` and `.npz` files: the header first, then as many bytes as it asks for, within a bound."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import IO

import numpy as np

from olacore.errors import FileFormatError
from olacore.foreign.reading import or_rather, read_file
from olacore.foreign.schema import shown

# A latent of 16 channels of a picture of 16,384 x 16,384 pixels, in float32.
MOST_BYTES = 1 << 28
MOST_AXES = 8
FLOATS = ("f2", "f4", "f8")


def read_arrays(
    path: Path, what: str, maker: str, names: Iterable[str] = (), most: int = MOST_BYTES
) -> dict[str, np.ndarray]:
    """Read the array of a `.npy` file, under the name "", or some of a `.npz` file, by their names.

    Parameters
    ----------
    what : of sentences, such as "latent"
    maker : of such files, such as "`ola encode`"
    names : of those that are read of a `.npz` file, as far as they are there
    most : bytes of the file and of each array

    Returns
    -------
    arrays of numbers or text, in C order and the machine's byte order

    Raises
    ------
    FileFormatError  if it is missing, neither of these, damaged, or larger
    """
    data = read_file(path, f"the {what}", most + (1 << 16))
    if data.startswith(b"\x93NUMPY"):
        return {"": _read_array(io.BytesIO(data), str(path), most)}
    if not data.startswith(b"PK"):
        raise FileFormatError(f"{path} is no .npy or .npz file of a {what}: {or_rather(data, f'one of {maker}')}.")
    found = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in set(names) & {member.removesuffix(".npy") for member in archive.namelist()}:
                with archive.open(f"{name}.npy") as member:
                    found[name] = _read_array(member, f"{name!r} in {path}", most)
                    member.read(1)  # its checksum is compared at its end
    except FileFormatError:
        raise
    # An unknown method of compression, a password, and damage come as a dozen types.
    except Exception as error:
        raise FileFormatError(f"{path} is no .npz file that can be read: {error}.") from error
    return found


def check_numbers(array: np.ndarray, what: str, types: Collection[str] = FLOATS) -> np.ndarray:
    """Return an array of such types that holds any numbers at all.

    Raises
    ------
    FileFormatError  otherwise
    """
    if array.dtype.str[1:] not in types:
        words = " or ".join(str(np.dtype(name)) for name in types)
        raise FileFormatError(f"{what} holds {array.dtype}; expected {words}.")
    if not array.size:
        raise FileFormatError(f"{what} holds no numbers: its shape is {array.shape}.")
    return array


def from_bfloat(halves: np.ndarray) -> np.ndarray:
    """The numbers whose upper 16 bits these are, uint16 of any shape: float32, exact."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


def _read_array(file: IO[bytes], what: str, most: int) -> np.ndarray:
    try:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
        shape, columns, dtype = read_header(file)
    # The header is an expression of Python; one that is damaged comes as a dozen types.
    except Exception as error:
        raise FileFormatError(f"{what} is no array of NumPy that can be read: {shown(str(error))}.") from error
    if dtype.kind not in "fiubcU" or not dtype.itemsize or len(shape) > MOST_AXES or min(shape, default=0) < 0:
        raise FileFormatError(f"{what} must be a plain array of numbers; got {shown(str(dtype))} {shown(shape)}.")
    size = dtype.itemsize * math.prod(shape)
    if size > most or max(shape, default=0) > most:
        raise FileFormatError(f"{what} is too large: its shape {shown(shape)} takes {size} bytes, at most {most}.")
    data = bytearray(size)
    if (found := file.readinto(data)) < size:  # type: ignore[attr-defined]
        raise FileFormatError(f"{what} is cut short: {found} of {size} bytes are there.")
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if columns else "C")
    return np.ascontiguousarray(array, dtype.newbyteorder("=")).reshape(shape)
