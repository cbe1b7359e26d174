"""`.pt` files as torch writes them, made without torch, so that any number in them can be wrong."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

STORAGES = {"f2": "HalfStorage", "f4": "FloatStorage", "f8": "DoubleStorage", "bf": "BFloat16Storage"}
GLOBALS = ("torch._utils _rebuild_tensor_v2", *(f"torch {name}" for name in STORAGES.values()))


def tensor_program(
    shape: tuple[int, ...],
    storage: str = "torch FloatStorage",
    *,
    offset: int = 0,
    strides: tuple[int, ...] | None = None,
    member: str = "0",
) -> bytes:
    """The pickle of a tensor of a contiguous storage."""
    if strides is None:
        strides = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))

    def number(value: int) -> bytes:
        packed = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(packed)]) + packed

    def text(value: str) -> bytes:
        return b"X" + len(value).to_bytes(4, "little") + value.encode()

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    def named(value: str) -> bytes:
        return b"c" + value.replace(" ", "\n").encode() + b"\n"

    stored = b"(" + text("storage") + named(storage) + text(member) + text("cpu") + number(int(np.prod(shape))) + b"tQ"
    rest = number(offset) + numbers(shape) + numbers(strides) + b"\x89" + named("collections OrderedDict") + b")R"
    return b"\x80\x02" + named("torch._utils _rebuild_tensor_v2") + b"(" + stored + rest + b"tR."


def write_torch(
    path: Path,
    array: np.ndarray,
    kind: str,
    *,
    order: str = "little",
    shape: tuple[int, ...] | None = None,
    storage: str | None = None,
    offset: int = 0,
    strides: tuple[int, ...] | None = None,
    member: str = "0",
) -> None:
    """Write a tensor; `kind` says which type of torch it is of, the rest what the file claims of it."""
    named = storage or f"torch {STORAGES[kind]}"
    program = tensor_program(shape or array.shape, named, offset=offset, strides=strides, member=member)
    stored = array.astype(array.dtype.newbyteorder(">" if order == "big" else "<")).tobytes()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (("data.pkl", program), ("byteorder", order.encode()), ("data/0", stored)):
            archive.writestr(f"{path.stem}/{name}", content)
