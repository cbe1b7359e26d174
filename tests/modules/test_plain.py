"""Modules in NumPy alone beside those of the kernels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

import olacore
from olacore.errors import FileFormatError, ShapeError
from olacore.modules import plain
from olacore.modules.file import to_bytes
from olacore.modules.plain import load_plain
from olacore.views.noisy import Whole, Window
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.prompt import Prompt
from olacore.views.refining import Refiner
from olacore.views.word_table import SceneOfWords, TableOfWords
from tests.support.makers import make_module
from tests.support.set_samples import SIZE, filtered, word_table

WIDTH = 6
DRAW = np.random.default_rng(0)
LATENTS = DRAW.standard_normal((3, 4, 5, 2)).astype(np.float32)
PICTURES = DRAW.integers(0, 256, (2, 24, 16, 3), np.uint8)
CERTAINTY = DRAW.standard_normal((3, 2)).astype(np.float32)
CASES = [
    (TableOfWords(WIDTH, SIZE, table=word_table()), ["a red heart", "", "xyzzy"]),
    (TableOfWords(WIDTH, SIZE, unit=True, table=word_table()), ["a red heart", "heart red"]),
    (TableOfWords(WIDTH, SIZE, even=True, table=word_table(bits=2, even=True)), ["a red heart", "heart red", ""]),
    (SceneOfWords(WIDTH, SIZE, unit=True, table=word_table()), ["a red heart", "heart red", ""]),
    (Prompt(4, 8, 0.0, 3, 2, WIDTH), {"embeddings": DRAW.standard_normal((3, WIDTH)).astype(np.float32)}),
    (PatchDecoder(4, 8, 3), LATENTS),
    (PatchDecoder(4, 4, 5), LATENTS),
    (PatchEncoder(4, 8, 4), PICTURES),
    (Refiner(1, 2), PICTURES),
    (Refiner(4, 3), PICTURES),
    (Refiner(8, 4, 1, 4), {"recon": PICTURES, "latents": DRAW.standard_normal((2, 4, 3, 2)).astype(np.float32)}),
    (Window(4, 8, 1.0, certain=True), {"noisy": LATENTS, "text_means": LATENTS[::-1], "certainty": CERTAINTY}),
    (Window(4, 8, 1.0, window=3, text_window=0), {"noisy": LATENTS}),
    (filtered(4, 8, 1.0, (5, 2), text_window=1), {"noisy": LATENTS, "text_means": LATENTS[::-1]}),
    (
        filtered(4, 8, 1.0, (5, 2), certain=True),
        {"noisy": LATENTS, "text_means": LATENTS[::-1], "certainty": np.abs(CERTAINTY)},
    ),
]


@pytest.mark.parametrize(("view", "given"), CASES, ids=[f"{view.title}-{n}" for n, (view, _) in enumerate(CASES)])
@pytest.mark.parametrize("form", [{}, {"hidden": (7,), "stored": "int8"}, {"hidden": (5, 3), "stored": "float16"}])
def test_plain__answers_as_the_kernels_do(view, given, form, tmp_path):
    module = make_module(view, **form)
    module.save(tmp_path / "m.safetensors")
    expected, found = module.run(given), load_plain(tmp_path / "m.safetensors").run(given)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    if found.dtype == np.uint8:
        assert np.abs(found.astype(int) - expected).max() <= 1
    else:
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_plain__answers_components(tmp_path):
    module = make_module(Prompt(4, 8, 0.0, 3, 2, WIDTH), hidden=(5,), stored="int8", components=4)
    module.save(tmp_path / "m.safetensors")
    given = {"embeddings": DRAW.standard_normal((3, WIDTH)).astype(np.float32)}
    np.testing.assert_allclose(load_plain(tmp_path / "m.safetensors").run(given), module.run(given), atol=1e-4)


def test_plain__refuses_views_that_it_does_not_know(tmp_path):
    make_module(Whole(4, 8, 0.5, 3, 3, WIDTH)).save(tmp_path / "m.safetensors")
    with pytest.raises(FileFormatError, match="holds a whole denoiser, which is not run without kernels"):
        load_plain(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"window": 4}, "window must be odd; got 4"),
        ({"window": "3"}, "window must be a whole number from 1 to 15; got '3'"),
        ({"kind": ["decoder"]}, "kind must be text"),
        ({"channels": -1}, "channels must be a whole number from 1 to"),
        ({"channels": 5}, r"a patch decoder needs weights \(192, 45\)"),
        ({"factor": 4}, r"needs weights \(48, 36\)"),
    ],
)
def test_plain__refuses_views_that_do_not_fit_the_tensors(tmp_path, monkeypatch, changes, sentence):
    make_module(PatchDecoder(4, 8, 3)).save(tmp_path / "m.safetensors")
    file = plain.read_module(tmp_path / "m.safetensors")
    file.content["view"] |= changes
    monkeypatch.setattr(plain, "read_module", lambda path: file)
    with pytest.raises(FileFormatError, match=sentence):
        load_plain(tmp_path / "m.safetensors")


def test_plain__refuses_scales_and_tables_that_make_no_sense(tmp_path, monkeypatch):
    make_module(TableOfWords(WIDTH, SIZE, table=word_table())).save(tmp_path / "m.safetensors")
    file = plain.read_module(tmp_path / "m.safetensors")
    zeros = file.parts | {"input_scale": 0 * file.parts["input_scale"]}
    for changes, sentence in (
        ({"carried": {}}, "is damaged"),
        ({"carried": word_table(6).tensors}, "has 3 bytes a word"),
        ({"parts": zeros}, "a scale is not above 0"),
    ):
        changed = replace(file, **changes)
        monkeypatch.setattr(plain, "read_module", lambda path, changed=changed: changed)
        with pytest.raises(FileFormatError, match=sentence):
            load_plain(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"view_axes": None}, "carries axes, gains, mean, thresholds; got gains, mean, thresholds"),
        (
            {"view_foreign": np.zeros(3, np.int8)},
            "carries axes, gains, mean, thresholds; got axes, foreign, gains, mean, thresholds",
        ),
        ({"view_axes": np.ones((5, 35), np.int8)}, r"is damaged: .*got axes int8 \(5, 35\)"),
        ({"view_gains": np.full((1, 5), 2, np.float16)}, "is damaged: .*must be 0 to 1"),
        ({"view_mean": np.zeros(36, np.int8)}, "is damaged: .*mean int8"),
    ],
)
def test_filter__that_does_not_fit_its_view_is_refused_by_both(tmp_path, changes, sentence):
    module, path = make_module(filtered(4, 8, 1.0)), tmp_path / "m.safetensors"
    module.save(path)
    tensors = {name: part for name, part in (load_file(path) | changes).items() if part is not None}
    path.write_bytes(to_bytes(tensors, module.about()))
    for read in (olacore.load, load_plain):
        with pytest.raises(FileFormatError, match=rf"{sentence}.*(?<!\.)\.$"):
            read(path)


def test_filter__is_for_latents_of_one_size(tmp_path):
    make_module(filtered(4, 8, 1.0, (3, 5))).save(tmp_path / "m.safetensors")
    module = load_plain(tmp_path / "m.safetensors")
    with pytest.raises(ShapeError, match=r"is for latents of 3 x 5 sites; got 5 x 3\."):
        module.run(dict.fromkeys(("noisy", "text_means"), np.zeros((1, 4, 5, 3), np.float32)))
    none = np.zeros((0, 4, 3, 5), np.float32)
    assert module.run({"noisy": none, "text_means": none}).shape == none.shape
