"""Folders to share: loaded as they are, with a card that the hub reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import olacore
from olacore import pretrained
from olacore.errors import ConfigError, FileFormatError, OutputError, OutputExistsError
from olacore.exports.base import Part, export
from olacore.exports.given import load_parts
from olacore.exports.model_card import LICENCE, TEACHERS, is_shipped
from olacore.modules.module import load
from olacore.reports.inspection import describe
from olacore.views.noisy import Window
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.refining import Refiner
from tests.support.makers import make_module
from tests.support.set_samples import SIDE, write_set


def matter_of(folder: Path) -> dict:
    """The front matter of a card: YAML as the hub reads it, and JSON behind each key."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\n")
    front, _, _ = text[4:].partition("\n---\n")
    lines = dict(line.split(": ", 1) for line in front.splitlines())
    plain = {key: json.loads(value) for key, value in lines.items()}
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(front) == plain
    return plain


def test_one__is_the_file_itself_with_its_card(tmp_path):
    export(load_parts(["sd15-decoder"]), "hub", tmp_path / "m", options={"repo": "me/sd15"})
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["README.md", "config.json", "model.safetensors"]
    shipped = pretrained.FOLDER / "sd15-decoder.safetensors"
    assert (tmp_path / "m" / "model.safetensors").read_bytes() == shipped.read_bytes()
    assert olacore.load(tmp_path / "m").digest == load("sd15-decoder").digest
    matter = matter_of(tmp_path / "m")
    figures = json.loads((pretrained.FOLDER / "figures.json").read_text())["sd15-decoder"]
    (result,) = matter.pop("model-index")[0]["results"]
    assert [one["value"] for one in result["metrics"]] == [figures["with_teacher"], figures["with_partner"]]
    assert matter == {
        "library_name": "olacore",
        "license": "apache-2.0",
        "pipeline_tag": "image-to-image",
        "tags": ["vae", "latent-decoder", "gradient-free", "cpu"],
        "base_model": ["madebyollin/taesd"],
    }
    card = (tmp_path / "m" / "README.md").read_text()
    assert card.count("\n# ") == 1
    assert pretrained.card("sd15-decoder").partition("\n")[2].strip() in card
    assert 'olacore.load("hf:me/sd15").decode(latents)' in card
    assert "stands for" not in card
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    told = config["modules"]["sd15-decoder"]
    assert (told["file"], told["kind"], told["digest"]) == (
        "model.safetensors",
        "decoder",
        load("sd15-decoder").digest,
    )
    assert told["sizes"] == list(load("sd15-decoder").layers)


def test_cards__of_all_that_is_shipped_name_licence_and_teacher():
    for name in [*pretrained.names(), *pretrained.sets()]:
        assert LICENCE.search(pretrained.card(name))[1] == "Apache-2.0", name
        assert TEACHERS.findall(pretrained.card(name)), name


def test_several__are_a_file_each(tmp_path):
    export(load_parts(["sd15-decoder", "sd15-encoder"]), "hub", tmp_path / "m")
    for name in ("sd15-decoder", "sd15-encoder"):
        assert load(tmp_path / "m" / f"{name}.safetensors").digest == load(name).digest
    card = (tmp_path / "m" / "README.md").read_text()
    assert [line for line in card.splitlines() if line.startswith("## sd15")] == ["## sd15-decoder", "## sd15-encoder"]
    assert "### Limits" in card
    assert 'olacore.load("hf:user/m/sd15-encoder").encode(picture)' in card
    with pytest.raises(
        FileFormatError, match=r"m holds the modules .*; name one, such as .*m/sd15-decoder.safetensors"
    ):
        load(tmp_path / "m")
    facts = describe(tmp_path / "m")
    assert (facts["kind"], facts["sd15-encoder"]["kind"]) == ("shared modules", "module, encoder")


def test_set__can_be_opened_and_draws_the_same(tmp_path):
    export(load_parts(["google64"]), "hub", tmp_path / "m")
    theirs = {path.name for path in (pretrained.FOLDER / "google64").iterdir()} - {"card.md"}
    assert {path.name for path in (tmp_path / "m").iterdir()} == theirs | {"README.md", "config.json"}
    drawn = [olacore.generate("a red heart", set=one, variety=2.0).picture for one in ("google64", tmp_path / "m")]
    np.testing.assert_array_equal(*drawn)
    matter = matter_of(tmp_path / "m")
    assert matter["pipeline_tag"] == "text-to-image"
    assert matter["base_model"] == ["madebyollin/taesd3", "sentence-transformers/all-MiniLM-L6-v2"]
    assert "## Limits" in (tmp_path / "m" / "README.md").read_text()
    assert describe(tmp_path / "m")["kind"] == "set"
    with pytest.raises(FileFormatError, match="is a set that draws from text"):
        load(tmp_path / "m")


