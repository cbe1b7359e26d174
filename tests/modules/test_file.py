"""The module's file: what is written, what is read back, and what is refused."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from olacore.errors import ConfigError, DataError, FileFormatError, OutputError, ShapeError
from olacore.modules.file import COLUMNS, SCALES, STORED, TENSORS, pack, tensor_names, to_bytes
from olacore.modules.layers import Layer, from_parts
from olacore.modules.module import Module, load
from olacore.modules.tensor_file import write
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.scaling import Scaling
from olacore.views.whole import WholeDecoder, WholeEncoder
from tests.support.makers import JIT, SPACE, make_module

ENCODER = make_module(PatchEncoder(4, border=4 if JIT else 1))
DECODER = make_module(PatchDecoder(4, window=3))
GLOBAL_ENCODER = make_module(WholeEncoder(4))
GLOBAL_DECODER = make_module(WholeDecoder(4))
PAIRS = make_module(Plain(5, 3), space=None)
STACK = make_module(Plain(5, 3), space=None, hidden=(6, 2))
COMPONENTS = make_module(Plain(5, 3), space=None, hidden=(6,), components=2)
NAMES = tensor_names(2)
MODULES = [ENCODER, DECODER, GLOBAL_ENCODER, GLOBAL_DECODER, PAIRS, STACK, COMPONENTS]


def tensors_of(module: Module) -> dict[str, np.ndarray]:
    return pack(module._parts(), module.stored)


@pytest.mark.parametrize("module", MODULES)
def test_load__gives_back_what_was_saved(module, tmp_path):
    path = tmp_path / "module.safetensors"
    module.save(path)
    found = load(path)
    assert (found.view, found.space, found.makes, found.training) == (
        module.view,
        module.space,
        module.makes,
        module.training,
    )
    for name, tensor in tensors_of(module).items():
        np.testing.assert_array_equal(tensors_of(found)[name], tensor)
    assert path.stat().st_size == module.nbytes()
    found.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_save__is_one_key_of_sorted_json_that_others_can_read(tmp_path):
    ENCODER.save(tmp_path / "m")
    with safe_open(tmp_path / "m", "numpy") as file:
        metadata = file.metadata()
        assert sorted(file.keys()) == sorted(TENSORS)
        np.testing.assert_array_equal(file.get_tensor("weights"), ENCODER.weights)
    assert list(metadata) == ["olacore"]
    content = json.loads(metadata["olacore"])
    assert json.dumps(content, sort_keys=True, separators=(",", ":")) == metadata["olacore"]
    assert content["imitates"] == {**SPACE.to_dict(), "fingerprint": SPACE.fingerprint}
    assert content["makes"] == {**ENCODER.makes.to_dict(), "fingerprint": ENCODER.makes.fingerprint}
    assert content["reads"] is None


def test_save__that_is_interrupted_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "module.safetensors"
    ENCODER.save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    for where, name in ((os, "write"), (os, "fsync"), (Path, "replace")):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, full)
            with pytest.raises(OutputError, match="cannot write .*module.safetensors: No space left on device"):
                DECODER.save(path)
        assert path.read_bytes() == before
        assert [*tmp_path.iterdir()] == [path]


def test_save__that_is_killed_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "module.safetensors"
    ENCODER.save(path)

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        DECODER.save(path)
    assert load(path).kind == "encoder"
    assert [*tmp_path.iterdir()] == [path]


def test_save__names_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="cannot write .*nowhere/m: No such file or directory"):
        ENCODER.save(tmp_path / "nowhere" / "m")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"weights": STACK.weights[:, :5]}, r"plain needs weights \(3, 13\) and biases \(3,\); got \(3, 5\)"),
        ({"scaling": Scaling.identity(5, 4)}, r"plain needs scaling for \(3, 5\); got .*\(4,\)"),
        (
            {"hidden": STACK.hidden[::-1]},
            r"\(units, 5\) and biases \(units,\) in hidden layer 0; got \(2, 11\)",
        ),
        (
            {"hidden": (STACK.hidden[0], Layer(STACK.hidden[1].weights, np.zeros(3, np.float32)))},
            r"\(units, 11\) and biases \(units,\) in hidden layer 1; got \(2, 11\) and \(3,\)",
        ),
        (
            {"hidden": (Layer(np.zeros((0, 5), np.float32), np.zeros(0, np.float32)),)},
            r"in hidden layer 0; got \(0, 5\) and \(0,\)",
        ),
    ],
)
def test_module__names_the_shapes_of_its_view(changes, sentence):
    with pytest.raises(ShapeError, match=sentence):
        replace(STACK, **changes)


@pytest.mark.parametrize("stored", STORED)
def test_module__refuses_numbers_that_are_not_finite(stored):
    for bad in (np.nan, np.inf):
        weights = STACK.hidden[1].weights.copy()
        weights[0, 3] = bad
        with pytest.raises(DataError, match="the tensor 'hidden_1_weights' of a module holds NaN or inf"):
            replace(STACK, hidden=(STACK.hidden[0], Layer(weights, STACK.hidden[1].biases)), stored=stored)


def test_module__knows_the_sizes_of_a_stack():
    assert STACK.layers == (5, 6, 2, 3)
    assert STACK.parameters == 6 * (5 + 1) + 2 * (5 + 6 + 1) + 3 * (5 + 6 + 2 + 1)
    assert (PAIRS.layers, PAIRS.parameters) == ((5, 3), 3 * (5 + 1))


def test_save__says_layers_for_stacks_only():
    assert STACK.about()["layers"] == [5, 6, 2, 3]
    assert "layers" not in PAIRS.about()


def test_load__names_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileFormatError, match=r"cannot read the module .*nothing: No such file"):
        load(tmp_path / "nothing")
    with pytest.raises(FileFormatError, match="cannot read the module .*/module.safetensors: No such file"):
        load(tmp_path)
    (tmp_path / "module.safetensors").mkdir()
    with pytest.raises(FileFormatError, match="cannot read the module .*: Is a directory"):
        load(tmp_path)


def test_load__refuses_a_file_that_was_cut_anywhere(tmp_path):
    STACK.save(tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    cut = tmp_path / "cut"
    for size in range(0, len(data), 11):
        cut.write_bytes(data[:size])
        with pytest.raises(FileFormatError, match="cut is (no olacore module|damaged or truncated)"):
            load(cut)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello, I am a text that was renamed\n" * 9,
        "ünïcode".encode("utf-16"),
        (2).to_bytes(8, "little") + b"[]",
        (40).to_bytes(8, "little") + b'{"__metadata__": {"olacore": "[1, 2]"}} ',
        (40).to_bytes(8, "little") + b'{"__metadata__": {"olacore": "3"}}      ',
    ],
)
def test_load__refuses_what_is_no_module(content, tmp_path):
    path = tmp_path / "module.safetensors"
    path.write_bytes(content)
    with pytest.raises(
        FileFormatError,
        match=r"module.safetensors is no olacore module: (expected a safetensors file|it is empty)",
    ):
        load(path)


def test_load__refuses_a_foreign_safetensors_file(tmp_path):
    for metadata in (None, {"format": "pt"}, {"olacore": "no json"}):
        save_file({"weight": np.zeros((3, 3), np.float32)}, tmp_path / "m", metadata)
        with pytest.raises(FileFormatError, match=r"(m is no olacore module|the metadata of .*m is no JSON)"):
            load(tmp_path / "m")


def rewritten(path: Path, module: Module, tensors: dict | None = None, **content: object) -> Path:
    """Save `module` with some tensors replaced (None removes) and some of its metadata changed."""
    parts = {name: t for name, t in (tensors_of(module) | (tensors or {})).items() if t is not None}
    path.write_bytes(to_bytes(parts, module.about() | content))
    return path


@pytest.mark.parametrize("schema", ["olacore/module/3", "something/else", None])
def test_load__names_an_unknown_schema(schema, tmp_path):
    path = rewritten(tmp_path / "m", ENCODER, schema=schema)
    with pytest.raises(
        FileFormatError, match=f"the schema {schema!r}; this version reads 'olacore/module/2' and 'olacore/module/1'"
    ):
        load(path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_load__names_the_tensor_that_is_not_finite(name, bad, tmp_path):
    tensor = STACK._parts()[name].copy()
    tensor.flat[-1] = bad
    with pytest.raises(FileFormatError, match=f"damaged: the tensor '{name}' holds NaN or inf"):
        load(rewritten(tmp_path / "m", STACK, {name: tensor}))


@pytest.mark.parametrize("name", NAMES)
def test_load__names_the_tensor_that_is_missing(name, tmp_path):
    with pytest.raises(FileFormatError, match=f"no complete module: the tensor '{name}' is missing"):
        load(rewritten(tmp_path / "m", STACK, {name: None}))


@pytest.mark.parametrize("name", NAMES)
def test_load__names_a_tensor_of_a_wrong_shape(name, tmp_path):
    tensor = STACK._parts()[name][..., :-1].copy()
    with pytest.raises(FileFormatError, match=r"m is damaged: tensors and metadata make no module \(.*needs"):
        load(rewritten(tmp_path / "m", STACK, {name: tensor}))


def test_load__refuses_metadata_without_a_view(tmp_path):
    for change, sentence in (
        ({"view": None}, "view must be an object; got None"),
        ({"view": {"kind": "encoder"}}, r"view\.name is missing"),
        ({"imitates": {"maker": "?"}}, r"imitates\.maker_sha256 is missing"),
    ):
        with pytest.raises(FileFormatError, match=f"m is damaged: {sentence}"):
            load(rewritten(tmp_path / "m", ENCODER, **change))


@pytest.mark.parametrize("layers", [3, [5], {}, "56", [5, 6.0], [5, 10**12, 3], [5, 0, 3], [1] * 1025])
def test_load__refuses_layers_that_are_no_sizes(layers, tmp_path):
    with pytest.raises(
        FileFormatError, match=r"m is damaged: layers(\[1\])? must be a (list of 2 to 1024 entries|whole number from 1)"
    ):
        load(rewritten(tmp_path / "m", STACK, layers=layers))


def test_load__names_layers_that_the_tensors_have_not(tmp_path):
    with pytest.raises(FileFormatError, match="no complete module: the tensor 'hidden_2_weights' is missing"):
        load(rewritten(tmp_path / "m", STACK, layers=[5, 6, 2, 1, 3]))
    with pytest.raises(FileFormatError, match=r"needs tensors of these sizes; got \[5, 6, 2, 3\]"):
        load(rewritten(tmp_path / "m", STACK, layers=[5, 6, 1, 3]))
    with pytest.raises(FileFormatError, match="a tensor 'hidden_1_biases', which a module of its layers does not have"):
        load(rewritten(tmp_path / "m", STACK, layers=[5, 6, 3]))


def test_load__names_components_that_the_tensors_have_not(tmp_path):
    assert repr(COMPONENTS) == "<Module: plain, 5 - 6 - 2 components - 3, float32>"
    with pytest.raises(FileFormatError, match="3 components need tensors of that size; got 2"):
        load(rewritten(tmp_path / "m", COMPONENTS, components=3))
    with pytest.raises(FileFormatError, match=r"m is damaged: components must be a whole number from 1"):
        load(rewritten(tmp_path / "m", COMPONENTS, components=0))
    with pytest.raises(FileFormatError, match="no complete module: the tensor 'basis_weights' is missing"):
        load(rewritten(tmp_path / "m", COMPONENTS, {"basis_weights": None}))
    with pytest.raises(FileFormatError, match="no complete module: the tensor 'basis_weights' is missing"):
        load(rewritten(tmp_path / "m", STACK, components=3))
    for name, wrong in (("basis_weights", np.ones((3, 2), np.float32)), ("target_scale", np.ones(3, np.float32))):
        with pytest.raises(FileFormatError, match="a plain needs (scaling|weights)"):
            load(rewritten(tmp_path / "m", COMPONENTS, {name: wrong}))
    content = {name: tensor for name, tensor in COMPONENTS.about().items() if name != "components"}
    (tmp_path / "m").write_bytes(to_bytes(tensors_of(COMPONENTS), content))
    with pytest.raises(FileFormatError, match="a tensor 'basis_weights', which a module of its layers does not have"):
        load(tmp_path / "m")


# ---------------------------------------------------------------- float16 and int8


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("module", [PAIRS, STACK, DECODER, COMPONENTS])
def test_save__in_every_form_comes_back_equal(stored, module, tmp_path):
    kept = replace(module, stored=stored)
    kept.save(tmp_path / "m")
    found = load(tmp_path / "m")
    assert found.stored == stored
    for name, part in kept._parts().items():
        np.testing.assert_array_equal(found._parts()[name], part)
        assert found._parts()[name].dtype == np.float32
    for again in (found, replace(kept, training=kept.training)):
        again.save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()
    assert (tmp_path / "m").stat().st_size == kept.nbytes()


def test_save__float16_takes_half_and_rounds_everything():
    half = replace(STACK, stored="float16")
    sizes = {name: part.nbytes for name, part in tensors_of(STACK).items()}
    assert {name: 2 * part.nbytes for name, part in tensors_of(half).items()} == sizes
    for name, part in STACK._parts().items():
        np.testing.assert_array_equal(half._parts()[name], part.astype(np.float16))


def test_save__int8_of_a_stack_evens_columns():
    sizes = np.float32(4) ** np.arange(-7, 6)
    kept = replace(STACK, weights=np.sign(STACK.weights) * sizes, stored="int8")
    np.testing.assert_allclose(kept.weights, np.sign(STACK.weights) * sizes, rtol=0.01)
    tensors = tensors_of(kept)
    assert tensors["hidden_1_weights"].dtype == np.int8
    assert tensors[COLUMNS].dtype == tensors["biases"].dtype == tensors["input_mean"].dtype == np.float16
    by_hand = tensors["weights"] * tensors[SCALES][:, None] * tensors[COLUMNS].astype(np.float32)
    np.testing.assert_array_equal(kept.weights, by_hand)


@pytest.mark.parametrize("name", ["weights", "hidden_0_weights"])
def test_module__refuses_weights_that_float16_cannot_hold(name):
    parts = {key: part.copy() for key, part in STACK._parts().items()}
    parts[name].flat[0] = 70000
    with pytest.raises(DataError, match=f"the tensor '{name}' reaches 70000, past float16; store it as float32"):
        replace(STACK, **from_parts(parts, 2), stored="float16")


@pytest.mark.parametrize(
    ("name", "value"),
    [("biases", 70000), ("biases", -1.3), ("hidden_1_biases", 70000), ("target_mean", 70000), ("input_mean", 300.1),
     ("input_scale", 1e-9), ("target_scale", 1e6)],
)  # fmt: skip
def test_save__float16_keeps_what_is_no_weights_in_float32_where_it_would_lose_it(tmp_path, name, value):
    parts = {key: part.copy() for key, part in STACK._parts().items()}
    parts[name].flat[0] = value
    module = replace(STACK, **from_parts(parts, 2), stored="float16")
    module.save(tmp_path / "half.safetensors")
    again = load(tmp_path / "half.safetensors")
    assert again._parts()[name].flat[0] == np.float32(value)
    kept = {key for key, part in tensors_of(module).items() if part.dtype == np.float32}
    assert {name} <= kept <= {name, "input_mean"}
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "half.safetensors").read_bytes()


def test_save__float16_is_enough_for_means_within_their_spread():
    parts = {key: part.copy() for key, part in STACK._parts().items()}
    parts["input_mean"].flat[0] = 0.77 * parts["input_scale"].flat[0]
    assert tensors_of(replace(STACK, **from_parts(parts, 2), stored="float16"))["input_mean"].dtype == np.float16


def test_save__int8_takes_a_quarter_and_comes_back_equal(tmp_path):
    wide = replace(DECODER, stored="int8")
    wide.save(tmp_path / "int8.safetensors")
    again = load(tmp_path / "int8.safetensors")
    np.testing.assert_array_equal(again.weights, wide.weights)
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "int8.safetensors").read_bytes()
    largest = np.abs(DECODER.weights).max(1, keepdims=True)
    assert (np.abs(wide.weights - DECODER.weights) <= 0.501 * largest / 127).all()
    with safe_open(tmp_path / "int8.safetensors", "numpy") as file:
        assert file.get_tensor("weights").dtype == np.int8
        stored = sum(file.get_tensor(name).nbytes for name in ("weights", SCALES))
    assert stored < 0.3 * DECODER.weights.nbytes


@pytest.mark.parametrize("name", [SCALES, COLUMNS, f"hidden_0_{SCALES}", f"hidden_1_{COLUMNS}"])
def test_load__names_scales_that_do_not_fit(name, tmp_path):
    module = replace(STACK, stored="int8")
    scales = tensors_of(module)[name]
    for broken in (scales[:-1].copy(), np.full_like(scales, np.nan)):
        with pytest.raises(FileFormatError, match=f"is damaged: the tensor '{name}' does not fit the weights"):
            load(rewritten(tmp_path / "m", module, {name: broken}))


def test_load__names_scales_that_are_missing(tmp_path):
    for module in (replace(STACK, stored="int8"), replace(PAIRS, stored="int8")):
        with pytest.raises(FileFormatError, match=f"no complete module: the tensor '{SCALES}' is missing"):
            load(rewritten(tmp_path / "m", module, {SCALES: None}))


def test_module__refuses_other_number_types():
    with pytest.raises(ConfigError, match="weights are stored as float32, float16 or int8; got 'int4'"):
        replace(DECODER, stored="int4")


def test_load__sees_every_flipped_bit_of_the_tensors_and_of_the_metadata(tmp_path):
    path = tmp_path / "m"
    ENCODER.save(path)
    data = bytearray(path.read_bytes())
    begin = 8 + int.from_bytes(data[:8], "little")
    for place in (begin, begin + 1, len(data) - 1, data.index(b'seed\\":') + 7):
        data[place] ^= 1
        path.write_bytes(data)
        with pytest.raises(FileFormatError, match="is damaged: its numbers are not those that were written"):
            load(path)
        data[place] ^= 1
    path.write_bytes(data)
    np.testing.assert_array_equal(load(path).weights, ENCODER.weights)


def test_load__takes_modules_of_version_0_1_that_have_no_digest(tmp_path):
    content = json.loads(read_header(ENCODER, tmp_path / "m"))
    del content["digest"]
    (tmp_path / "m").write_bytes(write(pack(ENCODER._parts(), "float32"), content))
    np.testing.assert_array_equal(load(tmp_path / "m").weights, ENCODER.weights)


def read_header(module: Module, path: Path) -> str:
    module.save(path)
    with safe_open(path, "numpy") as file:
        return file.metadata()["olacore"]


@pytest.mark.parametrize("name", ["input_scale", "target_scale"])
@pytest.mark.parametrize("value", [0, -1])
def test_load__refuses_scales_that_are_not_above_0(tmp_path, name, value):
    wrong = getattr(ENCODER.scaling, name).copy()
    wrong[0] = value
    with pytest.raises(FileFormatError, match=f"the tensor '{name}' of a module must be above 0; got {value}"):
        load(rewritten(tmp_path / "m", ENCODER, {name: wrong}))
