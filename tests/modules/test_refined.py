"""A decoder that carries a refiner: one module, one file, and both ways to run it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from olacore.errors import ConfigError, FileFormatError, FingerprintError
from olacore.modules.file import to_bytes
from olacore.modules.module import Module, load
from olacore.modules.plain import load_plain
from olacore.modules.refined import PREFIX
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.refining import Refiner
from olacore.views.scaling import Scaling
from olacore.views.whole import WholeDecoder
from tests.support.makers import REFINERS, SPACE, make_module, refined_by, refiner_of

pytestmark = pytest.mark.filterwarnings("ignore:the latents lie")
DECODER = make_module(PatchDecoder(4, 8, 3), hidden=(5,), stored="float16")
BOTH = refined_by(DECODER, Refiner(4, 3), hidden=(6,), stored="int8")
LATENTS = np.random.default_rng(0).normal(size=(2, 4, 3, 5)).astype(np.float32)


def changed(module: Module, **about) -> bytes:
    """The file of a module whose metadata say something else of its refiner."""
    content = module.about()
    return to_bytes(module._tensors(), content | {"refiner": content["refiner"] | about})


def test_decode__applies_the_refiner():
    drawn = DECODER.decode(LATENTS)
    refined = BOTH.decode(LATENTS)
    np.testing.assert_array_equal(refined, BOTH.refiner.refine(drawn))
    assert (refined != drawn).any()
    np.testing.assert_array_equal(BOTH.decode(LATENTS[1]), refined[1])
    np.testing.assert_array_equal(BOTH.with_refiner(None).decode(LATENTS), drawn)
    beside = refined_by(DECODER, REFINERS[-1], hidden=(6,))
    np.testing.assert_array_equal(beside.decode(LATENTS), beside.refiner.refine(drawn, latents=LATENTS))
    small = BOTH.decode(LATENTS, shrink=4).astype(float)
    means = refined.reshape(2, 6, 4, 10, 4, 3).mean((2, 4))
    assert np.abs(small - means).max() <= 0.5


def test_file__holds_both(tmp_path):
    BOTH.save(tmp_path / "m.safetensors")
    found = load(tmp_path / "m.safetensors")
    assert (found.digest, found.training, found.space) == (BOTH.digest, BOTH.training, BOTH.space)
    assert (found.refiner.view, found.refiner.training) == (BOTH.refiner.view, BOTH.refiner.training)
    np.testing.assert_array_equal(found.decode(LATENTS), BOTH.decode(LATENTS))
    found.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m.safetensors").read_bytes()
    assert found.with_refiner(None).digest == DECODER.digest
    assert found.with_refiner(None).content() == DECODER.content()
    assert found.parameters == DECODER.parameters + BOTH.refiner.parameters
    assert repr(found) == repr(DECODER)[:-1] + f", with {BOTH.refiner!r}>"


def test_digest__covers_the_refiner():
    other = refined_by(DECODER, Refiner(4, 3), hidden=(6,), stored="int8", seed=3)
    wider = replace(BOTH.refiner, view=Refiner(4, 3))
    assert len({DECODER.digest, BOTH.digest, other.digest}) == 3
    assert DECODER.with_refiner(wider).digest == BOTH.digest


def test_program__tells_the_second_stage():
    program = BOTH.program()
    assert program.refiner.gather == BOTH.refiner.view.to_dict()
    assert program.refiner.refiner is None
    assert DECODER.program().refiner is None


@pytest.mark.parametrize("size", [(1, 1), (3, 5)])
@pytest.mark.parametrize("view", REFINERS)
def test_plain__decodes_as_the_kernels_do(tmp_path, view, size):
    both = refined_by(DECODER, view, hidden=(6,), stored="int8")
    both.save(tmp_path / "m.safetensors")
    latents = np.random.default_rng(1).normal(size=(2, 4, *size)).astype(np.float32)
    found = load_plain(tmp_path / "m.safetensors")
    assert np.abs(found.run(latents).astype(int) - both.run(latents)).max() <= 1
    alone = found.with_refiner(None)
    assert np.abs(alone.run(latents).astype(int) - DECODER.run(latents)).max() <= 1
    np.testing.assert_array_equal(alone.with_refiner(found.refiner).run(latents), found.run(latents))
    found.refiner.about["training"] = {}
    with pytest.raises(FingerprintError, match="on the pictures of another decoder than this one"):
        alone.with_refiner(found.refiner)


@pytest.mark.parametrize(
    ("decoder", "refiner", "error", "sentence"),
    [
        (DECODER, make_module(PatchEncoder(4)), ConfigError, "a decoder carries a refiner; got a patch encoder"),
        (DECODER, make_module(Refiner(), None), FingerprintError, "on the pictures of another decoder than this one"),
        (DECODER, refiner_of(BOTH, Refiner()), FingerprintError, "on the pictures of another decoder than this one"),
        (DECODER, refiner_of(DECODER, Refiner(3, 1)), ConfigError, "blocks of 3 pixels takes no pictures of 8 pixels"),
        (DECODER, refiner_of(DECODER, Refiner(8, 0, 1, 5)), ConfigError, "latents of 5 channels, 8 pixels a site, and"),
        (DECODER, refiner_of(DECODER, Refiner(4, 0, 1, 4)), ConfigError, "latents of 4 channels, 4 pixels a site, and"),
        (make_module(WholeDecoder(4)), BOTH.refiner, ConfigError, "this is a global decoder"),
        (BOTH.refiner, BOTH.refiner, ConfigError, "a decoder of patches carries a refiner; this is a pixel refiner"),
    ],
)
def test_with_refiner__refuses_what_does_not_go_together(decoder, refiner, error, sentence):
    with pytest.raises(error, match=sentence):
        decoder.with_refiner(refiner)


def test_load__refuses_tensors_that_do_not_belong(tmp_path):
    tensors, about = BOTH._tensors(), BOTH.about()
    name = f"{PREFIX}hidden_0_weights"
    nan = {f"{PREFIX}biases": np.full_like(tensors[f"{PREFIX}biases"], np.nan)}
    alone = {key: value for key, value in about.items() if key != "refiner"}
    for number, (parts, content, sentence) in enumerate(
        [
            ({key: part for key, part in tensors.items() if key != name}, about, f"the tensor '{name}' is missing"),
            (
                tensors | {f"{PREFIX}more": tensors["biases"]},
                about,
                f"holds a tensor '{PREFIX}more', which a module of",
            ),
            (tensors | {f"{PREFIX}{name}": tensors[name]}, about, f"holds a tensor '{PREFIX}{name}', which a module"),
            (tensors, alone, f"holds a tensor '{PREFIX}biases', which a module of its layers does not have"),
            (tensors | nan, about, f"the tensor '{PREFIX}biases' holds NaN or inf"),
            (tensors | {name: tensors[name].astype(np.float32)}, about, f"'{name}' must be I8 "),
            (DECODER._tensors(), about, "the tensor 'refiner.weights' is missing"),
        ]
    ):
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(to_bytes(parts, content))
        for read in (load, load_plain):
            with pytest.raises(FileFormatError, match=sentence.replace(".", r"\.")):
                read(path)


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ({"refiner": {}}, "refiner must not be there"),
        ({"view": 3}, "view must be an object"),
        ({"weights": "int4"}, "weights must be one of float32, float16, int8"),
        ({"training": {}}, "its decoder does not go with its refiner .*pictures of another decoder"),
        ({"view": Refiner(4, 3).to_dict() | {"factor": 0}}, "its decoder does not go with its refiner .*"),
        ({"view": Refiner(4, 3).to_dict() | {"factor": "4"}}, "its decoder does not go with its refiner .*"),
        ({"view": {"kind": "refiner", "name": "pixel"}}, "its decoder does not go with its refiner .*factor"),
        ({"view": Refiner(4, 3).to_dict() | {"border": -1}}, "border"),
        ({"view": Refiner(4, 3).to_dict() | {"context": 1}}, "its decoder does not go with its refiner .*channels"),
        ({"view": Refiner(4, 3).to_dict() | {"channels": 4}}, "context"),
        ({"view": Refiner(4, 3).to_dict() | {"name": "other"}}, "other"),
        ({"layers": [300, 48]}, "holds a tensor 'refiner.hidden_0_biases'"),
    ],
)
def test_load__refuses_what_a_refiner_cannot_be(tmp_path, about, sentence):
    path = tmp_path / "m.safetensors"
    path.write_bytes(changed(BOTH, **about))
    for read in (load, load_plain):
        with pytest.raises(FileFormatError, match=f"m.safetensors .*{sentence}"):
            read(path)


def test_load__refuses_a_decoder_that_was_changed_under_its_refiner(tmp_path):
    tensors = BOTH._tensors()
    tensors["biases"] = tensors["biases"] + tensors["biases"].dtype.type(0.5)
    (tmp_path / "m.safetensors").write_bytes(to_bytes(tensors, BOTH.about()))
    for read in (load, load_plain):
        with pytest.raises(FileFormatError, match="its decoder does not go with its refiner"):
            read(tmp_path / "m.safetensors")


def test_file__without_a_refiner_is_as_before(tmp_path):
    content = json.dumps(DECODER.about())
    assert "refiner" not in content
    assert not any(name.startswith(PREFIX) for name in DECODER._tensors())
    zeros = np.zeros((192, 36), np.float32)
    module = Module(PatchDecoder(4), SPACE, zeros, zeros[:, 0], Scaling.identity(36, 192))
    assert module.digest == "5ed4544945654ddb9117422652bdd8144fcbb0b68378256c78e824b1deba1fba"
