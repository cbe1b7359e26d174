"""The recipes of `docs/plug-in.md` on latents of other programs and on sharing, each run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from olacore.foreign.hub import SUFFIXES as TAKEN
from olacore.media.pictures import read_picture
from olacore.modules.latent_file import READABLE
from olacore.modules.module import load
from olacore.spaces import FAMILIES
from tests.support.command import ola
from tests.support.documents import blocks, run
from tests.support.fake_hub import lay_out
from tests.support.places import ROOT
from tests.support.torch_files import write_torch

DOCUMENT = (ROOT / "docs" / "plug-in.md").read_text(encoding="utf-8")
SCALED = {
    name: np.random.default_rng(0).normal(size=(family.channels, 8, 6)).astype(np.float32)
    for name, family in FAMILIES.items()
}


def section(title: str) -> str:
    """What stands below a heading."""
    return re.split(r"\n## ", DOCUMENT.partition(f"\n## {title}\n")[2])[0]


def raw(name: str) -> np.ndarray:
    """The latents as the autoencoder of a model has them."""
    return SCALED[name] / np.float32(FAMILIES[name].scaling) + np.float32(FAMILIES[name].shift)


def check(path: str, name: str, shrink: int = 1) -> None:
    """Whether a picture is what the model's decoder makes, up to what rounding makes of raw latents."""
    expected = load(f"{name}-decoder").decode(SCALED[name], shrink=shrink)
    assert np.abs(read_picture(Path(path)).astype(int) - expected).max() <= 1


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files that the recipes read."""
    monkeypatch.chdir(tmp_path)
    version = {"latent_format_version_0": np.zeros(0, np.float32)}
    for number, name in enumerate(("sd15", "sdxl"), 1):
        save_file({"latent_tensor": raw(name)[None], **version}, f"ComfyUI_0000{number}_.latent")
    write_torch(Path("latents.pt"), SCALED["sd15"][None].astype(np.float16), "f2")
    save_file({"latents": raw("sd3")[None]}, "raw.safetensors")
    np.save("mine.npy", raw("sd15"))
    (tmp_path / "outputs").mkdir()
    for name in "ab":
        save_file({"latent_tensor": raw("sdxl")[None], **version}, tmp_path / "outputs" / f"{name}.latent")
    return tmp_path


def test_latents__recipes_run_as_they_stand(folder):
    commands, code = blocks("docs/plug-in.md", "Latents of other programs")
    assert {words[0] for words in commands.commands} == {"ola"}
    run(commands)
    for path in ("comfy.png", "fox.png", "mine.png"):
        check(path, "sd15")
    for path in ("comfy-xl.png", "pictures/a.png", "pictures/b.png"):
        check(path, "sdxl")
    check("raw.png", "sd3")
    check("small.png", "sd15", 4)
    names = run(code, {"latents": SCALED["sd15"]})
    np.testing.assert_array_equal(names["small"], load("sd15-decoder").decode(SCALED["sd15"], shrink=8))


def test_latents__tables_say_what_there_is():
    text = section("Latents of other programs")
    for suffix in READABLE:
        assert f"`{suffix}`" in text
    for family in FAMILIES.values():
        shifted = f"(raw - {family.shift})" if family.shift else "raw"
        assert f"| {family.title} | {shifted} * {family.scaling} |" in text


def test_sharing__recipes_run_as_they_stand(folder, monkeypatch):
    """`hf upload` lays a folder into the hub's cache, as a download of it would do; the hub itself is never asked."""
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    found = blocks("docs/plug-in.md", "Sharing")
    assert [block.kind for block in found] == ["sh", "python", "sh"]
    for block in found:
        if block.kind == "python":
            names = run(block, {"latents": SCALED["sd15"]})
            np.testing.assert_array_equal(names["picture"], load("sd15-decoder").decode(SCALED["sd15"]))
            continue
        for program, *arguments in block.commands:
            if program == "ola":
                ola(*arguments)
            else:
                verb, repo, given = arguments
                assert (program, verb) == ("hf", "upload")
                lay_out(folder / "cache", repo, folder / given)
    check("fox.png", "sd15")
    ola("generate", "a red heart", "-o", "shipped.png")
    np.testing.assert_array_equal(read_picture(Path("heart.png")), read_picture(Path("shipped.png")))
    assert read_picture(Path("heart.png")).shape == (64, 64, 3)
    ola("generate", "--like", "heart.png", "-o", "again.png")


def test_sharing__options_are_those_of_the_exporter():
    from dataclasses import fields

    from olacore.exports.hub import HubFolder

    named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", section("Sharing"), re.M)))
    assert named == [one.name for one in sorted(fields(HubFolder), key=lambda one: named.index(one.name))]
    assert TAKEN == (".safetensors", ".json", ".webp")
