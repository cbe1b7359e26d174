"""The module: its file, and encoding and decoding of pictures of any size."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import JIT, SPACE, make_module, smooth_pictures, threads
from safetensors import safe_open
from safetensors.numpy import save_file

from olacore.errors import ConfigError, DataError, DTypeError, FileFormatError, OutputError, ShapeError
from olacore.frames import every_row
from olacore.module import SCALES, TENSORS, Module, load
from olacore.views import View

BORDER = 4 if JIT else 1
ENCODER = make_module(View("encoder", "patch", 4, border=BORDER))
WIDE = make_module(View("encoder", "patch", 4, border=20 if JIT else 9))
DECODER = make_module(View("decoder", "patch", 4, window=3))
GLOBAL_ENCODER = make_module(View("encoder", "global", 4))
GLOBAL_DECODER = make_module(View("decoder", "global", 4))
PAIRS = make_module(View("encoder", "pairs", plain=(5, 3)), space=None)
MODULES = [ENCODER, DECODER, GLOBAL_ENCODER, GLOBAL_DECODER, PAIRS]

few = settings(max_examples=20 if JIT else 3, deadline=None, derandomize=True)
sides = st.integers(1, 40 if JIT else 17)


def latents(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4, height, width)).astype(np.float16)


# ---------------------------------------------------------------- encode and decode


@few
@given(sides, sides)
def test_encode__any_size_is_the_padded_picture(height, width):
    picture = smooth_pictures(1, height, width)[0]
    down, right = -height % 8, -width % 8
    padded = np.pad(picture, ((0, down), (0, right), (0, 0)), mode="edge")
    for module in (ENCODER, WIDE):
        latent = module.encode(picture)
        assert latent.shape == (4, -(-height // 8), -(-width // 8))
        assert latent.dtype == np.float32
        assert latent.flags.c_contiguous
        np.testing.assert_array_equal(latent, module.encode(padded))


@few
@given(st.integers(1, 3), sides, sides)
def test_encode__of_a_batch_equals_each_alone(count, height, width):
    pictures = smooth_pictures(count, height, width)
    together = ENCODER.encode(pictures)
    assert together.shape[0] == count
    for picture, latent in zip(pictures, together, strict=True):
        np.testing.assert_array_equal(ENCODER.encode(picture), latent)


@few
@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))
def test_decode__of_a_batch_equals_each_alone(count, height, width):
    batch = latents(count, height, width)
    together = DECODER.decode(batch)
    assert together.shape == (count, 8 * height, 8 * width, 3)
    assert together.dtype == np.uint8
    for latent, picture in zip(batch, together, strict=True):
        np.testing.assert_array_equal(DECODER.decode(latent), picture)


def test_encode__is_the_map_on_the_standardised_patch():
    picture = smooth_pictures(1, 24, 16)[0]
    around = np.pad(picture, ((BORDER, BORDER), (BORDER, BORDER), (0, 0)), mode="reflect") / 127.5 - 1
    side = 8 + 2 * BORDER
    patch = around[16 : 16 + side, 8 : 8 + side].ravel()
    scaling = ENCODER.scaling
    x = (patch - scaling.input_mean) / scaling.input_scale
    y = np.tanh(ENCODER.weights @ x + ENCODER.biases) * scaling.target_scale + scaling.target_mean
    np.testing.assert_allclose(ENCODER.encode(picture)[:, 2, 1], y, rtol=1e-4, atol=1e-5)


def test_decode__is_the_map_on_the_standardised_window():
    latent = latents(1, 2, 3)[0]
    window = np.pad(latent.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")[:, 1:4, 2:5].ravel()
    scaling = DECODER.scaling
    x = (window - scaling.input_mean) / scaling.input_scale
    y = np.tanh(DECODER.weights @ x + DECODER.biases) * scaling.target_scale + scaling.target_mean
    expected = np.clip((y + 1) * 127.5, 0, 255).reshape(8, 8, 3)
    np.testing.assert_allclose(DECODER.decode(latent)[8:16, 16:24], expected, atol=0.51)


def test_encode__parts_of_a_large_batch_change_nothing(monkeypatch):
    pictures = smooth_pictures(5, 16, 8)
    whole = ENCODER.encode(pictures)
    monkeypatch.setattr("olacore.module.ROWS_AT_ONCE", 4)
    np.testing.assert_array_equal(ENCODER.encode(pictures), whole)


def test_decode__parts_of_a_large_batch_change_nothing(monkeypatch):
    batch = latents(5, 2, 1)
    whole = DECODER.decode(batch)
    monkeypatch.setattr("olacore.module.ROWS_AT_ONCE", 1)
    np.testing.assert_array_equal(DECODER.decode(batch), whole)


def test_encode_and_decode__same_bits_for_any_number_of_threads():
    picture, latent = smooth_pictures(1, 40, 56)[0], latents(1, 5, 7)[0]
    with threads(1):
        one = ENCODER.encode(picture), DECODER.decode(latent)
    with threads(2):
        np.testing.assert_array_equal(ENCODER.encode(picture), one[0])
        np.testing.assert_array_equal(DECODER.decode(latent), one[1])


def test_encode__takes_pictures_that_are_not_contiguous_or_writable():
    pictures = smooth_pictures(2, 24, 16)
    flipped = pictures[:, ::-1, ::-1]
    flipped.flags.writeable = False
    np.testing.assert_array_equal(ENCODER.encode(flipped), ENCODER.encode(flipped.copy()))


def test_decode__takes_the_precision_of_half():
    batch = latents(2, 3, 2)
    wide = batch.astype(np.float32).swapaxes(2, 3).copy().swapaxes(2, 3)
    np.testing.assert_array_equal(DECODER.decode(wide), DECODER.decode(batch))
    np.testing.assert_array_equal(DECODER.decode(batch.astype(np.float64)), DECODER.decode(batch))


def test_encode__global_makes_a_vector_of_a_picture_of_any_size():
    for shape in ((1, 1), (9, 30)):
        pictures = smooth_pictures(2, *shape)
        vectors = GLOBAL_ENCODER.encode(pictures)
        assert vectors.shape == (2, 4)
        np.testing.assert_array_equal(GLOBAL_ENCODER.encode(pictures[1]), vectors[1])


@pytest.mark.skipif(not JIT, reason="12,288 outputs take too long without the JIT")
def test_decode__global_makes_a_thumbnail_of_a_vector():
    vectors = latents(2, 1, 1)[:, :, 0, 0]
    thumbnails = GLOBAL_DECODER.decode(vectors)
    assert thumbnails.shape == (2, 64, 64, 3)
    np.testing.assert_array_equal(GLOBAL_DECODER.decode(vectors[0]), thumbnails[0])


def test_predict__answers_pairs():
    x = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    scaling = PAIRS.scaling
    hidden = (x - scaling.input_mean) / scaling.input_scale @ PAIRS.weights.T + PAIRS.biases
    expected = np.tanh(hidden) * scaling.target_scale + scaling.target_mean
    np.testing.assert_allclose(PAIRS.predict(every_row({"inputs": x}, 1)).T, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("module", "verb", "argument", "error", "sentence"),
    [
        (DECODER, "encode", np.zeros((8, 8, 3), np.uint8), ShapeError, "kind encoder; this one is of kind decoder"),
        (ENCODER, "decode", latents(1, 1, 1), ShapeError, "kind decoder; this one is of kind encoder"),
        (PAIRS, "encode", np.zeros((8, 8, 3), np.uint8), ShapeError, "plain pairs cannot encode; use predict"),
        (PAIRS, "decode", latents(1, 1, 1), ShapeError, "plain pairs cannot decode; use predict"),
        (ENCODER, "encode", np.zeros((8, 8, 3)), DTypeError, "uint8; got float64"),
        (ENCODER, "encode", np.zeros((8, 8), np.uint8), ShapeError, r"got \(8, 8\)"),
        (DECODER, "decode", np.zeros((16, 2, 2), np.float32), ShapeError, r"4 channels; got \(16, 2, 2\)"),
        (DECODER, "decode", np.zeros((4, 2, 2), np.uint8), DTypeError, "got uint8"),
        (DECODER, "decode", np.full((4, 2, 2), np.nan), DataError, "got 16 values"),
        (GLOBAL_DECODER, "decode", latents(1, 1, 1), ShapeError, r"\(C,\) or \(m, C\) with 4 channels"),
    ],
)
def test_module__says_what_it_cannot_do(module, verb, argument, error, sentence):
    with pytest.raises(error, match=sentence):
        getattr(module, verb)(argument)


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize("module", MODULES)
def test_load__gives_back_what_was_saved(module, tmp_path):
    path = tmp_path / "module.safetensors"
    module.save(path)
    found = load(path)
    assert (found.view, found.space, found.training) == (module.view, module.space, module.training)
    for name, tensor in module._tensors().items():
        np.testing.assert_array_equal(found._tensors()[name], tensor)
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
    assert content["fingerprint"] == SPACE.fingerprint


def test_save__that_is_interrupted_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "module.safetensors"
    ENCODER.save(path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    for name in ("write_bytes", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, full)
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


def test_module__names_the_shapes_of_its_view():
    with pytest.raises(ShapeError, match=r"patch decoder needs weights \(192, 36\) and biases \(192,\); got \(4, 36\)"):
        replace(DECODER, weights=DECODER.weights[:4])


def test_load__names_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileFormatError, match=r"cannot read the module .*nothing: No such file"):
        load(tmp_path / "nothing")
    with pytest.raises(FileFormatError, match="cannot read the module .*: Is a directory"):
        load(tmp_path)


def test_load__refuses_a_file_that_was_cut_anywhere(tmp_path):
    PAIRS.save(tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    cut = tmp_path / "cut"
    for size in range(0, len(data), 7):
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
    with pytest.raises(FileFormatError, match=r"module.safetensors is no olacore module: expected a safetensors file"):
        load(path)


def test_load__refuses_a_foreign_safetensors_file(tmp_path):
    for metadata in (None, {"format": "pt"}, {"olacore": "no json"}):
        save_file({"weight": np.zeros((3, 3), np.float32)}, tmp_path / "m", metadata)
        with pytest.raises(FileFormatError, match="m is no olacore module"):
            load(tmp_path / "m")


def rewritten(path: Path, module: Module, tensors: dict | None = None, **content: object) -> Path:
    """Save `module` with some tensors replaced (None removes) and some of its metadata changed."""
    parts = {name: t for name, t in (module._tensors() | (tensors or {})).items() if t is not None}
    save_file(parts, path, {"olacore": json.dumps(json.loads(module._metadata()) | content)})
    return path


@pytest.mark.parametrize("schema", ["olacore/module/2", "something/else", None])
def test_load__names_an_unknown_schema(schema, tmp_path):
    path = rewritten(tmp_path / "m", ENCODER, schema=schema)
    with pytest.raises(FileFormatError, match=f"the schema {schema!r}; this version reads 'olacore/module/1'"):
        load(path)


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_load__names_the_tensor_that_is_not_finite(name, bad, tmp_path):
    tensor = PAIRS._tensors()[name].copy()
    tensor.flat[-1] = bad
    with pytest.raises(FileFormatError, match=f"damaged: the tensor '{name}' holds NaN or inf"):
        load(rewritten(tmp_path / "m", PAIRS, {name: tensor}))


@pytest.mark.parametrize("name", TENSORS)
def test_load__names_the_tensor_that_is_missing(name, tmp_path):
    with pytest.raises(FileFormatError, match=f"no complete module: the tensor '{name}' is missing"):
        load(rewritten(tmp_path / "m", PAIRS, {name: None}))


@pytest.mark.parametrize("name", TENSORS)
def test_load__names_a_tensor_of_a_wrong_shape(name, tmp_path):
    tensor = PAIRS._tensors()[name][..., :-1].copy()
    with pytest.raises(FileFormatError, match=r"m is damaged: tensors and metadata make no module \(.*needs"):
        load(rewritten(tmp_path / "m", PAIRS, {name: tensor}))


def test_load__refuses_metadata_without_a_view(tmp_path):
    for change in ({"view": None}, {"view": {"kind": "encoder"}}, {"space": {"maker": "?"}}):
        with pytest.raises(FileFormatError, match="m is damaged: tensors and metadata make no module"):
            load(rewritten(tmp_path / "m", ENCODER, **change))


# ---------------------------------------------------------------- int8


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


def test_load__names_scales_that_do_not_fit(tmp_path):
    path = tmp_path / "int8.safetensors"
    replace(DECODER, stored="int8").save(path)
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for broken in (tensors[SCALES][:-1].copy(), np.full_like(tensors[SCALES], np.nan)):
        save_file({**tensors, SCALES: broken}, path, metadata)
        with pytest.raises(FileFormatError, match="is damaged: the tensor 'weight_scales' does not fit the weights"):
            load(path)


def test_module__refuses_other_number_types():
    with pytest.raises(ConfigError, match="weights are stored as float32 or int8; got 'int4'"):
        replace(DECODER, stored="int4")