def test_own__card_is_made_of_what_the_file_says(tmp_path):
    module = make_module(PatchDecoder(4, 8, 3), hidden=(6,))
    held_out = {
        name: {"loss": 0.125, "psnr": 20.5 + number, "r2": 0.25} for number, name in enumerate(("module", "mean"))
    }
    module.training.update(held_out=held_out, data="ab" * 32, licences=["CC0"])
    given = {"license": "cc0-1.0", "datasets": "me/data, you/more", "base_model": "me/vae"}
    export([Part.of("sd15-decoder", module)], "hub", tmp_path / "m", options=given)
    matter = matter_of(tmp_path / "m")
    assert (matter["license"], matter["datasets"], matter["base_model"]) == (
        "cc0-1.0",
        ["me/data", "you/more"],
        ["me/vae"],
    )
    assert "model-index" not in matter
    card = (tmp_path / "m" / "README.md").read_text()
    for words in ("(36 - 6 - 192 numbers)", "someone/tiny", "| module | 0.125 | 20.5 | 0.25 |", "under: CC0.", "`abab"):
        assert words in card
    assert "|  | mse | psnr | r2 |" in card
    assert "`module` is this one." in card
    assert "# user/m stands for where you upload it.\nanswer = olacore" in card
    export([Part.of("x", make_module(Plain(5, 3), None))], "hub", tmp_path / "p")
    matter = matter_of(tmp_path / "p")
    assert not matter.keys() & {"license", "base_model", "pipeline_tag"}
    assert load(tmp_path / "p").kind == "plain"


def test_own__set_and_figures_of_several_parts(tmp_path):
    export(load_parts([write_set(tmp_path)]), "hub", tmp_path / "m")
    card = (tmp_path / "m" / "README.md").read_text()
    assert f"draws pictures of {SIDE} x {SIDE} pixels" in card
    assert "| `level 2` |" in card
    assert olacore.Generator(tmp_path / "m", kernels=False).set.levels.keys() == {2.0, 0.5}
    module = make_module(PatchDecoder(4, 8, 3))
    inner = {"module": {"r2": 0.5}}
    module.training.update(held_out={"near": inner, "far": inner, "none": {}}, licences=None)
    export([Part.of("m", module)], "hub", tmp_path / "n")
    assert (tmp_path / "n" / "README.md").read_text().count("| module | 0.5 |") == 2


def test_set__that_was_shared_keeps_its_card(tmp_path):
    given = {"license": "cc0-1.0", "datasets": "me/data", "base_model": "me/vae", "repo": "me/set"}
    export(load_parts(["google64"]), "hub", tmp_path / "one", options=given)
    export(load_parts([tmp_path / "one"]), "hub", tmp_path / "two", options={"repo": "me/set"})
    texts = [(tmp_path / name / "README.md").read_text() for name in ("one", "two")]
    assert texts[0].replace("# google64", "# one") == texts[1]
    (tmp_path / "one" / "README.md").write_text("# Mine\n")
    export(load_parts([tmp_path / "one"]), "hub", tmp_path / "three")
    assert "| `decoder` |" in (tmp_path / "three" / "README.md").read_text()


@pytest.mark.parametrize(
    ("view", "words", "call"),
    [
        (Refiner(), "a refiner", "refine(pictures)"),
        (PatchEncoder(4, 8, 4), "an encoder", "encode(picture)"),
        (Window(4, 8, 0.5, window=3), "a denoiser", "denoise(noisy=noisy, text_means=text_means)"),
    ],
)
def test_own__card_calls_a_module_as_its_kind_is_called(view, words, call, tmp_path):
    export([Part.of("m", make_module(view, None))], "hub", tmp_path / "my m")
    card = (tmp_path / "my m" / "README.md").read_text()
    assert f"An organic module: {words}" in card
    assert f'olacore.load("hf:user/my-m").{call}' in card
    assert matter_of(tmp_path / "my m")["pipeline_tag"] == "image-to-image"


def test_is_shipped__asks_for_the_module_and_not_the_name():
    assert is_shipped(Part.of("sd15-decoder", load("sd15-decoder")))
    assert not is_shipped(Part.of("sd15-decoder", load("sdxl-decoder")))
    assert not is_shipped(Part.of("mine", load("sd15-decoder")))


def test_what_cannot_be_shared__is_refused(tmp_path):
    one = Part.of("m", make_module(Plain(5, 3), None))
    with pytest.raises(ConfigError, match="modules are shared by different names; got m, m"):
        export([one, one], "hub", tmp_path / "x")
    for repo in ("a b", "me", "a/b/c"):
        with pytest.raises(ConfigError, match=f"the option repo is user/name on the hub; got '{repo}'"):
            export([one], "hub", tmp_path / "x", options={"repo": repo})
    with pytest.raises(ConfigError, match="a set is shared alone"):
        export([one, *load_parts(["google64"])], "hub", tmp_path / "x")
    with pytest.raises(
        ConfigError, match="the exporter hub has no option 'licence'; there are: license, repo, base_mo"
    ):
        export([one], "hub", tmp_path / "x", options={"licence": "mit"})
    assert not (tmp_path / "x").exists()
    (tmp_path / "file").write_text("x")
    for path in ("file", "file/x"):
        with pytest.raises(OutputError, match=f"cannot write into .*{path}: .* is no folder"):
            export([one], "hub", tmp_path / path)
    export([one], "hub", tmp_path / "x")
    with pytest.raises(OutputExistsError, match="x already holds files; give --force to replace those of equal"):
        export([one], "hub", tmp_path / "x")
    export([one], "hub", tmp_path / "x", force=True)


def test_files__are_the_same_bytes_every_time(tmp_path):
    for name in "ab":
        export(load_parts(["codec4-encoder"]), "hub", tmp_path / name, options={"repo": "me/codec4"})
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
