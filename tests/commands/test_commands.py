"""The command line: what it prints, its exit codes, and what a signal leaves behind."""

import io
import json
import logging
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import cli
from olacore import pretrained
from olacore.demo import sample_path
from olacore.media.pictures import read_picture, write_picture
from olacore.modules.latent_file import StoredLatent, write_latent
from olacore.modules.module import load
from tests.support.makers import SPACE, write_pictures

SHORT = ["--generations", "10", "--population", "4", "--block", "2048"]


@pytest.fixture
def ola():
    """Run a command in this process and give its result."""

    def run(*arguments: object, code: int = 0):
        result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture(scope="module")
def run_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of a few generations on the sample, one of each module."""
    parent = tmp_path_factory.mktemp("runs")
    for module in ("encoder", "decoder"):
        arguments = ["train", "--module", module, "--h5", str(sample_path()), *SHORT, "--out", str(parent / module)]
        result = CliRunner().invoke(cli.main, arguments)
        assert result.exit_code == 0, result.output
    return {module: parent / module for module in ("encoder", "decoder")}


def test_train__prints_a_table_beside_the_baselines(ola, tmp_path):
    out = ola("train", "--module", "decoder", "--h5", sample_path(), *SHORT, "--out", tmp_path / "run").output
    for word in ("least_squares", "mean", "teacher", "psnr", "module.safetensors"):
        assert word in out


def test_train__a_pair_with_a_stack_stays_within_its_budget(ola, tmp_path):
    """Long enough that units join and pay."""
    write_pictures(tmp_path / "p.h5", (12, 3, 3), (16, 16))
    given = ("--h5", tmp_path / "p.h5", "--border", 0, "--block", 48, "--passes", 60)
    out = ola("train", "--module", "pair", *given, "--budget", "40KB", "--out", tmp_path / "run").output
    assert "pair on held-out rows" in out
    files = [tmp_path / "run" / name / "module.safetensors" for name in ("encoder", "decoder")]
    assert f"{files[1]} has {files[1].stat().st_size} bytes" in out.replace("\n", "")
    assert sum(file.stat().st_size for file in files) <= 40 << 10
    decoder = load(files[1])
    assert decoder.stored == "float16"  # what stacks and pairs are stored as unless something else is asked for
    given = ("--module", "decoder", "--h5", tmp_path / "p.h5", "--latents-from", files[0], "--out", tmp_path / "own")
    ola("train", *given, "--generations", 1, "--population", 2, "--weights", "float16")
    own = load(tmp_path / "own")
    assert (own.stored, own.space) == ("float16", decoder.space)


@pytest.mark.parametrize(
    ("text", "size"), [("65536", 65536), ("256KB", 256 << 10), ("256k", 256 << 10), ("1.5MB", 3 << 19), ("9B", 9)]
)
def test_bytes__reads_sizes(text, size):
    assert cli.Bytes().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "KB", "much", "10KMB", "nan", "infMB", "1GB"])
def test_bytes__refuses_what_is_no_size(ola, text):
    given = ("train", "--module", "decoder", "--h5", "x.h5", "--budget", text)
    assert "is no size; write 65536, 256KB or 1.5MB" in " ".join(ola(*given, code=2).output.split())


def test_eval__gives_the_promised_json(ola, run_folders):
    for module, keys in (("encoder", {"loss", "r2", "l2", "cosine", "cosine_centered"}), ("decoder", {"psnr"})):
        result = ola("eval", run_folders[module] / "module.safetensors", "--h5", sample_path(), "--json")
        figures = json.loads(result.output)
        assert {"module", "least_squares", "mean"} <= set(figures)
        for row in ("module", "least_squares", "mean"):
            assert keys <= set(figures[row])
        assert figures["mean"]["r2"] == pytest.approx(0, abs=0.2)


def test_eval__fits_the_baselines_anew_where_they_are_missing(ola, run_folders, tmp_path):
    kept = run_folders["decoder"] / "module.safetensors"
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes(kept.read_bytes())
    beside = json.loads(ola("eval", kept, "--h5", sample_path(), "--json").output)
    fitted = json.loads(ola("eval", alone, "--h5", sample_path(), "--json").output)
    assert fitted == beside


def test_encode_then_decode__gives_a_picture_of_the_same_size(ola, run_folders, tmp_path):
    picture = tmp_path / "in.png"
    write_picture(picture, np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8))
    latent, back = tmp_path / "z.npy", tmp_path / "out.png"
    ola("encode", picture, "--encoder", run_folders["encoder"] / "module.safetensors", "-o", latent)
    assert np.load(latent).shape == (4, 5, 7)
    ola("decode", latent, "--decoder", run_folders["decoder"] / "module.safetensors", "-o", back)
    assert read_picture(back).shape == (40, 56, 3)


@pytest.mark.parametrize(
    ("shape", "mode"),
    [((1, 1), "L"), ((9, 30), "LA"), ((794, 1036), "RGB"), ((8, 17), "RGBA"), ((7, 5), "I;16"), ((3, 50), "P")],
)
def test_encode_then_decode__gives_any_picture_back_in_its_size(ola, run_folders, tmp_path, shape, mode):
    picture, latent, back = tmp_path / "in.png", tmp_path / "z.npz", tmp_path / "out.png"
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    (Image.fromarray(levels.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(levels).convert(mode)).save(
        picture
    )
    ola("encode", picture, "--encoder", run_folders["encoder"], "-o", latent)
    assert np.load(latent)["latent"].shape == (4, -(-shape[0] // 8), -(-shape[1] // 8))
    ola("decode", latent, "--decoder", run_folders["decoder"], "-o", back)
    assert read_picture(back).shape == (*shape, 3)


def test_pretrained__stand_in_for_files_and_are_the_default(ola, run_folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "package")
    pretrained.FOLDER.mkdir()
    for kind, folder in run_folders.items():
        (pretrained.FOLDER / f"sd15-{kind}.safetensors").write_bytes((folder / "module.safetensors").read_bytes())
    (pretrained.FOLDER / "sd15-encoder.md").write_text("R2 0.5 on held-out pictures")
    write_picture(Path("in.png"), np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    ola("encode", "in.png", "-o", "z.npy")
    ola("decode", "z.npy", "-o", "out.png")
    np.testing.assert_array_equal(np.load("z.npy"), load(run_folders["encoder"]).encode(read_picture(Path("in.png"))))
    facts = json.loads(ola("inspect", "sd15-encoder", "--json").output)
    assert (facts["kind"], facts["card"]) == ("module, encoder", "R2 0.5 on held-out pictures")
    assert "R2 0.5 on held-out pictures" in ola("inspect", "sd15-encoder").output
    assert "least_squares" in ola("eval", "sd15-decoder", "--h5", sample_path()).output
    ola("precompute", "in.png", "--h5", "own.h5", "--latents-from", "sd15-encoder", "--size", "16")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("encode", "missing.png", "--encoder", "E", "-o", "z.npy"), "is missing"),
        (("encode", "PICTURE", "--encoder", "D", "-o", "z.npy"), "takes a module of kind encoder"),
        (("decode", "missing.npy", "--decoder", "D", "-o", "out.png"), "there is no file"),
        (("decode", "TEXT", "--decoder", "D", "-o", "out.png"), r"is no \.npy or \.npz file"),
        (("decode", "WRONG", "--decoder", "D", "-o", "out.png"), "latents must be .* with 4 channels; got"),
        (("decode", "NAN", "--decoder", "D", "-o", "out.png"), "latents must be finite .*got 1 values"),
        (("decode", "Z", "--decoder", "D", "-o", "TEXT"), "already there"),
        (("eval", "TEXT", "--h5", "SAMPLE"), "is no olacore module"),
        (("eval", "E", "--h5", "TEXT"), "HDF5"),
        (("inspect", "missing.h5"), "cannot read"),
        (
            ("encode", "PICTURE", "--encoder", "E", "-o", "z.png"),
            r"a latent is written as \.npy or \.npz; got 'z\.png'",
        ),
        (
            ("encode", "PICTURE", "--encoder", "sd9-encoder", "-o", "z.npy"),
            "sd9-encoder is no file and no pretrained module",
        ),
        (
            ("decode", "FOREIGN.npz", "--decoder", "D", "-o", "out.png"),
            "the space of someone/tiny .*, the decoder of that of",
        ),
        (("decode", "BATCH", "--decoder", "D", "-o", "out.png"), "holds 2 latents; give one"),
        (("train", "--module", "encoder", "--h5", "SAMPLE", "--resume"), "name the run folder with --out"),
        (("train", "--module", "encoder", "--h5", "SAMPLE", "--strategy", "guess"), "there is no strategy 'guess'"),
        (("train", "--module", "encoder", "--h5", "SAMPLE", "--option", "colour=1"), "has no option 'colour'"),
        (("train", "--module", "encoder", "--h5", "SAMPLE", "--window", "4"), "window must be an odd number"),
        (("train", "--module", "encoder", "--h5", "missing.h5"), "missing.h5"),
        (("train", "--module", "decoder", "--h5", "SAMPLE", "--budget", "-1"), "budget must be at least 1; got -1"),
        (("train", "--module", "decoder", "--h5", "SAMPLE", "--budget", "2KB"), "2048 bytes has no room for a stack"),
        (("train", "--module", "pair", "--h5", "SAMPLE", "--view", "global"), "a pair sees patches; got the view"),
        (
            ("train", "--module", "decoder", "--h5", "SAMPLE", "--latents-from", "D"),
            "from an encoder of the patch view",
        ),
    ],
)
def test_errors__are_one_line_and_exit_code_1(ola, run_folders, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    Path("TEXT").write_text("hello")
    np.save("WRONG.npy", np.zeros((3, 4, 4), np.float32))
    np.save("BATCH.npy", np.zeros((2, 4, 4, 4), np.float32))
    np.save("Z.npy", np.zeros((4, 4, 4), np.float32))
    holed = np.zeros((4, 4, 4), np.float32)
    holed[0, 0, 0] = np.nan
    np.save("NAN.npy", holed)
    write_latent(Path("FOREIGN.npz"), StoredLatent(np.zeros((4, 4, 4), np.float32), SPACE, (30, 30)))
    write_picture(Path("PICTURE.png"), np.zeros((16, 16, 3), np.uint8))
    names = {
        "E": run_folders["encoder"] / "module.safetensors",
        "D": run_folders["decoder"] / "module.safetensors",
        "SAMPLE": sample_path(),
        "PICTURE": "PICTURE.png",
        "WRONG": "WRONG.npy",
        "Z": "Z.npy",
        "BATCH": "BATCH.npy",
        "NAN": "NAN.npy",
    }
    result = ola(*(names.get(argument, argument) for argument in arguments), code=1)
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert re.search(sentence, result.stderr)


def test_usage_errors__exit_with_2(ola):
    ola("train", "--module", "guess", "--h5", "x.h5", code=2)
    ola("train", "--module", "encoder", "--h5", "x.h5", "--time", "soon", code=2)
    ola("train", "--module", "encoder", "--h5", "x.h5", "--option", "sigma", code=2)


def test_inspect__tells_every_kind_of_file(ola, run_folders, tmp_path):
    folder = run_folders["encoder"]
    for name in ("z.npz", "z.npy"):
        write_latent(tmp_path / name, StoredLatent(np.zeros((4, 2, 3), np.float32), SPACE, (16, 20)))
    kinds = {
        sample_path(): "data set, frames and latents",
        folder / "module.safetensors": "module, encoder",
        folder / "checkpoint.h5": "checkpoint",
        folder / "baselines.safetensors": "baselines",
        folder: "run",
        tmp_path / "z.npz": "latent",
        tmp_path / "z.npy": "latent",
    }
    for path, kind in kinds.items():
        assert json.loads(ola("inspect", path, "--json").output)["kind"] == kind
        assert kind in ola("inspect", path).output
    facts = json.loads(ola("inspect", tmp_path / "z.npz", "--json").output)
    assert (facts["fingerprint"], facts["shape"], facts["picture"]) == (SPACE.fingerprint, [4, 2, 3], [16, 20])


def test_demo__writes_pictures_and_a_summary(ola, tmp_path):
    out = tmp_path / "demo"
    ola("demo", "--out", out, "--time", "0.2s")
    summary = json.loads((out / "summary.json").read_text())
    assert set(summary) == {"encoder", "decoder", "stack", "codec"}
    assert {path.name for path in out.iterdir()} >= {"side_by_side.png", "curves.png", "encoder", "decoder", "stack"}
    assert "already holds a demonstration" in ola("demo", "--out", out, "--time", "0.2s", code=1).stderr


def test_signal__saves_the_run_and_exits_with_130(tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, cli.__file__, "train", "--module", "encoder", "--h5", str(sample_path())]
    command += ["--population", "4", "--block", "1024", "--out", str(run)]
    process = subprocess.Popen([*command, "--time", "10m"], stderr=subprocess.PIPE, text=True)
    log = run / "log.jsonl"
    while process.poll() is None and not (log.exists() and log.stat().st_size):
        pass
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert "go on with --resume" in stderr
    done = json.loads(log.read_text().splitlines()[-1])["generation"]
    subprocess.run([*command, "--generations", str(done + 20), "--resume"], check=True, stdout=subprocess.DEVNULL)
    assert json.loads(log.read_text().splitlines()[-1])["generation"] >= done + 10


def test_log_lines__go_to_what_standard_error_is_when_they_come(monkeypatch):
    """So that progress bars, which take its place, make room for them."""
    handler, seen = cli.StandardError(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", seen)
    handler.emit(logging.LogRecord("olacore", logging.INFO, "", 0, "memory plan", None, None))
    assert seen.getvalue() == "memory plan\n"
