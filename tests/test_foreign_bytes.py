"""Mangled files of every kind that is no HDF5 go through the public readers: nothing but our own errors comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from olacore.errors import OlacoreError
from olacore.modules.file import to_bytes
from olacore.modules.latent_file import StoredLatent, read_latent, write_latent
from olacore.modules.module import load
from olacore.quality.baselines import Baselines
from olacore.reports.inspection import describe
from olacore.search.run_folder import RunFolder
from olacore.views.patch import PatchEncoder
from olacore.views.plain import Plain
from teachers.collect.recipe import read_recipe
from tests.support.makers import SPACE, make_module

STACK = make_module(Plain(5, 3), space=None, hidden=(6, 2), stored="int8")
ENCODER = make_module(PatchEncoder(4, border=0))
LATENT = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
LOG = [{"generation": n, "loss": 0.5, "seconds": 0.1, "trust": [0, 1, 2]} for n in (1, 2)]
RECIPE = {"pictures": [{"file": "a", "split": "train", "crops": [[0, 0, 9]]}, {"file": "b", "split": "held-out"}]}

ODD = st.sampled_from(
    [None, True, -1, 0, 2**31, 2**63, 16.0, 1e300, "", "x" * 5000, "../x", "\0", [], [[]], {}, {"a": 1}, [1, "a"]]
)


def make(name: str, path: Path) -> None:
    """Write a sound file of a kind."""
    if name in ("stack", "encoder"):
        {"stack": STACK, "encoder": ENCODER}[name].save(path)
    elif name == "npz":
        write_latent(path.with_suffix(".npz"), StoredLatent(LATENT, SPACE, None, (20, 9)))
        path.with_suffix(".npz").rename(path)
    elif name == "npy":
        np.save(path.with_suffix(".npy"), LATENT)
        path.with_suffix(".npy").rename(path)
    elif name == "comfy":
        save_file({"latent_tensor": LATENT[None], "latent_format_version_0": np.zeros(0, np.float32)}, path)
    elif name == "baselines":
        Baselines(LATENT[0], LATENT[0, :, 0], LATENT[0, :, 0], "tanh", 0.1, 9, 0.5).save(path)
    elif name == "log":
        path.write_text("".join(json.dumps(line) + "\n" for line in LOG))
    elif name == "recipe":
        path.write_text(json.dumps(RECIPE))


def read_log(path: Path) -> object:
    return RunFolder(path.parent, resume=True, force=False).read_log()


def both(*readers: Callable[[Path], Any]) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        for reader in readers:
            with suppress(OlacoreError):
                reader(path)

    return read


KINDS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "stack": ("m", both(load, describe)),
    "encoder": ("m", load),
    "npz": ("z.npz", both(read_latent, describe)),
    "npy": ("z.npy", read_latent),
    "comfy": ("z.latent", read_latent),
    "baselines": ("baselines.safetensors", both(Baselines.load, describe)),
    "log": ("log.jsonl", read_log),
    "recipe": ("recipe.json", read_recipe),
}
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", KINDS)
@FEW
@given(data=st.data())
def test_readers__of_mangled_bytes_raise_only_our_errors(name, data, tmp_path):
    file, read = KINDS[name]
    path = tmp_path / file
    make(name, path)
    whole = bytearray(path.read_bytes())
    read(path)
    for _ in range(data.draw(st.integers(1, 3))):
        # Headers are where most of the meaning is.
        place = data.draw(st.integers(0, min(len(whole), 1500)) | st.integers(0, len(whole)))
        size = data.draw(st.integers(0, 9))
        whole[place : place + size] = data.draw(st.binary(max_size=9) | st.just(bytes(size)))
    path.write_bytes(whole)
    with suppress(OlacoreError):
        read(path)


def places(value: Any, place: tuple = ()) -> list[tuple]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(inner for key, part in parts for inner in places(part, (*place, key)))]


def changed(value: Any, place: tuple, new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = changed(value[place[0]], place[1:], new)
    return copy


@pytest.mark.parametrize("name", ["stack", "encoder", "npz", "log", "recipe"])
@FEW
@given(data=st.data(), odd=ODD)
def test_readers__of_odd_values_raise_only_our_errors(name, data, odd, tmp_path):
    module = {"stack": STACK, "encoder": ENCODER}.get(name)
    space = {"makes": SPACE.to_dict(), "imitates": None, "size": [20, 9]}
    content = module.about() if module else {"npz": space, "log": LOG[0], "recipe": RECIPE}[name]
    content = json.loads(json.dumps(content))
    content = changed(content, data.draw(st.sampled_from(places(content))), odd)
    file, read = KINDS[name]
    path = tmp_path / file
    if module:
        from olacore.modules.file import pack

        if not isinstance(content, dict):
            content = {"schema": content}
        path.write_bytes(to_bytes(pack(module._parts(), module.stored), content))
    elif name == "npz":
        np.savez(path, latent=LATENT, olacore=np.array(json.dumps(content)))
    else:
        path.write_text(json.dumps(content) + "\n")
    with suppress(OlacoreError):
        found = read(path)
        if module:
            load(path).run(np.zeros(5) if name == "stack" else np.zeros((8, 8, 3), np.uint8))
        if isinstance(found, StoredLatent):
            found.crop(np.zeros((24, 16, 3), np.uint8))
