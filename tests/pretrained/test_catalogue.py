"""What comes with the package: partners found by latent spaces, figures as they were measured."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from olacore import pretrained
from olacore.errors import ConfigError
from olacore.modules.identity import Own
from olacore.pretrained.catalogue import catalogue, decoder_of, family_of, pick_decoder, shipped_space
from olacore.spaces import FAMILIES
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from tests.support.makers import OTHER_SPACE, SPACE, make_module
from tests.support.places import ROOT

ENCODER, DECODER = PatchEncoder(4, border=0), PatchDecoder(4)
FIGURES = {
    "model": "SD 1.5",
    "teacher": "taesd",
    "photographs": 3,
    "with_partner": 24.5,
    "with_teacher": 24.0,
    "of_teacher": 25.0,
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A folder in place of the package's own: a clone with both decoders, a pair, and a decoder that nobody feeds."""
    clone = make_module(ENCODER)
    pair = make_module(ENCODER, OTHER_SPACE, seed=1)
    modules = {
        "a-encoder": clone,
        "b-own-decoder": make_module(DECODER, clone.makes),
        "a-decoder": make_module(DECODER),
        "codec-encoder": replace(pair, own=Own(pair.digest, OTHER_SPACE)),
        "codec-decoder": make_module(DECODER, OTHER_SPACE),
        "lonely-decoder": make_module(DECODER, replace(SPACE, maker="third", maker_sha256="ef")),
        "plain": make_module(Plain(5, 3), space=None),
    }
    for name, module in modules.items():
        module.save(tmp_path / f"{name}.safetensors")
    (tmp_path / "figures.json").write_text(json.dumps({"a-decoder": FIGURES}))
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    return modules


def test_catalogue__finds_partners_and_prefers_the_decoder_of_an_encoders_own_latents(package):
    found = {one.name: one for one in catalogue()}
    assert [*found] == sorted(package)
    assert {name: one.partner for name, one in found.items()} == {
        "a-encoder": "b-own-decoder",
        "b-own-decoder": "a-encoder",
        "a-decoder": "a-encoder",
        "codec-encoder": "codec-decoder",
        "codec-decoder": "codec-encoder",
        "lonely-decoder": "",
        "plain": "",
    }
    assert {name: one.nbytes for name, one in found.items()} == {name: part.nbytes() for name, part in package.items()}


def test_catalogue__says_whose_latents_they_are(package):
    found = {one.name: one for one in catalogue()}
    assert found["a-decoder"].latents == "SD 1.5"
    assert found["codec-decoder"].latents == "private, of someone/other"
    assert found["plain"].latents == "none"
    assert found["a-decoder"].to_dict() == {
        "name": "a-decoder",
        "kind": "decoder",
        "latents": "SD 1.5",
        "makes": None,
        "imitates": None,
        "reads": SPACE.fingerprint,
        "bytes": package["a-decoder"].nbytes(),
        "partner": "a-encoder",
        "psnr": FIGURES,
    }
    assert found["a-encoder"].to_dict()["psnr"] is None


def test_decoder_of__takes_the_first_space_that_a_decoder_reads(package):
    clone = package["a-encoder"]
    assert decoder_of(clone.makes, clone.imitates) == "b-own-decoder"
    assert decoder_of(None, clone.imitates) == "a-decoder"
    assert decoder_of(replace(SPACE, maker_sha256="12"), None) == ""
    assert decoder_of(None, None) == ""


