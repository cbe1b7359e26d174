"""The ONNX file: what it says of itself, its bytes, and sentences for what cannot be written."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest

import olacore
from olacore.errors import ConfigError, OutputError
from olacore.exports.base import Part, export
from olacore.exports.given import load_parts
from olacore.spaces import FAMILIES
from olacore.views.patch import PatchDecoder
from olacore.views.plain import Plain
from tests.support.command import check_refusal, ola
from tests.support.makers import make_module
from tests.support.onnx_runs import onnx, session_of_bytes
from tests.support.set_samples import of_scenes, write_set


def described(session) -> dict[str, tuple[str, list]]:
    return {one.name: (one.type, one.shape) for one in (*session.get_inputs(), *session.get_outputs())}


def test_command__writes_a_module_that_says_what_it_is(tmp_path):
    path = tmp_path / "sd15.onnx"
    assert "sd15.onnx: sd15-decoder, 446," in ola("export", "sd15-decoder", "--to", "onnx", "-o", path).output
    session = session_of_bytes(path.read_bytes())
    assert described(session) == {
        "latents": ("tensor(float)", ["batch", 4, "height", "width"]),
        "pixels": ("tensor(float)", ["batch", 3, "height_x8", "width_x8"]),
    }
    module, meta = olacore.load("sd15-decoder"), session.get_modelmeta()
    told = meta.custom_metadata_map
    assert json.loads(told["module"]) == module.about()
    assert json.loads(told["latent_space"]) == module.about()["reads"]
    assert (told["sha256"], told["kind"], told["olacore"]) == (module.digest, "decoder", olacore.__version__)
    assert told["licence"] == "Apache-2.0; its NOTICE and the card of sd15-decoder name what it was made from"
    for known in FAMILIES.values():
        assert re.search(f"{known.scaling}[^,]* for {known.title}[,;]", told["latent_scale"])
    assert meta.producer_name == "olacore"
    model = onnx.load(path)
    assert (model.ir_version, [(one.domain, one.version) for one in model.opset_import]) == (8, [("", 17)])


def test_command__options_make_bytes_and_halves(tmp_path):
    asked = ("--option", "uint8=1", "--option", "fp16=1")
    ola("export", "sd15-encoder", "--to", "onnx", "-o", tmp_path / "e.onnx", *asked)
    shrunk = ["height_over_8_rounded_up", "width_over_8_rounded_up"]
    assert described(session_of_bytes((tmp_path / "e.onnx").read_bytes())) == {
        "pixels": ("tensor(uint8)", ["batch", "height", "width", 3]),
        "latents": ("tensor(float)", ["batch", 4, *shrunk]),
    }
    assert (tmp_path / "e.onnx").stat().st_size < 520_000


def test_command__writes_a_set(tmp_path):
    path = tmp_path / "g.onnx"
    ola("export", "google64", "--to", "onnx", "-o", path, "--option", "variety=1")
    session = session_of_bytes(path.read_bytes())
    assert described(session) == {
        "features": ("tensor(float)", ["batch", 384]),
        "noise": ("tensor(float)", ["batch", 16, 8, 8]),
        "chance": ("tensor(float)", ["batch", 16]),
        "pixels": ("tensor(float)", ["batch", 3, 64, 64]),
    }
    told = session.get_modelmeta().custom_metadata_map
    digests = {part.name: part.digest for part in load_parts(["google64"])}
    assert json.loads(told["digests"]) == digests
    assert {*json.loads(told["module"])} == {*digests}
    assert json.loads(told["set"])["name"] == "google64"
    assert json.loads(told["settings"])["variety"] == 1
    assert told["licence"] == "Apache-2.0; its NOTICE and the card of google64 name what it was made from"
    assert "WordTable.features" in json.loads(told["ports"])["features"]
    assert str(olacore.pretrained.FOLDER).encode() not in path.read_bytes()


def test_metadata__states_licences_of_the_data(tmp_path):
    module = make_module(Plain(5, 3), None)
    for licences, stated in (([], "not stated"), (["CC0", "CC-BY"], "CC-BY; CC0")):
        module.training["licences"] = licences
        export([Part.of("m", module)], "onnx", tmp_path / "m.onnx", force=True)
        told = session_of_bytes((tmp_path / "m.onnx").read_bytes()).get_modelmeta().custom_metadata_map
        assert told["licence"] == stated
        assert "latent_scale" not in told


@pytest.mark.parametrize("options", [{}, {"uint8": "1", "fp16": "1"}])
def test_bytes__are_the_same_for_the_same_module(tmp_path, options):
    for name in ("a", "b"):
        part = Part.of("m", make_module(PatchDecoder(4, 8, 3), hidden=(5,)))
        export([part], "onnx", tmp_path / f"{name}.onnx", options=options)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_export__without_onnx_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ConfigError, match=r"needs the package onnx; pip install 'olacore\[onnx\]'\."):
        export([Part.of("m", make_module(Plain(5, 3), None))], "onnx", tmp_path / "m.onnx")
    check_refusal(r"pip install 'olacore\[onnx\]'", "export", "sd15-decoder", "--to", "onnx", "-o", tmp_path / "m.onnx")
    assert not [*tmp_path.iterdir()]
    scenes = write_set(tmp_path, (), **of_scenes())
    sentence = "the exporter onnx writes sets whose text module has the view table; that of the set set has .* scene"
    check_refusal(sentence, "export", scenes, "--to", "onnx", "-o", tmp_path / "m.onnx")


def test_command__refuses_what_cannot_be_in_a_sentence(tmp_path):
    where = ("--to", "onnx", "-o", tmp_path / "m.onnx")
    there = "there are: uint8, fp16, words; of a set also guidance, lean, variety, steps, solver"
    check_refusal(f"has no option 'int8'; {there}", "export", "sd15-decoder", *where, "--option", "int8=1")
    check_refusal("the option uint8 is 0 or 1; got 'yes'", "export", "sd15-decoder", *where, "--option", "uint8=yes")
    check_refusal("no folder", "export", "sd15-decoder", "--to", "onnx", "-o", tmp_path / "none" / "m.onnx")
    check_refusal("onnx writes .onnx files", "export", "sd15-decoder", "--to", "onnx", "-o", tmp_path / "m.pb")
    options = "--option", "variety=2", "--option", "solver=ddim"
    check_refusal("of a set that draws: variety, solver; sd15-decoder is", "export", "sd15-decoder", *where, *options)
    words = "--option", "words=1"
    check_refusal("sd15-decoder has no table of words", "export", "sd15-decoder", *where, *words)
    guided = ("--option", "guidance=-3")
    check_refusal("guidance must be 0 to 20; got -3", "export", "google64", *where, *guided)


def test_bytes_of_pictures__need_pictures(tmp_path):
    part = Part.of("m", make_module(Plain(5, 3), None))
    with pytest.raises(ConfigError, match="m reads and makes no pictures; leave the option uint8 out"):
        export([part], "onnx", tmp_path / "m.onnx", options={"uint8": "1"})


def test_write__fails_well_where_a_folder_is_in_the_way(tmp_path):
    (tmp_path / "m.onnx").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*m\.onnx: it is a folder"):
        export([Part.of("m", make_module(Plain(5, 3), None))], "onnx", tmp_path / "m.onnx", force=True)


def test_export__numbers_are_those_of_the_module(tmp_path):
    module = make_module(Plain(5, 3), None)
    export([Part.of("m", module)], "onnx", tmp_path / "m.onnx")
    inputs = np.ones((2, 5), np.float32)
    (found,) = session_of_bytes((tmp_path / "m.onnx").read_bytes()).run(None, {"inputs": inputs})
    np.testing.assert_allclose(found, module.predict(inputs), atol=1e-5)
