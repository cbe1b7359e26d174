"""Damage to safetensors: the header's JSON, the JSON in its metadata, and tensors of other types, shapes and values.

Files of ours have a digest. Most are given a new one after the damage, so that it gets past that check.
"""

from __future__ import annotations

import json
import struct
from hashlib import sha256
from random import Random
from typing import Any

import numpy as np

from tests.fuzz.damage import values

SIZES = {
    **{"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4},
    **{"U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8, "C64": 8},
}
# Of each tensor its type, shape and bytes.
Tensors = dict[str, tuple[str, list[int], bytes]]
FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}


def knows(data: bytes) -> bool:
    """Whether it begins with the length of a header, and this is JSON."""
    try:
        return isinstance(split(data)[0], dict)
    except (ValueError, struct.error):
        return False


def split(data: bytes) -> tuple[Any, bytes]:
    """The header and what follows it."""
    size = struct.unpack("<Q", data[:8])[0]
    if not 2 <= size <= len(data):
        raise ValueError
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def take_apart(data: bytes) -> tuple[dict[str, str], Tensors]:
    """The notes of a file and its tensors."""
    header, body = split(data)
    notes = header.pop("__metadata__", {})
    return notes, {name: (v["dtype"], v["shape"], body[slice(*v["data_offsets"])]) for name, v in header.items()}


def seal(notes: dict[str, str], tensors: Tensors) -> None:
    """Give a file of ours, which has a digest, that of what it holds now."""
    try:
        content = json.loads(notes["olacore"])
        del content["digest"]
        found = sha256(compact(content).encode())
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return
    for name in sorted(tensors):
        dtype, shape, body = tensors[name]
        sort = {"BOOL": "|b1", "BF": "<V2"}.get(
            dtype, f"{'|' if SIZES.get(dtype) == 1 else '<'}{dtype[0].lower()}{SIZES.get(dtype)}"
        )
        found.update(f"\0{name} {sort} {tuple(shape)}\0".encode("utf-8", "replace") + body)
    notes["olacore"] = compact({**content, "digest": found.hexdigest()})


def compact(content: Any) -> str:
    """JSON as files of ours have it."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def breaks_seal(data: bytes, sound: bytes) -> bool:
    """Whether what a digest stands for has changed without the digest."""
    try:
        (notes, tensors), (before, others) = take_apart(data), take_apart(sound)
        content, wanted = json.loads(notes["olacore"]), json.loads(before["olacore"])
        return content["digest"] == wanted["digest"] and (content, tensors) != (wanted, others)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, struct.error):
        return False


def mangle(rng: Random, data: bytes) -> tuple[bytes, str]:
    """Change the header blindly, a note within it, or a tensor with everything else in order."""
    header, body = split(data)
    notes, tensors = take_apart(data)
    way = rng.random()
    if way < 0.15:
        header, word = values.mangle(rng, header)
        return join(values.dumps(header), body), f"header {word}"
    if notes and (way < 0.55 or not tensors):
        word = mangle_notes(rng, notes)
    elif tensors:
        word = mangle_tensor(rng, tensors)
    else:
        word = "packed again"
    if rng.random() < 0.75:
        seal(notes, tensors)
    return build(notes, tensors), word


def mangle_notes(rng: Random, notes: dict[str, str]) -> str:
    """Change a note: what its JSON says where it holds any."""
    name = rng.choice(list(notes))
    try:
        value, word = values.mangle(rng, json.loads(notes[name]))
        notes[name] = values.dumps(value)
    except ValueError:
        word = str(rng.choice(("", "x", "\0", "{", "[" * 5000, "9" * 5000)))
        notes[name] = word
    if rng.random() < 0.1:
        del notes[name]
        word = "drop"
    return f"note {name} {word[:80]}"


def mangle_tensor(rng: Random, tensors: Tensors) -> str:
    """Lose, add or rename a tensor, or give it another type, shape or values."""
    name = rng.choice(list(tensors))
    dtype, shape, content = tensors[name]
    way = rng.choice(("values", "values", "type", "shape", "shape", "lose", "rename", "add", "empty", "large"))
    if way == "values" and dtype in FLOATS and content:
        array = np.frombuffer(content, FLOATS[dtype]).copy()
        spot = slice(None) if rng.random() < 0.5 else rng.randrange(array.size)
        with np.errstate(all="ignore"):
            array[spot] = rng.choice((np.nan, np.inf, -np.inf, 0, -1, 1e38, 1e-38, 3e4))
        content = array.tobytes()
    elif way == "type":
        dtype = rng.choice(list(SIZES))
        content = (content * 8)[: SIZES[dtype] * int(np.prod(shape))]
    elif way == "shape":
        shape = rng.choice(
            (
                [],
                [0],
                [1],
                [int(np.prod(shape))],
                [*shape, 1],
                [1, *shape],
                shape[::-1],
                [*shape[:-1], 0],
                [s + 1 for s in shape],
            )
        )
        content = (content * 4)[: SIZES[dtype] * int(np.prod(shape))]
    elif way == "large":
        shape = [1, 3_000_000]
        content = bytes(SIZES[dtype] * 3_000_000)
    elif way == "empty":
        shape, content = [0], b""
    if len(content) != SIZES.get(dtype, 4) * int(np.prod(shape)):
        content = content.ljust(SIZES.get(dtype, 4) * int(np.prod(shape)), b"\0")
    tensors[name] = dtype, shape, content
    if way == "add":
        tensors[rng.choice(("", "x", "[/b]", "\x1b]0;x\x07", "input_scale", "weight_scales", name + "_1"))] = tensors[
            name
        ]
    elif way in ("lose", "rename"):
        held = tensors.pop(name)
        if way == "rename":
            tensors[name + "x"] = held
    return f"tensor {name} {way} {dtype} {shape}"


def build(notes: dict[str, str], tensors: Tensors) -> bytes:
    """Write a file that is sound as safetensors."""
    header: dict[str, Any] = {"__metadata__": notes} if notes else {}
    at = 0
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(content)]}
        at += len(content)
    return join(json.dumps(header), b"".join(content for *_, content in tensors.values()))


def join(header: str, body: bytes) -> bytes:
    """Put header and tensors together."""
    text = header.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + body
