"""Safetensors of strangers: the header within its bounds, types that are asked for, metadata that are text."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save

from olacore.errors import FileFormatError
from olacore.foreign.tensors import read_safetensors

NUMBERS = np.arange(6, dtype=np.float32).reshape(2, 3)
ENTRY = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


def packed(header: object, body: bytes = NUMBERS.tobytes()) -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return len(text).to_bytes(8, "little") + text + body


def test_read_safetensors__gives_metadata_and_tensors(tmp_path):
    (tmp_path / "m").write_bytes(save({"a": NUMBERS}, {"k": "v"}))
    about, tensors = read_safetensors(tmp_path / "m", "thing", "somebody")
    assert about == {"k": "v"}
    np.testing.assert_array_equal(tensors["a"], NUMBERS)
    (tmp_path / "m").write_bytes(packed({"a": ENTRY}))
    assert read_safetensors(tmp_path / "m", "thing", "somebody")[0] == {}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"hello world, this is text", "m is no thing: expected a safetensors file written by somebody"),
        (b"version https://git-lfs.github.com/spec/v1\n", "m is no thing: it is a Git LFS pointer .*; run `git lfs"),
        ((1 << 40).to_bytes(8, "little") + b"{", "m is no thing"),
        (packed({"a": ENTRY})[:40], "m is damaged or truncated: its header alone has"),
        (packed({"a": ENTRY})[:-1], "m is damaged or truncated"),
        (packed("{" + '"a":{' * 70 + "}" * 71), "the header of .*m is no JSON of ours: .*nested"),
        (packed('{"a": 1, "a": 2}'), "names the key 'a' twice"),
        (packed({"__metadata__": 3}), "__metadata__ must be an object; got 3"),
        (packed({"__metadata__": {"k": 3}}), r"__metadata__\.k must be text"),
        (packed({"a": 3}), "a must be an object; got 3"),
        (packed({"a": ENTRY | {"shape": [-2, 3]}}), r"a\.shape\[0\] must be a whole number"),
        (packed({"a": ENTRY | {"shape": [2**62, 2**62]}}), "damaged or truncated"),
        (packed({"a": ENTRY | {"data_offsets": [0, 2**60]}}), "damaged or truncated"),
        *((packed({"a": ENTRY | {"dtype": kind}}), f"holds 'a' as '{kind}'; expected F16 or F32 or F64; save it")
          for kind in ("BF16", "F8_E4M3", "BOOL", "I64", "C64", "nonsense")),
    ],
)  # fmt: skip
def test_read_safetensors__says_what_is_wrong(data, sentence, tmp_path):
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(FileFormatError, match=sentence):
        read_safetensors(tmp_path / "m", "thing", "somebody")
