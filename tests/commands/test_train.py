"""`ola train`, and what a signal leaves behind."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cli
from olacore.data.sample import sample_path
from olacore.modules.module import load
from tests.support.command import SHORT, check_refusal, ola
from tests.support.makers import write_pairs, write_pictures


def test_train__prints_a_table_beside_the_baselines(tmp_path):
    out = ola("train", "--module", "decoder", "--h5", sample_path(), *SHORT, "--out", tmp_path / "run").output
    for word in ("least_squares", "mean", "teacher", "psnr", "module.safetensors"):
        assert word in out


def test_train__a_pair_with_a_stack_stays_within_its_budget(tmp_path):
    """Long enough that units join and pay."""
    write_pictures(tmp_path / "p.h5", (12, 3, 3), (16, 16))
    given = ("--h5", tmp_path / "p.h5", "--border", 0, "--block", 48, "--passes", 60)
    out = ola("train", "--module", "pair", *given, "--budget", "40KB", "--out", tmp_path / "run").output
    assert "decoder on held-out samples" in out
    files = [tmp_path / "run" / name / "module.safetensors" for name in ("encoder", "decoder")]
    assert f"{files[1]} has {files[1].stat().st_size} bytes" in out.replace("\n", "")
    assert sum(file.stat().st_size for file in files) <= 40 << 10
    decoder = load(files[1])
    assert decoder.stored == "float16"  # what stacks and pairs are stored as unless something else is asked for
    given = ("--module", "decoder", "--h5", tmp_path / "p.h5", "--latents-from", files[0], "--out", tmp_path / "own")
    ola("train", *given, "--generations", 1, "--population", 2, "--weights", "float16")
    own = load(tmp_path / "own")
    assert (own.stored, own.space) == ("float16", decoder.space)


def test_train__says_where_nothing_was_learned(tmp_path):
    numbers = np.random.default_rng(0)
    inputs, noise = numbers.normal(size=(600, 6)), numbers.normal(0, 0.2, (600, 3))
    for name, targets, learned in (("noise", noise, False), ("map", inputs[:, :3] / 5, True)):
        write_pairs(tmp_path / f"{name}.h5", inputs.astype("f4"), targets.astype("f4"))
        given = ("--h5", tmp_path / f"{name}.h5", "--population", 2, "--generations", 3, "--out", tmp_path / name)
        assert ("no better than the mean of the targets" in ola("train", *given).output) != learned


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--module", "encoder", "--resume"), "name the run folder with --out"),
        (("--module", "encoder", "--strategy", "guess"), "there is no strategy 'guess'"),
        (("--module", "encoder", "--option", "colour=1"), "has no option 'colour'"),
        (("--module", "decoder", "--window", "4"), "window must be an odd number"),
        (("--module", "encoder", "--h5", "missing.h5"), "missing.h5"),
        (("--module", "decoder", "--budget", "-1"), "budget must be at least 1; got -1"),
        (("--module", "decoder", "--budget", "2KB"), "2048 bytes has no room for a stack"),
        (("--module", "pair", "--view", "global"), "there is no view of the pair 'global'; there are patch"),
        (("--module", "decoder", "--latents-from", "D"), "from an encoder of the patch view"),
    ],
)
def test_errors__are_one_line_and_exit_code_1(folder, arguments, sentence):
    check_refusal(sentence, "train", "--h5", sample_path(), *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--module", "guess"),
        ("--module", "encoder", "--time", "soon"),
        ("--module", "encoder", "--option", "sigma"),
        ("--module", "decoder", "--budget", "1GB"),
    ],
)
def test_usage_errors__exit_with_2(arguments):
    ola("train", "--h5", "x.h5", *arguments, code=2)


@pytest.mark.parametrize(
    "command", [("train", "--h5", "x.h5"), ("train", "--h5", "x.h5", "--islands", "2"), ("play", "snake")]
)
def test_resume__of_a_folder_that_is_not_there_is_refused(tmp_path, command):
    (tmp_path / "photos-1").mkdir()
    sentence = r"photo-1 \(did you mean photos-1\?\); without --resume a run begins there\."
    check_refusal(sentence, *command, "--resume", "--out", tmp_path / "photo-1")
    assert [path.name for path in tmp_path.iterdir()] == ["photos-1"]


@pytest.mark.parametrize(("number", "word", "code"), [("SIGINT", "interrupted", 130), ("SIGTERM", "terminated", 143)])
def test_signal__saves_the_run_and_says_how_to_go_on(tmp_path: Path, number: str, word: str, code: int):
    run = tmp_path / "run"
    data = write_pictures(tmp_path / "p.h5", (6, 2, 2), (24, 16))
    command = [sys.executable, cli.__file__, "train", "--module", "encoder", "--border", "0", "--h5", str(data)]
    command += ["--population", "4", "--block", "64", "--out", str(run)]
    process = subprocess.Popen([*command, "--time", "10m"], stderr=subprocess.PIPE, text=True)
    log = run / "log.jsonl"
    while process.poll() is None and not (log.exists() and log.stat().st_size):
        pass
    process.send_signal(signal.Signals[number])
    _, stderr = process.communicate()
    assert process.returncode == code
    assert stderr.endswith(f"\n{word}: the run is saved in {run}; go on with the same command and --resume\n")
    done = json.loads(log.read_text().splitlines()[-1])["generation"]
    subprocess.run([*command, "--generations", str(done + 20), "--resume"], check=True, stdout=subprocess.DEVNULL)
    assert json.loads(log.read_text().splitlines()[-1])["generation"] >= done + 10
