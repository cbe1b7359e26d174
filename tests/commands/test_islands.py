"""`ola train` with islands: all of them, one by hand, and what does not go together."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

import cli
from olacore.data.sample import sample_path
from olacore.strategies import STRATEGIES, Rows
from tests.support.command import check_refusal, ola
from tests.support.islanders import Sailing
from tests.support.makers import module_bytes, write_plain

needs_rows = pytest.mark.skipif(Rows.exchanges is None, reason="rows send no migrants")


@pytest.fixture
def asked(tmp_path):
    data = write_plain(tmp_path / "plain.h5")
    return ("train", "--h5", data, "--population", 4, "--block", 64, "--generations", 8)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--island", "1/2"), "an island that is started alone needs --exchange"),
        (("--exchange", "x"), "--exchange is for islands; give --islands too, or --island"),
        (("--every", 5), "--every is for islands"),
        (("--every", 0), "--every is for islands"),
        (("--free",), "--free is for islands"),
        (("--graph", "x"), "--graph is for islands"),
        (
            ("--islands", 2, "--island", "1/2", "--exchange", "x"),
            "--islands starts them all and --island is one of them",
        ),
        (("--islands", 2, "--log-to", "tensorboard"), "--log-to follows one search; give it to each --island"),
    ],
)
def test_options__that_do_not_go_together_are_wrong_usage(asked, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert sentence in ola(*asked, *arguments, code=2).stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--islands", 0), "there may be 1 to 1000 islands; got 0"),
        (("--island", "5/4", "--exchange", "x"), "islands of 4 have the numbers 1 to 4; got 5"),
        (("--island", "0/4", "--exchange", "x"), "islands of 4 have the numbers 1 to 4; got 0"),
        (("--islands", 2, "--graph", "none.json"), r"cannot read the graph none\.json"),
        (("--islands", 2, "--graph", '{"3": [1]}'), "the graph names island 3; there are 1 to 2"),
        (("--islands", 2, "--time", "5s"), "islands in lockstep stop by no clock: give --generations"),
        (("--islands", 2, "--resume"), "name the run folder with --out"),
        (("--islands", 2, "--strategy", "classic"), "islands need a strategy that sends migrants"),
        (
            ("--island", "1/2", "--exchange", "nowhere", "--strategy", "sailing"),
            "the exchange folder nowhere is missing",
        ),
    ],
)
def test_errors__are_one_line_and_exit_code_1(asked, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.setitem(STRATEGIES, Sailing.name, Sailing)
    monkeypatch.chdir(tmp_path)
    check_refusal(sentence, *asked, *arguments)


def test_errors__without_a_limit_there_is_no_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_refusal(
        "islands in lockstep stop by no clock", "train", "--module", "encoder", "--h5", sample_path(), "--islands", 2
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("which", ["1", "a/b", "1/2/3", "-1/2", "1/"])
def test_usage_errors__exit_with_2(asked, which):
    assert "is no island; write 2/8" in ola(*asked, "--island", which, code=2).stderr


def test_island__by_hand_is_a_run_of_its_own(asked, tmp_path, monkeypatch):
    monkeypatch.setitem(STRATEGIES, Sailing.name, Sailing)
    (tmp_path / "exchange").mkdir()
    given = ("--strategy", "sailing", "--exchange", tmp_path / "exchange", "--graph", '{"2": [1]}', "--every", 3)
    for number in (1, 2):
        out = ola(*asked, *given, "--island", f"{number}/2", "--out", tmp_path / str(number)).output
        assert "stopped by generations" in out
    assert sorted(path.name for path in (tmp_path / "exchange" / "island-1").iterdir()) == [
        "000001.safetensors",
        "000002.safetensors",
        "ended.safetensors",
        "saved.safetensors",
    ]


@needs_rows
def test_islands__end_in_a_table_and_the_best_module(asked, tmp_path):
    given = ("--every", 2, "--islands", 2, "--out", tmp_path / "run")
    out = ola(*asked, *given).output
    for word in ("validation loss", "taken", "stopped by", "of island", "module.safetensors is the module of island"):
        assert word in out
    found = json.loads(ola(*asked, *given, "--resume", "--json").stdout)
    assert [island["generations"] for island in found["islands"]] == [8, 8]
    best = found["best"]["island"]
    assert module_bytes(tmp_path / "run") == module_bytes(tmp_path / "run" / f"island-{best}")


@needs_rows
def test_islands__ctrl_c_saves_all_and_says_how_to_go_on(asked, tmp_path):
    run, command = tmp_path / "run", [sys.executable, cli.__file__, *map(str, asked)]
    command += ["--islands", "2", "--every", "5", "--out", str(run), "--generations"]
    process = subprocess.Popen([*command, "1000000"], stderr=subprocess.PIPE, text=True)
    logs = [run / f"island-{number}" / "log.jsonl" for number in (1, 2)]
    while process.poll() is None and not all(log.exists() and log.stat().st_size for log in logs):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr.endswith(f"interrupted: the islands are saved in {run}; go on with the same command and --resume\n")
    done = max(json.loads(log.read_text().splitlines()[-1])["generation"] for log in logs)
    subprocess.run([*command, str(done + 50), "--resume"], check=True, stdout=subprocess.DEVNULL)
    assert module_bytes(run)
