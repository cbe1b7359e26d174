"""Damage to `.npy`: another header, another array."""

from __future__ import annotations

import io
import struct
from random import Random

import numpy as np

MAGIC = b"\x93NUMPY"
DTYPES = (
    ">f4",
    "<f8",
    "<f2",
    "|u1",
    "<i8",
    "<c8",
    "|b1",
    "<U3",
    "|S2",
    "<M8[s]",
    "|V4",
    "|O",
    "[('a', '<f4')]",
    "f4, f4",
    "x",
)
SHAPES = (
    "()", "(0,)", "(4,)", "(4, 0, 2)", "(0, 2, 2)", "(1, 1, 1)", "(4, 2, 2, 1)", "(1, 1, 4, 2, 2)", "(4, -1, 2)",
    "(-4, -2, 2)", "(4, 100000, 100000)",
    "(4, 2**40)", "(2**62, 4, 4)", "4", "None", "(4.0, 2, 2)", "('x',)", "(" * 90 + ")" * 90, "(1,) * 65",
    "(4, 40000, 1)", "(5, 2, 2)",
)  # fmt: skip
FILLS = (np.nan, np.inf, -np.inf, 1e30, -1e30, 1e-40, 0, 65504, 100)


def knows(data: bytes) -> bool:
    """Whether it is a `.npy` file."""
    return data.startswith(MAGIC)


def mangle(rng: Random, data: bytes) -> tuple[bytes, str]:
    """Write another header, or other numbers."""
    array = np.load(io.BytesIO(data))
    if rng.random() < 0.3:
        return changed(rng, array)
    dtype, shape, order = f"'{array.dtype.str}'", str(array.shape), "False"
    if rng.random() < 0.4:
        dtype = f"'{rng.choice(DTYPES)}'".replace("'[", "[").replace("]'", "]")
    elif rng.random() < 0.9:
        shape = rng.choice(SHAPES)
    else:
        order = rng.choice(("True", "None", "'x'", "1", "[[]]"))
    text = f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}}}".encode()
    version, form = rng.choice(((1, "<H"), (1, "<H"), (2, "<I"), (3, "<I"), (9, "<H")))
    text = text.ljust(118) + b"\n"
    return MAGIC + bytes((version, 0)) + struct.pack(
        form, len(text)
    ) + text + array.tobytes(), f"npy {dtype} {shape[:30]}"


def changed(rng: Random, array: np.ndarray) -> tuple[bytes, str]:
    """The file of an array with odd numbers, of another type or another shape."""
    array = np.array(array)
    way = rng.choice(("fill", "one", "type", "axes", "grow"))
    if way in ("fill", "one") and array.dtype.kind == "f" and array.size:
        value = rng.choice(FILLS)
        with np.errstate(all="ignore"):
            array.flat[rng.randrange(array.size) if way == "one" else slice(None)] = value
    elif way == "type" and array.dtype.kind in "fiu":
        with np.errstate(all="ignore"):
            array = np.nan_to_num(array).astype(rng.choice((">f4", "f8", "f2", "u1", "i8", "c8", "S3", "U5", "?")))
    elif way == "grow":
        array = np.concatenate([np.atleast_1d(array)] * rng.choice((2, 64)), rng.randrange(max(1, array.ndim)))
    else:
        array = array.T if rng.random() < 0.5 else array.reshape(rng.choice(((-1,), (1, -1), (-1, 1, 1, 1))))
    held = io.BytesIO()
    np.save(held, array, allow_pickle=False)
    return held.getvalue(), f"npy {way} {array.dtype} {array.shape}"
