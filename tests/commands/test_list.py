"""`ola list`."""

import json

from olacore import pretrained
from olacore.pretrained.catalogue import catalogue
from tests.support.command import ola
from tests.support.makers import make_module
from tests.support.vae_samples import DECODER


def test_list__tells_latents_partner_figures_and_size():
    out = ola("list").stdout
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]
    rows = {cells[0]: cells[1:] for cells in lines}
    assert sorted(rows) == pretrained.names()
    assert rows["sd15-decoder"] == ["SD 1.5", "sd15-encoder", "24.63", "24.39", "25.91 taesd", "225"]
    assert rows["sd15-decoder-small"] == ["SD 1.5", "sd15-encoder", "24.51", "24.18", "25.91 taesd", "192"]
    assert rows["codec4-encoder"] == ["private", "codec4-decoder", "27.14", "-", "25.91 taesd", "10"]
    assert "other way" in out
    assert "PSNR in dB, mean over 21 whole photographs that no part of the making saw: there and back by" in out


def test_list__as_json_is_the_whole_catalogue():
    found = json.loads(ola("list", "--json").stdout)
    modules = [one.to_dict() for one in catalogue()]
    assert found[: len(modules)] == modules
    sets = [(one["name"], one["kind"], one["size"]) for one in found[len(modules) :]]
    assert sets == [("fluent3d", "set", 128), ("google64", "set", 64)]


def test_list__shows_what_was_not_measured_and_has_no_partner(tmp_path, monkeypatch):
    module = make_module(DECODER)
    module.save(tmp_path / "a-decoder.safetensors")
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    out = ola("list").stdout
    (line,) = [line for line in out.splitlines() if "a-decoder" in line]
    size = f"{module.nbytes() / 1000:.0f}"
    assert [cell.strip() for cell in line.split("│")[2:-1]] == ["private", "-", "-", "-", "-", size]
    assert "photographs" not in out
