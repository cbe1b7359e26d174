"""What exported modules are called."""

from __future__ import annotations

import pytest

from olacore.exports.given import load_parts, name_of
from olacore.views.plain import Plain
from tests.support.makers import make_module
from tests.support.set_samples import write_set


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("sd15-decoder", "sd15-decoder"),
        ("folder/mine.v2.safetensors", "mine.v2"),
        ("runs/v0.2", "v0.2"),
        ("hf:me/sd1.5-decoder", "sd1.5-decoder"),
        ("hf:me/sd1.5-decoder@main", "sd1.5-decoder"),
        ("hf:me/pack/sd1.5-encoder", "sd1.5-encoder"),
    ],
)
def test_name__is_whole(reference, name):
    assert name_of(reference) == name


def test_folders__are_called_what_they_are_called_elsewhere(tmp_path, monkeypatch):
    module, folder = make_module(Plain(5, 3), None), tmp_path / "v0.2"
    (folder / "deeper").mkdir(parents=True)
    module.save(folder / "module.safetensors")
    drawing = write_set(tmp_path)
    monkeypatch.chdir(folder)
    assert [part.name for part in load_parts([folder, ".", folder / "module.safetensors"])] == ["v0.2"] * 2 + ["module"]
    monkeypatch.chdir(folder / "deeper")
    assert [part.name for part in load_parts([".."])] == ["v0.2"]
    monkeypatch.chdir(drawing)
    assert {part.about["set"]["name"] for part in load_parts(["."])} == {"set"}
