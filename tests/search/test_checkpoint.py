"""Checkpoints: the old one or the new one, never half of one."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from olacore.errors import FileFormatError, OutputError
from olacore.search.checkpoint import SCHEMA, is_checkpoint, load_checkpoint, save_checkpoint

ARRAYS = {
    "weights": np.arange(6, dtype=np.float32).reshape(1, 2, 3),
    "evidence": np.array([0.1, np.inf]),
    "born": np.array([-1, 5]),
    "best_loss": np.array(0.25),
}
SETTINGS = {"generation": 7, "options": {"sigma": 0.1, "none": None}, "cursor": {"pass": 1}}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "checkpoint.h5"
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
    save_checkpoint(tmp_path / "again.h5", ARRAYS, SETTINGS)
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("where", "name"), [(Path, "replace"), (os, "fsync"), (h5py.File, "create_dataset"), (h5py.File, "close")]
)
def test_save_checkpoint__that_fails_leaves_the_old_one(path, monkeypatch, where, name):
    original, calls = getattr(where, name), []

    def fail(*arguments, **named):
        calls.append(name)
        if name == "create_dataset" and len(calls) == 1:
            return original(*arguments, **named)  # half of the arrays are written
        if name == "close":
            original(*arguments, **named)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(where, name, fail)
        with pytest.raises(OutputError, match="cannot write .*checkpoint.h5: No space left on device"):
            save_checkpoint(path, {"a": np.zeros(9), "b": np.zeros(9)}, {"generation": 8})
    assert calls
    assert_is(path, ARRAYS, SETTINGS)
    assert [*path.parent.iterdir()] == [path]


def test_save_checkpoint__that_is_interrupted_leaves_the_old_one(path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(h5py.File, "create_dataset", interrupt)
        with pytest.raises(KeyboardInterrupt):
            save_checkpoint(path, {"a": np.zeros(9)}, {})
    assert_is(path, ARRAYS, SETTINGS)
    assert [*path.parent.iterdir()] == [path]


def test_save_checkpoint__names_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="cannot write .*nowhere/checkpoint.h5"):
        save_checkpoint(tmp_path / "nowhere" / "checkpoint.h5", ARRAYS, SETTINGS)


def test_load_checkpoint__refuses_one_that_was_cut_anywhere(path):
    data = path.read_bytes()
    for size in range(0, len(data), 97):
        path.write_bytes(data[:size])
        with pytest.raises(FileFormatError, match=r"cannot resume from .*checkpoint.h5: "):
            load_checkpoint(path)
        assert not is_checkpoint(path)


def test_load_checkpoint__refuses_what_is_missing_or_foreign(tmp_path):
    with pytest.raises(FileFormatError, match="cannot resume from .*nothing.h5"):
        load_checkpoint(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("a text\n" * 99)
    with pytest.raises(FileFormatError, match="cannot resume from .*text.h5"):
        load_checkpoint(tmp_path / "text.h5")
    assert not is_checkpoint(tmp_path / "text.h5")


@pytest.mark.parametrize("schema", ["olacore/checkpoint/1", "olacore/checkpoint/3", "olacore/latents/1", None])
def test_load_checkpoint__names_an_unknown_schema(path, schema):
    with h5py.File(path, "r+") as file:
        del file.attrs["schema"]
        if schema:
            file.attrs["schema"] = schema
    with pytest.raises(FileFormatError, match=f"has the schema {schema!r}; this version resumes {SCHEMA!r}"):
        load_checkpoint(path)
    assert is_checkpoint(path) == (schema in ("olacore/checkpoint/1", "olacore/checkpoint/3"))


@pytest.mark.parametrize("settings", ["{", None])
def test_load_checkpoint__refuses_settings_that_are_no_json(path, settings):
    with h5py.File(path, "r+") as file:
        del file.attrs["settings"]
        if settings:
            file.attrs["settings"] = settings
    with pytest.raises(FileFormatError, match="cannot resume from"):
        load_checkpoint(path)
