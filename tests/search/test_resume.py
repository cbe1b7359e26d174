"""Equal training gives equal bytes, on any number of threads and however often it is interrupted or killed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import ConfigError, FileFormatError, OutputError, OutputExistsError
from olacore.search.checkpoint import load_checkpoint
from olacore.search.resume import difference
from olacore.search.train import train
from tests.support.makers import JIT, make_config, module_bytes, story, threads, write_plain
from tests.support.places import ROOT
from tests.support.searches import assert_same_run, by_line, interrupted, stop_after

needs_jit = pytest.mark.skipif(not JIT, reason="too many products without the JIT")
strategies = pytest.mark.parametrize("strategy", ["rows", "classic"])


# ---------------------------------------------------------------- equal bytes


@strategies
def test_train__equal_training_gives_equal_bytes(plain, tmp_path, strategy):
    for name in ("a", "b"):
        train(make_config(plain, tmp_path / name, strategy=strategy))
    assert_same_run(tmp_path / "a", tmp_path / "b")
    train(make_config(plain, tmp_path / "c", strategy=strategy, seed=1))
    assert module_bytes(tmp_path / "c") != module_bytes(tmp_path / "a")


@strategies
def test_train__same_bytes_for_any_number_of_threads(plain, tmp_path, strategy):
    for count in (1, 2):
        with threads(count):
            train(make_config(plain, tmp_path / str(count), strategy=strategy))
    assert_same_run(tmp_path / "1", tmp_path / "2")


@needs_jit
@pytest.mark.parametrize("module", ["encoder", "decoder"])
def test_train__on_pictures_has_the_same_bytes_for_any_number_of_threads(pictures, tmp_path, module):
    for count in (1, 2):
        with threads(count):
            train(make_config(pictures, tmp_path / str(count), module=module))
    assert_same_run(tmp_path / "1", tmp_path / "2")


@strategies
@pytest.mark.parametrize("stops", [(1,), (5,), (12,), (3, 1, 4), (2, 2, 2, 2, 2)])
def test_train__interrupted_and_resumed_is_the_uninterrupted_run(plain, tmp_path, strategy, stops):
    config = make_config(plain, tmp_path / "whole", strategy=strategy, generations=12)
    train(config)
    interrupted(replace(config, out=tmp_path / "pieces"), stops)
    assert_same_run(tmp_path / "whole", tmp_path / "pieces")


@pytest.mark.parametrize("count", [1, 2])
def test_train__resumed_on_another_number_of_threads_is_the_same_run(plain, tmp_path, count):
    config = make_config(plain, tmp_path / "whole", generations=9)
    with threads(count):
        train(config)
        train(replace(config, out=tmp_path / "pieces"), should_stop=stop_after(5))
    with threads(3 - count):
        train(replace(config, out=tmp_path / "pieces", resume=True))
    assert_same_run(tmp_path / "whole", tmp_path / "pieces")


def test_train__on_few_rows_keeps_the_shrinkage_that_it_chose(tmp_path):
    path = write_plain(tmp_path / "few.h5", 40, inputs=12, noise=0.5)
    config = make_config(path, tmp_path / "whole", generations=8)
    whole = train(config)
    assert whole.module.training["options"]["shrinkage"] > 0
    interrupted(replace(config, out=tmp_path / "pieces"), (3, 2))
    assert_same_run(tmp_path / "whole", tmp_path / "pieces")


def test_train__with_fewer_generations_than_it_has_says_so(plain, tmp_path, caplog):
    config = make_config(plain, tmp_path / "run", generations=4)
    before = train(config).module.weights
    assert "generations" not in caplog.text
    after = train(replace(config, resume=True, generations=3))
    assert f"{tmp_path / 'run'} has 4 generations, and 3 are asked for: none is added" in caplog.text
    assert after.stopped == "generations"
    np.testing.assert_array_equal(after.module.weights, before)


def test_train__a_finished_run_can_go_on(plain, tmp_path):
    config = make_config(plain, tmp_path / "whole", generations=11)
    train(config)
    train(replace(config, out=tmp_path / "pieces", generations=4))
    assert train(replace(config, out=tmp_path / "pieces", resume=True)).stopped == "generations"
    assert_same_run(tmp_path / "whole", tmp_path / "pieces")
    before = module_bytes(tmp_path / "pieces")
    train(replace(config, out=tmp_path / "pieces", resume=True))  # nothing is left to do
    assert module_bytes(tmp_path / "pieces") == before


CHILD = """
import sys
from pathlib import Path

