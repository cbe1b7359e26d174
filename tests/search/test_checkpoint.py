"""Checkpoints: the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from olacore.errors import FileFormatError, OutputError
from olacore.modules.tensor_file import seal
from olacore.search.checkpoint import SCHEMA, is_checkpoint, load_checkpoint, open_checkpoint, save_checkpoint

ARRAYS = {
    "weights": np.arange(6, dtype=np.float32).reshape(1, 2, 3),
    "evidence": np.array([0.1, np.inf]),
    "born": np.array([-1, 5]),
    "best_loss": np.array(0.25),
}
SETTINGS = {"generation": 7, "options": {"sigma": 0.1, "none": None}, "cursor": {"pass": 1}}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, ARRAYS, SETTINGS)
    return path


def assert_is(path: Path, arrays: dict[str, np.ndarray], settings: dict) -> None:
    found, stored = load_checkpoint(path)
    assert stored == settings
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def test_load_checkpoint__gives_back_every_bit_type_and_shape(path):
    assert_is(path, ARRAYS, SETTINGS)


def test_save_checkpoint__replaces_the_one_before(path):
    save_checkpoint(path, {"other": np.zeros(2)}, {})
    assert_is(path, {"other": np.zeros(2)}, {})
    assert [*path.parent.iterdir()] == [path]


def test_save_checkpoint__of_equal_states_has_equal_bytes(path, tmp_path):
    save_checkpoint(tmp_path / "again.safetensors", ARRAYS, SETTINGS)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["write", "fsync", "close", "replace"])
def test_save_checkpoint__that_fails_leaves_the_old_one(path, monkeypatch, name):
    original, calls = getattr(os, name), []

    def fail(*arguments):
        calls.append(name)
        if name == "write" and len(calls) == 1:
            return original(arguments[0], arguments[1][:9])  # the disk is full after nine bytes
        if name == "close":
            original(*arguments)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, name, fail)
        with pytest.raises(OutputError, match="cannot write .*checkpoint.safetensors: No space left on device"):
            save_checkpoint(path, {"a": np.zeros(9), "b": np.zeros(9)}, {"generation": 8})
    assert calls
    assert_is(path, ARRAYS, SETTINGS)
    assert [*path.parent.iterdir()] == [path]


def test_save_checkpoint__that_is_interrupted_leaves_the_old_one(path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(path, {"a": np.zeros(9)}, {})
    assert_is(path, ARRAYS, SETTINGS)
    assert [*path.parent.iterdir()] == [path]


def test_save_checkpoint__names_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="cannot write .*nowhere/checkpoint.safetensors"):
        save_checkpoint(tmp_path / "nowhere" / "checkpoint.safetensors", ARRAYS, SETTINGS)


def test_load_checkpoint__refuses_one_that_was_cut_anywhere(path):
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(FileFormatError, match=r"checkpoint.safetensors .*(no file of olacore|damaged|no JSON)"):
            load_checkpoint(path)


def test_load_checkpoint__never_gives_what_was_not_written(path):
    """Each byte in turn is another one."""
    data = bytearray(path.read_bytes())
    for place in range(len(data)):
        for change in (0x01, 0x80):
            data[place] ^= change
            path.write_bytes(data)
            with contextlib.suppress(FileFormatError):
                assert_is(path, ARRAYS, SETTINGS)  # a space of the header may be another blank
            data[place] ^= change


def test_load_checkpoint__refuses_what_is_missing_or_foreign(tmp_path):
    with pytest.raises(FileFormatError, match="cannot read .*nothing.safetensors: No such file"):
        load_checkpoint(tmp_path / "nothing.safetensors")
    (tmp_path / "text.safetensors").write_text("a text\n" * 99)
    with pytest.raises(FileFormatError, match="text.safetensors is no file of olacore: expected a safetensors file"):
        load_checkpoint(tmp_path / "text.safetensors")
    with pytest.raises(FileFormatError, match="cannot read .*: it is no file"):
        load_checkpoint(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileFormatError, match="cannot read .*pipe: it is no file"):
        load_checkpoint(tmp_path / "pipe")
    assert not is_checkpoint(tmp_path / "text.safetensors")


@pytest.mark.parametrize("schema", ["olacore/checkpoint/1", "olacore/checkpoint/4", "olacore/module/2", None, 3])
def test_load_checkpoint__names_an_unknown_schema(path, schema):
    path.write_bytes(seal(ARRAYS, {"schema": schema, "settings": {}}))
    with pytest.raises(FileFormatError, match=f"has the schema {schema!r}; this version resumes {SCHEMA!r}"):
        load_checkpoint(path)
    assert is_checkpoint(path) == (schema in ("olacore/checkpoint/1", "olacore/checkpoint/4"))


@pytest.mark.parametrize("settings", ["{", None, []])
def test_load_checkpoint__refuses_settings_that_are_no_object(path, settings):
    path.write_bytes(seal(ARRAYS, {"schema": SCHEMA, "settings": settings}))
    with pytest.raises(FileFormatError, match="this version resumes"):
        load_checkpoint(path)


def test_open_checkpoint__has_no_array_in_memory(path):
    """A header may promise more than there is memory."""
    with open_checkpoint(path) as (file, settings):
        assert settings == SETTINGS
        assert file.layout == {name: (array.shape, array.dtype) for name, array in ARRAYS.items()}
    huge = np.broadcast_to(np.float64(0), (1 << 40,))
    header = json.dumps({"huge": {"dtype": "F64", "shape": huge.shape, "data_offsets": [0, huge.nbytes]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(FileFormatError, match=r"is damaged: its tensors need 8796\d* bytes; it has \d+"):
        load_checkpoint(path)
