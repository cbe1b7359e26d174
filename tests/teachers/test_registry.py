"""Which teacher a reference finds, and a sort of teacher that is added from outside."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from olacore import pretrained
from olacore.data import FieldSpec, Form, open_dataset
from olacore.errors import ConfigError, FileFormatError
from olacore.views.patch import PatchEncoder
from teachers import LOADERS, Autoencoder, Loader, LoadOptions, OrganicEncoder, Teacher, load_any_teacher
from teachers.own.function import FunctionTeacher
from tests.support.command import ola
from tests.support.makers import make_module
from tests.support.plain_samples import save_photographs
from tests.support.teacher_samples import build_kl, save_kl, save_model
from tests.support.toy_forms import FLOAT32, UINT8, colours_of, registered
from tests.support.toy_teachers import is_colours, load_colours

# What the toy teacher writes, without anything per source.
PLAIN_COLOURS = Form(
    "tests/plain-colours/1",
    (
        FieldSpec("frames", ("H", "W", 3), UINT8),
        FieldSpec("colours", ("K",), FLOAT32),
        FieldSpec("spread", (), FLOAT32, optional=True),
    ),
)


def load(reference: object) -> Teacher:
    return load_any_teacher(reference, LoadOptions(self_test=False))


def test_registry__finds_each_sort(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def fn(frames): pass\n")
    run = tmp_path / "run"
    run.mkdir()
    make_module(PatchEncoder(4, border=0)).save(run / "module.safetensors")
    shutil.copy(run / "module.safetensors", tmp_path / "organic.safetensors")
    kl = save_kl(tmp_path / "kl", build_kl())
    shutil.copy(kl / "diffusion_pytorch_model.safetensors", tmp_path / "lone.safetensors")
    found = {
        f"{tmp_path / 'mine.py'}:fn": FunctionTeacher,
        run: OrganicEncoder,
        tmp_path / "organic.safetensors": OrganicEncoder,
        pretrained.ENCODER: OrganicEncoder,
        kl: Autoencoder,
        save_model(tmp_path / "tiny"): Autoencoder,
    }
    for reference, sort in found.items():
        teacher = load(reference)
        assert isinstance(teacher, sort)
        assert isinstance(teacher, Teacher)
        assert teacher.name
    with pytest.raises(ConfigError, match=r"lone\.safetensors does not say which model's scaling"):
        load(tmp_path / "lone.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(b"\x00\x01")
    with pytest.raises(FileFormatError, match=r"damaged\.safetensors is damaged or no safetensors file"):
        load(tmp_path / "damaged.safetensors")


def test_registry__a_module_that_makes_no_latents_is_no_teacher(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="latents come from an encoder of the patch view; this is a patch decoder"):
        load(pretrained.DECODER)


@pytest.fixture
def colours(tmp_path: Path) -> Iterator[Path]:
    """A reference to a sort of teacher that is known for a while, with the form of what it writes."""
    LOADERS.add(Loader("colours", is_colours, load_colours))
    with registered(PLAIN_COLOURS):
        yield tmp_path / "any.colours"
    del LOADERS["colours"]


def test_toy__runs_through_precompute_without_touching_the_product(tmp_path: Path, colours: Path) -> None:
    photos, whole, resumed = tmp_path / "photos", tmp_path / "whole.h5", tmp_path / "resumed.h5"
    save_photographs(photos, 7)

    given = ("precompute", photos, "--teacher", colours, "--size", 12, "--workers", 0, "--json")
    assert json.loads(ola(*given, "--h5", whole).stdout)["rows"] == 7
    with open_dataset(whole) as data:
        assert (data.kind, data.count, data.size, data.complete) == ("plain-colours", 7, (12, 12), True)
        assert data.settings["file"] == "any.colours"
        rows = data.read(("frames", "colours", "spread"), np.arange(7))
        assert data.verify() == []
    for name, wanted in colours_of(rows["frames"]).items():
        np.testing.assert_array_equal(rows[name], wanted.astype(np.float32))
    shards = tmp_path / "shards"
    ola(*given, "--h5", shards, "--shard-size", 3)
    facts = json.loads(ola("inspect", shards, "--json").stdout)
    assert (facts["kind"], facts["shards"], facts["complete"]) == ("data set, plain-colours", 3, True)
    assert facts["fields"]["colours"] == "float32 (3,)"
    ola(*given, "--h5", resumed, "--resume")
    ola(*given, "--h5", resumed, "--resume")
    assert resumed.read_bytes() == whole.read_bytes()


def test_toy__its_loader_cannot_be_added_twice(colours: Path) -> None:
    with pytest.raises(ConfigError, match="there already is a sort of teacher 'colours'"):
        LOADERS.add(Loader("colours", is_colours, load_colours))
