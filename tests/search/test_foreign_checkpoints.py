"""Checkpoints that a search cannot have written are refused in one sentence, before anything of them is used."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from typing import Any

import h5py
import numpy as np
import pytest

from olacore.errors import FileFormatError, OlacoreError
from olacore.search.checkpoint import load_checkpoint, save_checkpoint
from olacore.search.resume import COUNTERS, LOSSES, progress_like
from olacore.search.train import train
from tests.support.makers import JIT, make_config, write_pictures, write_plain
from tests.support.searches import by_line

pytestmark = pytest.mark.skipif(not JIT, reason="too many products without the JIT")

RUNS: dict[str, dict[str, Any]] = {
    "rows": {},
    "int8": {"weights": "int8"},
    "classic": {"strategy": "classic"},
    "stack": {"stack": 4, "generations": 12},
    "pair": {"module": "pair", "border": 0, "generations": 3},
}


@pytest.fixture(params=RUNS, scope="module")
def finished(request, tmp_path_factory):
    """Settings of a finished run, and the place of its checkpoint."""
    folder = tmp_path_factory.mktemp(request.param)
    pair = request.param == "pair"
    data = write_pictures(folder / "a.h5", (6, 2, 2), (24, 16)) if pair else write_plain(folder / "a.h5")
    config = make_config(data, folder / "run", **RUNS[request.param])
    train(config)
    return config, ("encoder/" if pair else "") + "checkpoint.safetensors"


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    """Settings that resume a copy of it, and its checkpoint."""
    config, place = finished
    shutil.copytree(config.out, tmp_path / "run")
    known: dict[str, Any] = {}

    def remembered(task, stored):
        key = f"{stored['chosen']} {stored['units']}"
        if key not in known:
            known[key] = progress_like(task, stored)
        return known[key]

    monkeypatch.setattr("olacore.search.resume.progress_like", remembered)  # axes take their time
    return replace(config, out=tmp_path / "run", resume=True), tmp_path / "run" / place


def others(array: np.ndarray) -> list[np.ndarray]:
    """Arrays that do not take the place of this one."""
    flat = array.reshape(-1)
    swapped = np.float64 if array.dtype != np.float64 else np.float32
    return [
        array.astype(swapped),
        array.astype(np.int32),
        array[None],
        np.zeros((7, 1 << 12), array.dtype),
        np.append(flat, flat[:1] if flat.size else np.zeros(1, array.dtype)),
        np.zeros((0, 3), array.dtype),
        np.zeros((3, 3, 0), array.dtype),
    ]


def refused(config: Any, path: Any, arrays: dict, settings: dict) -> str:
    save_checkpoint(path, arrays, settings)
    with pytest.raises(OlacoreError) as caught:
        train(config)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_resume__refuses_arrays_of_other_forms(run):
    config, path = run
    arrays, settings = load_checkpoint(path)
    for name, array in arrays.items():
        found = [refused(config, path, {k: v for k, v in arrays.items() if k != name}, settings)]
        forms = others(array)[:: 1 if config.module is None else 3]  # pictures take their time
        found += [refused(config, path, {**arrays, name: other}, settings) for other in forms]
        assert all(f"cannot resume from {path}: " in text and name in text for text in found), found
    assert "it has the array 'state_more'" in refused(config, path, {**arrays, "state_more": np.zeros(2)}, settings)
    save_checkpoint(path, arrays, settings)
    train(config)


def test_resume__refuses_numbers_that_no_search_comes_to(run):
    config, path = run
    arrays, settings = load_checkpoint(path)
    for name, array in arrays.items():
        if not array.size:
            continue
        if name in LOSSES:
            wrong = [np.full_like(array, np.nan)]
        elif not name.startswith("state_"):
            wrong = [np.full_like(array, value) for value in (np.nan, np.inf)]
            wrong += [np.full_like(array, value) for value in (0, -1)] if name.endswith("_scale") else []
        elif array.dtype == np.int64:
            wrong = [array - (1 << 40), array + (1 << 60)]
        else:
            continue
        for other in wrong:
            assert f"{name} holds numbers that no search comes to" in refused(
                config, path, {**arrays, name: other}, settings
            )


def test_resume__refuses_settings_of_other_types(run):
    config, path = run
    arrays, settings = load_checkpoint(path)
    values = (None, "x", [], {}, {"pass": 1}, True, -1, 1.5, -0.5, 1 << 60)
    for name, value in settings.items():
        refused(config, path, arrays, {key: settings[key] for key in settings if key != name})
        for other in values:
            if other == value or (name == "seconds" and other in (1.5, 1 << 60)):
                continue
            refused(config, path, arrays, {**settings, name: other})
        for key in value if isinstance(value, dict) and name != "settings" else ():
            for other in values:
                if key == "shrinkage" and other in (1.5, 1 << 60):
                    continue
                refused(config, path, arrays, {**settings, name: {**value, key: other}})
    refused(config, path, arrays, {**settings, "more": 1})
    refused(config, path, arrays, {**settings, "units": {"now": 1 << 50, "best": 1 << 50}})
    assert {*COUNTERS} < {*settings}


def test_resume__of_version_0_1_is_refused_and_can_be_replaced(plain, tmp_path):
    config = make_config(plain, tmp_path / "run", generations=2)
    train(config)
    with h5py.File(tmp_path / "run" / "checkpoint.h5", "w") as file:
        file.attrs["schema"] = "olacore/checkpoint/1"
    (tmp_path / "run" / "checkpoint.safetensors").unlink()
    with pytest.raises(FileFormatError, match=r"made by version 0.1, whose checkpoint.h5 cannot be resumed; give --f"):
        train(replace(config, resume=True))
    train(replace(config, force=True))
    assert not (tmp_path / "run" / "checkpoint.h5").exists()


def test_resume__that_is_refused_holds_nobody_up(plain, tmp_path):
    """The error of a damaged checkpoint is kept, as a notebook keeps it: other threads read HDF5 all the same."""
    config = make_config(plain, tmp_path / "run", generations=2)
    train(config)
    path = tmp_path / "run" / "checkpoint.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match="its numbers are not those that were written") as kept:
        train(replace(config, resume=True))

    def read():
        with h5py.File(plain) as file:
            found.append(len(file["inputs"]))

    found: list[int] = []
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(60)
    assert found == [200]
    assert kept.value.__traceback__


def test_resume__survives_numbers_that_are_huge(plain, tmp_path):
    """A state that nothing can be made of ends the search in one sentence."""
    config = make_config(plain, tmp_path / "run", stack=4, generations=12)
    train(config)
    path = tmp_path / "run" / "checkpoint.safetensors"
    arrays, settings = load_checkpoint(path)
    arrays["state_moments"][:] = np.nan
    arrays["state_steps"][:] = 30
    save_checkpoint(path, arrays, settings)
    longer = replace(config, resume=True)
    with pytest.raises(OlacoreError, match="started with generations 12"):
        train(replace(longer, generations=14))
    settings = {**settings, "generation": 8}
    save_checkpoint(path, arrays, settings)
    with pytest.raises(OlacoreError, match="the search cannot go on"):
        train(longer, (by_line(lambda line: None),))
