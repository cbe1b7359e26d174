"""All parts on tiny data, without a teacher: what is kept, written and published."""

import json

import pytest

from bench.ovae.command import run
from olacore import pretrained
from olacore.modules.module import load
from olacore.pretrained.catalogue import catalogue

pytestmark = pytest.mark.usefixtures("tiny")


def test_run__publishes_each_module_with_a_card(done):
    _, folder, report = done
    encoder, decoder = (load(folder / f"codec4-{kind}.safetensors") for kind in ("encoder", "decoder"))
    assert encoder.makes == decoder.reads
    assert (encoder.makes.maker, encoder.imitates) == ("codec4-encoder", None)
    clone = load(folder / "sd15-encoder.safetensors")
    assert (clone.makes.maker, clone.imitates.maker) == ("sd15-encoder", "someone/tiny")
    assert len(decoder.layers) == 3
    card = " ".join((folder / "sd15-encoder.md").read_text().split())
    train = report["train"]["sd15-encoder"]
    assert train["command"] in card
    assert f"`{train['data']['digest']}`" in card
    size = (folder / "sd15-encoder.safetensors").stat().st_size
    assert f"{size / 1000:,.1f} kB" in card
    assert abs(size - train["files"]["sd15-encoder"]["bytes"]) < 100
    latents = report["quality"]["sd15"]["mean"]["latents"]["compatible encoder"]
    assert f"R2 of the latents {latents['r2']:.4g} (by channel" in card
    assert "Whole held-out photographs (2), mean:" in card
    assert "least_squares" in card
    assert "8 from 8 photographs for training" in card
    assert len(list(folder.iterdir())) == 9


def test_run__writes_the_figures_of_the_catalogue(done, monkeypatch):
    _, folder, report = done
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    rows = report["quality"]["sd15"]["mean"]["rows"]
    found = {one.name: one for one in catalogue()}
    assert {name: (one.partner, one.figures.model) for name, one in found.items()} == {
        "codec4-decoder": ("codec4-encoder", ""),
        "codec4-encoder": ("codec4-decoder", ""),
        "sd15-decoder": ("sd15-encoder", "SD 1.5"),
        "sd15-encoder": ("sd15-decoder", "SD 1.5"),
    }
    for name, row in (
        ("codec4-decoder", None),
        ("sd15-encoder", "compatible encoder, teacher's decoder"),
        ("sd15-decoder", "teacher's latents, compatible decoder"),
    ):
        assert found[name].figures.with_teacher == (round(rows[row]["psnr"], 2) if row else None)
        assert found[name].figures.of_teacher == round(rows["teacher"]["psnr"], 2)
        assert found[name].figures.photographs == 2
    assert found["codec4-decoder"].figures.with_partner == round(rows["organic, paired"]["psnr"], 2)
    assert found["sd15-decoder"].figures.with_partner == round(rows["organic, compatible"]["psnr"], 2)


def test_run__writes_a_report_with_every_target_and_only_what_was_measured(done):
    workspace, _, report = done
    written = json.loads((workspace.work / "report.json").read_text())
    assert written == json.loads(json.dumps(report))
    met = {target["figure"]: target["met"] for target in written["targets"]}
    assert written["threads"] == 1
    assert met["SD 1.5 pair: size of both"]
    assert met["SD 1.5 pair: training"]
    assert met["SD 1.5 pair: PSNR over the teacher's"] in (True, False)
    assert met["SD 3 pair: PSNR over the teacher's"] is None
    assert "not measured" in (workspace.work / "report.md").read_text()
    quality = written["quality"]["sd15"]
    assert sorted(quality["pictures"]) == ["10.png", "11.png"]
    assert "organic, affine pair" in quality["mean"]["rows"]
    assert set(written["speed"]["sd15"]["rows"]) == {"affine pair", "pair", "compatible", "teacher"}


def test_run__takes_what_is_kept_and_makes_nothing_where_only_the_report_is_asked_for(done, monkeypatch):
    workspace, _, report = done

    def never(*args, **kwargs):
        raise AssertionError("measured again")

    for place in ("training.run", "quality.measure_space", "speed.time_space"):
        monkeypatch.setattr(f"bench.ovae.{place}", never)
    out, parts = workspace.work / "again.json", ("train", "quality", "speed")
    again = run(workspace, out, parts, threads=1, pretrained=workspace.work / "again")
    assert again["quality"] == report["quality"]
    assert again["train"] == report["train"]
    frozen = run(workspace, out, ("report",), generations=5, threads=1)
    assert frozen["train"] == {}
    assert not (workspace.work / "pretrained" / "sd15-decoder.safetensors").exists()