import numba

import olacore.search.loop
import olacore.search.train
from tests.support.makers import make_config
from tests.support.searches import by_line

h5, out, threads = sys.argv[1:]
numba.set_num_threads(int(threads))
olacore.search.loop.CHECKPOINT_SECONDS = -1  # after every generation


def progress(line):
    if line["generation"] == 6:
        print("here", flush=True)
        sys.stdin.read()  # until killed, the sixth line written and the sixth checkpoint not


olacore.search.train.train(make_config(Path(h5), Path(out), generations=10), (by_line(progress),))
"""


@pytest.mark.parametrize("count", [1, 2])
def test_train__killed_and_resumed_is_the_uninterrupted_run(plain, tmp_path, count):
    killed = tmp_path / "killed"
    with threads(count):
        train(make_config(plain, tmp_path / "whole", generations=10))
    command = [sys.executable, "-c", CHILD, plain, killed, str(count)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(command, stdin=-1, stdout=-1, env=environment) as child:
        assert child.stdout.readline() == b"here\n"
        child.kill()
    assert load_checkpoint(killed / "checkpoint.safetensors")[1]["generation"] == 5
    assert [line["generation"] for line in story(killed)] == [1, 2, 4, 6]
    assert not (killed / "module.safetensors").exists()
    with threads(count):
        train(make_config(plain, killed, generations=10, resume=True))
    assert_same_run(tmp_path / "whole", killed)


def test_train__killed_before_its_first_checkpoint_starts_again(plain, tmp_path):
    def kill(line):
        if line["generation"] == 4:
            raise KeyboardInterrupt

    config = make_config(plain, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train(config, (by_line(kill),))
    with (tmp_path / "run" / "log.jsonl").open("a") as log:
        log.write('{"generation": 6, "sec')
    train(replace(config, resume=True))
    train(replace(config, out=tmp_path / "whole"))
    assert_same_run(tmp_path / "whole", tmp_path / "run")


def test_train__resume_without_a_run_starts_one(plain, tmp_path):
    train(make_config(plain, tmp_path / "run", resume=True))
    train(make_config(plain, tmp_path / "whole"))
    assert_same_run(tmp_path / "whole", tmp_path / "run")


@pytest.mark.parametrize("fault", [(Path, "replace"), (os, "fsync")])
def test_train__a_checkpoint_that_cannot_be_written_leaves_the_one_before(plain, tmp_path, monkeypatch, fault):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    def progress(line):
        if line["generation"] == 4:
            fails.setattr(*fault, full)

    monkeypatch.setattr("olacore.search.loop.CHECKPOINT_SECONDS", -1)
    config = make_config(plain, tmp_path / "run")
    with (
        monkeypatch.context() as fails,
        pytest.raises(OutputError, match=r"cannot write .*checkpoint.safetensors: No space left on device"),
    ):
        train(config, (by_line(progress),))
    assert load_checkpoint(tmp_path / "run" / "checkpoint.safetensors")[1]["generation"] == 3
    train(replace(config, resume=True))
    train(replace(config, out=tmp_path / "whole"))
    assert_same_run(tmp_path / "whole", tmp_path / "run")


# ---------------------------------------------------------------- resume, force and the run folder


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("seed", 3, "with seed 0, not 3; give --seed 0 to go on with it"),
        ("population", 5, "with population 4, not 5; give --population 4 to"),
        ("block", 32, "with block 64, not 32; give --block 64 to"),
        ("strategy", "classic", "with strategy 'rows', not 'classic'; give --strategy rows to"),
        ("options", {"audit": 9}, "with options {}, not {'audit': 9}; leave --option out to"),
        ("report_every", 3, "with report_every 2, not 3; go on as it was started"),
        ("skip_nonfinite", True, "without skip_nonfinite; leave --skip-nonfinite out to"),
    ],
)
def test_resume__with_another_setting_names_both_values(plain, tmp_path, name, value, sentence):
    config = make_config(plain, tmp_path / "run", generations=2)
    train(config)
    before = module_bytes(tmp_path / "run")
    with pytest.raises(ConfigError, match=f"was started {sentence}"):
        train(replace(config, resume=True, **{name: value}))
    assert module_bytes(tmp_path / "run") == before


@pytest.mark.parametrize(
    ("name", "then", "remedy"),
    [
        ("options", {"audit": 9, "decay": 0.5}, "give --option audit=9 --option decay=0.5 to"),
        ("output_weights", [1.0, 2.0], "give --output-weights 1.0,2.0 to"),
        ("skip_nonfinite", True, "give --skip-nonfinite to"),
        ("generations", 20000, "with generations 20000; give --generations 20000 to"),
        ("seed", 0, "with seed 0; give --seed 0 to"),
        ("stack", None, "without stack; leave --stack out to"),
    ],
)
def test_resume__says_which_option_to_give(name, then, remedy):
    assert remedy in difference(name, then, None)


def test_resume__with_other_data_names_both_digests(plain, tmp_path):
    config = make_config(plain, tmp_path / "run", generations=2)
    train(config)
    other = write_plain(tmp_path / "other.h5", seed=5)
    with open_dataset(plain) as a, open_dataset(other) as b:
        sentence = f"was started with other data: {a.digest()[:12]}, not {b.digest()[:12]}; give those"
    with pytest.raises(ConfigError, match=sentence):
        train(replace(config, h5=(other,), resume=True))


def test_resume__limits_may_change(plain, tmp_path):
    config = make_config(plain, tmp_path / "run", generations=2)
    train(config)
    result = train(replace(config, resume=True, generations=None, passes=2, patience=7))
    assert result.stopped == "passes"


def test_resume__refuses_a_damaged_checkpoint(plain, tmp_path):
    config = make_config(plain, tmp_path / "run", generations=2)
    train(config)
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(FileFormatError, match=r"checkpoint.safetensors is damaged"):
        train(replace(config, resume=True))


def test_train__an_existing_run_needs_resume_or_force(plain, tmp_path):
    config = make_config(plain, tmp_path / "run", generations=2)
    train(config)
    before = module_bytes(tmp_path / "run")
    with pytest.raises(OutputExistsError, match=r"run already holds a run; give --resume or --force"):
        train(config)
    assert module_bytes(tmp_path / "run") == before
    train(replace(config, force=True, generations=4))
    assert [line["generation"] for line in story(tmp_path / "run")] == [1, 2, 4]


def test_train__force_on_data_that_cannot_be_used_keeps_the_old_run(plain, tmp_path):
    config = make_config(plain, tmp_path / "run", generations=2)
    train(config)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(FileFormatError, match="missing"):
        train(replace(config, h5=(tmp_path / "typo.h5",), force=True))
    with pytest.raises(ConfigError, match="a pair is evolved by the error of pictures"):
        train(replace(config, module="pair", population=None, force=True, out=tmp_path / "run"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_train__without_a_folder_takes_the_next_free_one(plain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = replace(make_config(plain, tmp_path, generations=1), out=None)
    assert [train(config).folder for _ in range(2)] == [Path("runs/plain-0001"), Path("runs/plain-0002")]


def test_train__names_a_run_folder_that_cannot_be_written(plain, tmp_path):
    with pytest.raises(OutputError, match="cannot write into .*plain.h5: it is no folder"):
        train(make_config(plain, plain))
