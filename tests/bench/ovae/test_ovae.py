"""All parts on tiny data, without a teacher: what is kept, judged, written and published."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from click.testing import CliRunner

from bench.ovae import PARTS, recipes
from bench.ovae.__main__ import main
from bench.ovae.backprop import Case, compare
from bench.ovae.cards import write_card
from bench.ovae.cells import Cells
from bench.ovae.command import run
from bench.ovae.learning import run_backprop
from bench.ovae.quality import enter, measure_all, module_files, whole_pair
from bench.ovae.recipes import chosen
from bench.ovae.targets import judge
from bench.ovae.training import Stages, train_all
from olacore import pretrained
from olacore.errors import ConfigError, DataError
from olacore.modules.module import load
from olacore.pretrained.catalogue import catalogue
from tests.support.makers import JIT
from tests.support.ovae_makers import RECIPES, make_room
from tests.support.vae_samples import PlainTeacher

needs_jit = pytest.mark.skipif(not JIT, reason="training takes minutes without the JIT")
pytestmark = needs_jit


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(recipes, "RECIPES", RECIPES)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A room where everything but backprop was run, with a teacher that needs no torch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "RECIPES", RECIPES)
        for part in ("quality", "speed"):
            patch.setattr(f"bench.ovae.{part}.load_teacher", lambda *asked: (PlainTeacher(), 1000))
        room = make_room(tmp_path_factory.mktemp("ovae"))
        folder = room.work / "package"
        parts = tuple(part for part in PARTS if part != "backprop")
        report = run(room, room.work / "report.json", parts, pretrained=folder, threads=1)
    return room, folder, report


def test_run__publishes_each_module_with_a_card(done):
    _, folder, report = done
    encoder, decoder = (load(folder / f"codec4-{kind}.safetensors") for kind in ("encoder", "decoder"))
    assert encoder.makes == decoder.reads
    assert (encoder.makes.maker, encoder.imitates) == ("codec4-encoder", None)
    clone = load(folder / "sd15-encoder.safetensors")
    assert (clone.makes.maker, clone.imitates.maker) == ("sd15-encoder", "someone/tiny")
    assert len(decoder.layers) == 3
    card = (folder / "sd15-encoder.md").read_text()
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


def test_enter__shows_the_compatible_modules_as_ours_where_there_is_no_codec(done):
    room, *_ = done
    files = {name: path for name, path in module_files("sd15", room).items() if name in ("encoder", "decoder")}
    lineup = enter(files)
    assert lineup.main == "organic, compatible"
    assert lineup.imitators == ["encoder"]
    assert whole_pair(["encoder", "codec decoder"]) is None


def test_run__writes_a_report_with_every_target_and_only_what_was_measured(done):
    room, _, report = done
    written = json.loads((room.work / "report.json").read_text())
    assert written == json.loads(json.dumps(report))
    met = {target["figure"]: target["met"] for target in written["targets"]}
    assert met["SD 1.5 pair: size of both"]
    assert met["SD 1.5 pair: training"]
    assert met["SD 1.5 pair: PSNR over the teacher's"] in (True, False)
    assert met["SD 3 pair: PSNR over the teacher's"] is None
    assert "not measured" in (room.work / "report.md").read_text()
    quality = written["quality"]["sd15"]
    assert sorted(quality["pictures"]) == ["10.png", "11.png"]
    assert "organic, affine pair" in quality["mean"]["rows"]
    assert set(written["speed"]["sd15"]["rows"]) == {"affine pair", "pair", "compatible", "teacher"}


def test_run__takes_what_is_kept_and_makes_nothing_where_only_the_report_is_asked_for(done, monkeypatch):
    room, _, report = done

    def never(*args, **kwargs):
        raise AssertionError("measured again")

    for place in ("training.run", "quality.measure_space", "speed.time_space"):
        monkeypatch.setattr(f"bench.ovae.{place}", never)
    out, parts = room.work / "again.json", ("train", "quality", "speed")
    again = run(room, out, parts, threads=1, pretrained=room.work / "again")
    assert again["quality"] == report["quality"]
    assert again["train"] == report["train"]
    frozen = run(room, out, ("report",), generations=5, threads=1)
    assert frozen["train"] == {}
    assert not (room.work / "pretrained" / "sd15-decoder.safetensors").exists()


def test_train_all__runs_again_where_a_file_was_replaced(done):
    room, *_ = done
    copy = replace(room, work=room.work / "other")
    (decoder,) = chosen(["sd15-decoder"])
    cells, said = Cells(copy.work / "cells"), []
    for _ in range(2):
        train_all((decoder,), copy, cells, said.append)
    assert len(said) == 2
    (copy.run(decoder) / "module.safetensors").write_bytes(b"")
    train_all((decoder,), copy, cells, said.append)
    assert len(said) == 4
    assert load(copy.run(decoder)).hidden


def test_run__measures_again_when_a_teacher_is_there(done, monkeypatch):
    room, _, report = done
    taken = []

    def take(space, room, *rest):
        taken.append(space)
        return report["quality"][space]

    monkeypatch.setattr("bench.ovae.quality.measure_space", take)
    (room.models / "taesd").mkdir(parents=True)
    said = []
    copy = replace(room, models=room.work / "none")
    measure_all(("sd15",), copy, Cells(room.work / "cells"), said.append)
    assert taken == []
    assert "there is no teacher" in said[0]
    measure_all(("sd15",), room, Cells(room.work / "cells"), said.append)
    assert taken == ["sd15"]
    (room.models / "taesd").rmdir()


def test_stages__start_anew_where_generations_do():
    now = iter([10.0, 11.0, 20.0, 24.0])
    stages = Stages(lambda: next(now))
    for generation, seconds in ((1, 0.1), (10, 1.0), (1, 0.2), (8, 3.0)):
        stages({"generation": generation, "seconds": seconds})
    assert stages.stages == [
        {"generations": 10, "seconds": 1.0, "cpu": 1.0},
        {"generations": 8, "seconds": 3.0, "cpu": 4.0},
    ]


@pytest.mark.parametrize("name", ["codec4-pair", "sd15-decoder"])
def test_compare__gives_both_sides_the_same_seconds_and_draws_them(done, name, tmp_path):
    pytest.importorskip("torch")
    room, *_ = done
    asked = {"names": (name,), "rates": (1e-3, 1e-2), "threads": 1, "pretrained": tmp_path}
    report = run(room, tmp_path / "r.json", ("backprop", "report"), **asked)
    (case,) = report["backprop"]
    assert case["case"] == {"codec4-pair": "codec4-decoder"}.get(name, name)
    assert case["unit"] == "dB"
    end = case["evolved"][-1][0]
    for curve in case["backprop"].values():
        assert curve[-1][0] >= end
        assert all(before[0] <= after[0] for before, after in pairwise(curve))
    assert case["backprop"][case["best_rate"]][-1][1] == max(curve[-1][1] for curve in case["backprop"].values())
    assert case["gain"] == case["evolved"][-1][1] - case["affine"]
    assert (tmp_path / "r-curves.png").stat().st_size > 1000
    assert f"| {case['case']}, dB |" in (tmp_path / "r.md").read_text()


def test_run_backprop__starts_at_least_squares_and_learns(done):
    pytest.importorskip("torch")
    room, *_ = done
    (recipe,) = chosen(["sd15-decoder"])
    value = compare(Case(recipe), 0, room, Cells(room.work / "cells"), str, ())
    assert value["best_rate"] is None
    assert value["ratio"] is None
    config = Case(recipe).config(room, 0)
    still = run_backprop(config, 1e-9, 0.02)["curve"][-1][1]
    assert still == pytest.approx(value["affine"], abs=0.02)
    assert run_backprop(config, 3e-3, 0.2)["curve"][-1][1] != pytest.approx(still, abs=1e-3)


def test_compare__needs_the_encoder_of_a_pair(tmp_path):
    room = make_room(tmp_path)
    (pair,) = chosen(["codec4-pair"])
    with pytest.raises(ConfigError, match="codec4-decoder needs its encoder in .*encoder; run the part train first"):
        compare(Case(pair), 0, room, Cells(tmp_path / "cells"), str, ())
    assert compare(Case(pair), 0, room, Cells(tmp_path / "cells", frozen=True), str, ()) is None


def test_room__says_what_is_missing(tmp_path):
    room = make_room(tmp_path)
    with pytest.raises(ConfigError, match=r"taesd3-8.h5 is missing, and so are .*photos or .*taesd3 that it is made"):
        room.make("sd3", str)
    for path in room.photos.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="has none of the 2 held-out photographs"):
        room.held_out("sd15")


def test_write_card__names_the_licence_of_each_origin(done):
    _, _, report = done
    (recipe,) = chosen(["sd15-decoder"])
    run_of = report["train"][recipe.name]
    facts = {**run_of["data"], "origins": {"jxl": 3, "attic": 1}}
    card = write_card(recipe.name, recipe, {**run_of, "data": facts}, None)
    assert "| jxl | 3 | CC0 and BSD |" in card
    assert "| attic | 1 | not known |" in card


def test_judge__reads_each_figure():
    rows = {
        "teacher": {"psnr": 24.0, "ssim": 0.7},
        "organic, paired": {"psnr": 24.5, "ssim": 0.69},
        "teacher's latents, compatible decoder": {"psnr": 24.3, "ssim": 0.7},
        "teacher's latents, least squares": {"psnr": 23.0, "ssim": 0.7},
    }
    quality = {
        "mean": {
            "rows": rows,
            "small": {},
            "latents": {"compatible encoder": {"r2": 0.94}, "least squares": {"r2": 0.92}},
        },
        "rows": {"organic, paired": {"encoder_bytes": 100 * 1024, "decoder_bytes": 200 * 1024}},
    }
    speed = {"sd15": {"rows": {"pair": {"median_ms": 9.0, "over_teacher": 70.0}}}}
    report = {
        "quality": {"sd15": quality},
        "speed": speed,
        "train": {"codec4-pair": {"seconds": 901}},
        "backprop": [{"case": "c", "ratio": 0.95}],
    }
    found = {target.figure: (target.measured, target.met) for target in judge(report)}
    assert found["SD 1.5 pair: PSNR over the teacher's"] == (0.5, True)
    assert found["SD 1.5 pair: PSNR over the teacher's, aim"] == (0.5, False)
    assert found["SD 1.5 pair: SSIM over the teacher's"][1] is False
    assert found["SD 1.5 pair: size of both"] == (300.0, False)
    assert found["sd15 compatible decoder: PSNR over affine least squares"] == (pytest.approx(1.3), True)
    assert found["sd15 encoder: unexplained variance removed"] == (pytest.approx(0.25), True)
    assert found["SD 1.5: encode and decode, largest stack"] == (9.0, True)
    assert found["SD 1.5: times faster than the teacher, slowest"] == (70.0, False)
    assert found["SD 1.5 pair: training"] == (901, False)
    assert found["c: gain over backprop's, same CPU-seconds"] == (0.95, True)
    assert found["SD 3 pair: PSNR over the teacher's"] == (None, None)


def test_main__ends_in_one_line_where_there_is_no_such_recipe(tmp_path):
    result = CliRunner().invoke(main, ["--data", str(tmp_path), "--recipe", "sd9-pair"])
    assert result.exit_code == 1
    assert result.output == "Error: there is no 'sd9-pair' among the recipes; there are " + (
        "codec4-pair, sd15-encoder, sd15-decoder.\n"
    )
