"""Damage to pickles of weights: other tensors, names and structures that torch itself writes, and broken programs."""

from __future__ import annotations

import io
import zipfile
from random import Random
from typing import Any

from tests.fuzz.damage import blind, zips

NAMES = (0, None, ("a", 1), b"x", "", "x\0", "\x1b]0;x\x07", "[/b]", "decoder", "state_dict", 1.5)

KINDS = ("float8_e4m3fn", "float8_e5m2", "complex64", "bool", "int64", "bfloat16")


def knows(data: bytes) -> bool:
    """Whether torch wrote it, as an archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def mangle(rng: Random, data: bytes) -> tuple[bytes, str]:
    """Change a tensor, a name, what holds them, or the program of the pickle."""
    import torch

    if rng.random() < 0.3:
        return other_program(rng, data)

    content: dict[Any, Any] = dict(torch.load(io.BytesIO(data), weights_only=True))
    name = rng.choice(list(content))
    way = rng.choice(("tensor", "tensor", "tensor", "name", "lose", "whole", "no tensor", "old form"))
    word = ""
    if way == "tensor":
        content[name], word = other_tensor(rng, content[name])
    elif way == "name":
        content[rng.choice(NAMES)] = content.pop(name) if rng.random() < 0.5 else content[name]
    elif way == "lose":
        del content[name]
    elif way == "no tensor":
        content[name] = rng.choice((None, 1, "x", [1, 2], {"a": content[name]}, [content[name]]))
    elif way == "whole":
        content, word = other_whole(rng, content)
    held = io.BytesIO()
    torch.save(content, held, _use_new_zipfile_serialization=way != "old form")
    return held.getvalue(), f"pt {way} {name} {word}"


def other_program(rng: Random, data: bytes) -> tuple[bytes, str]:
    """Mangle the bytes of the pickle, with the archive around it in order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    word = ""
    for number, (name, content) in enumerate(entries):
        if name.endswith("data.pkl"):
            content, word = blind.mangle(rng, content, content)
            entries[number] = name, content
    return zips.pack(entries, zipfile.ZIP_STORED), f"pt program {word}"


def other_tensor(rng: Random, tensor: Any) -> tuple[Any, str]:
    """A tensor of another type, shape or kind."""
    import torch

    ways = {
        "nan": lambda: tensor * float("nan"),
        "meta": lambda: tensor.to("meta"),
        "quantized": lambda: torch.quantize_per_tensor(tensor.float(), 0.1, 0, torch.qint8),
        "sparse": lambda: tensor.to_sparse(),
        "expanded": lambda: torch.zeros(1).expand(1 << 40),
        "stretched": lambda: torch.zeros(1).expand(tensor.shape),
        "shape": lambda: tensor.flatten(),
        "scalar": lambda: tensor.sum(),
        "parameter": lambda: torch.nn.Parameter(tensor),
        "nothing": lambda: tensor[:0],
    }
    way = rng.choice((*ways, *KINDS))
    return ways[way]() if way in ways else tensor.to(getattr(torch, way)), way


def other_whole(rng: Random, content: dict[Any, Any]) -> tuple[Any, str]:
    """Something else than a dictionary of weights."""
    ways: dict[str, Any] = {
        "list": list(content.values()),
        "nested": {"state_dict": {"state_dict": content}},
        "prefix": {f"first_stage_model.{key}": value for key, value in content.items()},
        "empty": {},
        "number": 3,
        "nothing": None,
        "module": {"model": content},
    }
    circle: dict[str, Any] = {}
    circle["state_dict"] = circle
    way = rng.choice((*ways, "circle", "circle"))
    return (circle if way == "circle" else ways[way]), way
