"""Whose latents a module makes: decided by weights, view and scaling alone, and told from files of both schemas."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from olacore.errors import ConfigError, FileFormatError
from olacore.modules.file import SCHEMA_1, pack, to_bytes
from olacore.modules.identity import Own, latents_of
from olacore.modules.module import Module, load
from olacore.modules.tensor_file import digest_of
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.whole import WholeEncoder
from tests.support.makers import OTHER_SPACE, SPACE, make_module

VIEW = PatchEncoder(4, border=1)
ENCODER = make_module(VIEW)
STACK = make_module(VIEW, hidden=(3,), stored="float16")
DECODER = make_module(PatchDecoder(4, window=3))
WHOLE = make_module(WholeEncoder(4))
PAIRED = replace(ENCODER, own=Own(ENCODER.digest, SPACE))


# What every view said in version 0.1; the factor is newer.
VIEW_1 = {"border": 4, "channels": 0, "plain": [0, 0], "retina_seed": 0, "window": 3}


def spaces_of(module: Module) -> tuple:
    return module.space, module.makes, module.imitates, module.reads


def bytes_1(module: Module, **changes: object) -> bytes:
    """The file of a module as version 0.1 wrote it."""
    content: dict = {
        "kind": module.kind,
        "view": VIEW_1 | module.view.to_dict(),
        "activation": "tanh",
        "weights": module.stored,
        "space": SPACE.to_dict(),
        "fingerprint": SPACE.fingerprint,
        "training": module.training,
        **({"layers": list(module.layers)} if module.hidden else {}),
    }
    del content["view"]["factor"]
    return to_bytes(pack(module._parts(), module.stored), content | changes, SCHEMA_1)


# ---------------------------------------------------------------- what decides the identity


@pytest.mark.parametrize("stored", ["float32", "float16", "int8"])
def test_makes__says_nothing_of_notes(stored, tmp_path):
    module = replace(STACK, stored=stored)
    noted = replace(module, training={"strategy": "pair", "note": "anything"})
    assert noted.makes == module.makes
    noted.save(tmp_path / "noted")
    assert load(tmp_path / "noted").makes == module.makes


def test_makes__is_told_apart_by_weights_view_scaling_and_what_is_imitated():
    shifted = replace(ENCODER.scaling, target_mean=ENCODER.scaling.target_mean + 1)
    hidden = replace(STACK.hidden[0], biases=STACK.hidden[0].biases + 1)
    others = [
        ENCODER,
        make_module(VIEW, seed=1),
        replace(ENCODER, scaling=shifted),
        replace(ENCODER, space=replace(SPACE, scaling=0.5)),
        replace(ENCODER, stored="float16"),
        replace(ENCODER, stored="int8"),
        STACK,
        replace(STACK, hidden=(hidden,)),
    ]
    assert len({module.makes.fingerprint for module in others}) == len(others)


def test_digest_of__is_the_same_in_every_version_and_order():
    tensors = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "biases": np.zeros(2, np.float16)}
    found = digest_of(tensors, {"kind": "encoder", "border": 1})
    assert found == "5439427b980fb20a1282cfaffa7b6e80edab2be3e7cdd4539177d2ef826e56e7"
    assert digest_of(dict(reversed(tensors.items())), {"border": 1, "kind": "encoder"}) == found
    turned = {**tensors, "weights": tensors["weights"].reshape(3, 2)}
    assert digest_of(turned, {"kind": "encoder", "border": 1}) != found


def test_spaces__of_a_clone_a_pair_a_decoder_and_others():
    clone = replace(SPACE, maker="organic someone/tiny", maker_sha256=ENCODER.digest)
    assert spaces_of(ENCODER) == (SPACE, clone, SPACE, None)
    assert spaces_of(PAIRED) == (SPACE, SPACE, None, None)
    assert spaces_of(DECODER) == (SPACE, None, None, SPACE)
    assert spaces_of(WHOLE) == (SPACE, None, SPACE, None)
    plain = make_module(Plain(5, 3), space=None)
    assert spaces_of(plain) == (None, None, None, None)


def test_own__does_not_outlive_the_weights():
    of_pair = replace(ENCODER, own=Own(ENCODER.digest, OTHER_SPACE))
    assert of_pair.makes == OTHER_SPACE
    assert replace(of_pair, training={"note": 1}).makes == OTHER_SPACE
    changed = replace(of_pair, biases=of_pair.biases + 1)
    assert changed.makes.maker_sha256 == changed.digest


@pytest.mark.parametrize("module", [DECODER, WHOLE])
def test_latents_of__refuses_what_makes_none(module):
    name = f"{module.view.name} {module.view.kind}"
    with pytest.raises(ConfigError, match=f"latents come from an encoder of the patch view; this is a {name}"):
        latents_of(module)


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("module", [ENCODER, STACK, DECODER, PAIRED, WHOLE])
def test_load__gives_back_all_spaces(module, tmp_path):
    module.save(tmp_path / "m")
    found = load(tmp_path / "m")
    assert spaces_of(found) == spaces_of(module)
    found.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


@pytest.mark.parametrize(("module", "own"), [(ENCODER, "21c112ecf44292c8"), (STACK, "36e43761111502e4")])
def test_load__of_schema_1_names_a_clone_as_ever(module, own, tmp_path):
    """As version 0.1 did; the whole file, notes included, was hashed."""
    content = bytes_1(module)
    (tmp_path / "old").write_bytes(content)
    found = load(tmp_path / "old")
    assert found.makes.maker_sha256 == sha256(content).hexdigest()
    assert (found.makes.fingerprint, found.makes.maker) == (own, "organic someone/tiny")
    found.save(tmp_path / "new")
    again = load(tmp_path / "new")
    assert spaces_of(again) == spaces_of(found) == (SPACE, found.makes, SPACE, None)
    assert replace(again, training={"note": "another"}).makes == found.makes


def test_load__of_schema_1_knows_a_pair_by_its_note_and_decoders_by_their_space(tmp_path):
    (tmp_path / "encoder").write_bytes(bytes_1(ENCODER, training={"strategy": "pair"}))
    (tmp_path / "decoder").write_bytes(bytes_1(DECODER))
    encoder = load(tmp_path / "encoder")
    assert spaces_of(encoder) == spaces_of(PAIRED)
    assert replace(encoder, training={}).makes == SPACE
    assert spaces_of(load(tmp_path / "decoder")) == spaces_of(DECODER)


def test_load__of_schema_1_does_not_mind_the_order_of_metadata(tmp_path):
    content = bytes_1(ENCODER)
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    about = json.loads(header["__metadata__"]["olacore"])
    header["__metadata__"]["olacore"] = json.dumps(dict(reversed(about.items())))
    text = json.dumps(header).encode()
    (tmp_path / "old").write_bytes(content)
    (tmp_path / "reordered").write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])
    assert spaces_of(load(tmp_path / "reordered")) == spaces_of(load(tmp_path / "old"))


@pytest.mark.parametrize("change", [{"space": {"maker": "?"}}, {"training": 3}, {"training": None}])
def test_load__of_schema_1_refuses_damaged_metadata(change, tmp_path):
    (tmp_path / "m").write_bytes(bytes_1(ENCODER, **change))
    with pytest.raises(
        FileFormatError, match=r"m is damaged: (space\.maker_sha256 is missing|training must be an object)"
    ):
        load(tmp_path / "m")


@pytest.mark.parametrize("role", ["makes", "imitates", "reads"])
def test_load__refuses_metadata_without_a_role(role, tmp_path):
    content = {name: value for name, value in ENCODER.about().items() if name != role}
    (tmp_path / "m").write_bytes(to_bytes(pack(ENCODER._parts(), ENCODER.stored), content))
    with pytest.raises(FileFormatError, match=f"m is damaged: .*{role}"):
        load(tmp_path / "m")