def test_pick_decoder__goes_by_the_spaces_and_lists_decoders_of_so_many_channels(package):
    clone, shape = package["a-encoder"], (4, 3, 3)
    assert pick_decoder("z.npz", shape, clone.makes, clone.imitates) == "b-own-decoder"
    strange = replace(SPACE, maker="stranger", maker_sha256="12")
    with pytest.raises(
        ConfigError,
        match="no shipped decoder reads latents of stranger, as z.npz holds; name theirs",
    ):
        pick_decoder("z.npz", shape, strange, None)
    many = replace(SPACE, channels=16, maker="many", maker_sha256="34")
    make_module(PatchDecoder(16), many).save(pretrained.FOLDER / "many-decoder.safetensors")
    listed = {
        shape: r"a-decoder \(SD 1.5\), b-own-decoder .*, codec-decoder \(private, of someone/other\), lonely-dec.*\)\.",
        (2, 16, 3, 3): r"--decoder: many-decoder \(private, of many\)\.",
        (5,): "a-decoder .*, many-decoder",
    }
    for of_latents, sentence in listed.items():
        with pytest.raises(ConfigError, match=f"z.npy does not say whose latents it holds; name their .*{sentence}"):
            pick_decoder("z.npy", of_latents, None, None)


def test_pick_decoder__says_where_none_is_shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    with pytest.raises(ConfigError, match="with --decoder: none is shipped"):
        pick_decoder("z.npy", (4, 3, 3))


def test_shipped_space__is_what_the_decoder_reads(package):
    assert shipped_space("codec-decoder") == OTHER_SPACE
    assert shipped_space("sd9-decoder") is None


def test_family_of__is_that_of_the_shipped_decoder():
    for family in FAMILIES:
        assert family_of(shipped_space(f"{family}-decoder")) == family
    assert family_of(OTHER_SPACE) is family_of(None) is None


def test_package__has_partners_and_figures_of_every_module():
    found = {one.name: one for one in catalogue()}
    families = ("codec4", "codec16", "sd15", "sdxl", "sd3")
    expected = [f"{name}-{kind}" for name in families for kind in ("encoder", "decoder")]
    small = {f"{name}-decoder-small": f"{name}-encoder" for name in FAMILIES}
    assert sorted(found) == sorted([*expected, *small])
    assert {name: found.pop(name).partner for name in small} == small
    for name, one in found.items():
        assert one.kind in name
        assert one.partner == name.replace(one.kind, {"encoder": "decoder", "decoder": "encoder"}[one.kind])
        assert found[one.partner].figures.with_partner == one.figures.with_partner
        if one.kind == "encoder":
            assert one.makes.maker == name
            assert (one.imitates is None) == (one.figures.model == "") == name.startswith("codec")
    assert found[pretrained.ENCODER].partner == pretrained.DECODER


MEASURED = {"sd15": ("sd15", "codec4"), "sdxl": ("sdxl", None), "sd3": ("sd3", "codec16")}


@pytest.mark.parametrize("space", MEASURED)
def test_package__has_the_figures_that_were_measured(space):
    report = json.loads((ROOT / "bench" / "results" / "2026-11-25-ovae.json").read_text(encoding="utf-8"))
    quality = report["quality"][space]
    rows = dict(quality["mean"]["rows"])
    found = {one.name: one.figures for one in catalogue()}
    small, first = found[f"{space}-decoder-small"], rows["teacher's latents, compatible decoder"]["psnr"]
    assert small.with_teacher == pytest.approx(first, abs=0.006)
    path = ROOT / "bench" / "results" / "plug-in" / "2026-11-27-refined-decoders.json"
    refined = json.loads(path.read_text(encoding="utf-8"))["spaces"][space]
    assert refined["rows"]["teacher's latents, small decoder"]["psnr"] == pytest.approx(first, abs=0.006)
    rows |= refined["rows"]

    def psnr(row: str) -> float:
        return pytest.approx(rows[row]["psnr"], abs=0.006)

    compatible, codec = MEASURED[space]
    for kind, row in (
        ("encoder", "compatible encoder, teacher's decoder"),
        ("decoder", "teacher's latents, compatible decoder"),
    ):
        figures = found[f"{compatible}-{kind}"]
        assert (figures.with_partner, figures.with_teacher) == (psnr("organic, compatible"), psnr(row))
        assert (figures.of_teacher, figures.photographs) == (psnr("teacher"), len(quality["pictures"]))
        if codec:
            figures = found[f"{codec}-{kind}"]
            assert (figures.with_partner, figures.with_teacher) == (psnr("organic, paired"), None)
            assert (figures.model, figures.of_teacher) == ("", psnr("teacher"))
