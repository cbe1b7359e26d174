"""Studies of several seeds, in this process and in others."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from olacore.commands.seeds import print_study
from olacore.errors import ConfigError, DataError, OutputError, OutputExistsError
from olacore.search.backends import Local
from olacore.search.run_folder import held
from olacore.search.seeds import SeedRun, Study, run_seed, seconds_in, train_seeds
from olacore.search.train import train
from tests.support.command import ola
from tests.support.makers import make_config, write_plain

MODULE = "module.safetensors"


def asked(folder, **settings):
    return make_config(write_plain(folder / "p.h5"), folder / "study", generations=4, **settings)


def test_train_seeds__gives_what_each_seed_gives_alone(tmp_path):
    config = asked(tmp_path)
    told = []
    study = train_seeds(config, (3, 0), told=told.append)
    assert told == [*study.runs]
    assert [run.seed for run in study.runs] == [3, 0]
    for run in study.runs:
        alone = train(replace(config, seed=run.seed, out=tmp_path / f"alone{run.seed}"))
        assert (run.folder / MODULE).read_bytes() == (alone.folder / MODULE).read_bytes()
        assert run.validation_loss == alone.module.training["validation_loss"]
        assert run.held_out["held-out"]["loss"] == alone.figures["module"]["loss"]
        assert run.seconds == seconds_in(run.folder) > 0
    assert study.best.validation_loss == min(run.validation_loss for run in study.runs)
    assert study.medians["validation_loss"] == pytest.approx(sum(run.validation_loss for run in study.runs) / 2)


def test_train_seeds__processes_give_the_same_and_a_seed_that_fails_stops_no_other(tmp_path):
    config = asked(tmp_path)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "seed-1").write_text("no folder")
    here = train_seeds(config, (0, 1, 2))
    processes = train_seeds(replace(config, out=tmp_path / "processes"), (0, 1, 2), workers=2)
    assert [run.stopped for run in here.runs] == ["generations", "failed", "generations"]
    assert "seed-1: it is no folder" in here.runs[1].error
    assert [run.stopped for run in processes.runs] == ["generations"] * 3
    for one, other in zip(here.done, (processes.runs[0], processes.runs[2]), strict=True):
        assert (one.folder / MODULE).read_bytes() == (other.folder / MODULE).read_bytes()


def test_train_seeds__goes_on_where_it_was_stopped(tmp_path):
    config = asked(tmp_path)
    whole = train_seeds(replace(config, out=tmp_path / "whole"), (0, 1, 2))
    asked_times = 0

    def after_a_while():
        nonlocal asked_times
        asked_times += 1
        return asked_times > 7  # in the middle of the second seed

    parts = train_seeds(config, (0, 1, 2), should_stop=after_a_while)
    assert [run.stopped for run in parts.runs] == ["generations", "interrupted"]
    assert [run.seed for run in parts.done] == [0]
    with pytest.raises(OutputExistsError, match="already holds a run; give --resume or --force"):
        train_seeds(config, (0, 1, 2))
    resumed = train_seeds(replace(config, resume=True), (0, 1, 2))
    for one, other in zip(whole.runs, resumed.runs, strict=True):
        assert (one.folder / MODULE).read_bytes() == (other.folder / MODULE).read_bytes()
        assert (one.validation_loss, one.held_out) == (other.validation_loss, other.held_out)
    longer = train_seeds(replace(config, force=True, generations=5), (0,))
    assert json.loads((longer.runs[0].folder / "log.jsonl").read_text().splitlines()[-1])["generation"] == 4
    assert longer.runs[0].stopped == "generations"


def test_train_seeds__a_forced_study_loses_nothing_where_the_data_are_missing(tmp_path):
    config = asked(tmp_path)
    train_seeds(config, (0,))
    before = (tmp_path / "study" / "seed-0" / MODULE).read_bytes()
    with pytest.raises(OSError, match=r"missing\.h5"):
        train_seeds(replace(config, h5=(tmp_path / "missing.h5",), force=True), (0,))
    assert (tmp_path / "study" / "seed-0" / MODULE).read_bytes() == before


def test_train_seeds__a_forced_study_takes_nothing_from_a_run_that_goes_on(tmp_path):
    config = asked(tmp_path)
    train_seeds(config, (0, 1))
    with held(tmp_path / "study" / "seed-1"), pytest.raises(OutputError, match="is being written by another process"):
        train_seeds(replace(config, force=True), (0, 1))
    for seed in (0, 1):
        assert (tmp_path / "study" / f"seed-{seed}" / MODULE).is_file()


def test_train_seeds__says_what_is_wrong(tmp_path):
    config = asked(tmp_path)
    with pytest.raises(ConfigError, match="seeds must be different ones, at least one; got 1, 1"):
        train_seeds(config, (1, 1))
    with pytest.raises(ConfigError, match="at least one; got none"):
        train_seeds(config, ())
    with pytest.raises(ConfigError, match="there is no backend 'moon'"):
        train_seeds(config, (0,), "moon")
    with pytest.raises(ConfigError, match="the backend local has no option 'address'; there are: workers"):
        train_seeds(config, (0,), address="auto")


def test_study__has_medians_of_what_is_finite():
    held_out = [{"held-out": {"r2": value}} for value in (0.5, math.nan, 0.7)]
    runs = [SeedRun(k, Path(f"{k}"), "time", 1.0 / (k + 1), 0.1 * k, 2.0, each) for k, each in enumerate(held_out)]
    failed = SeedRun(9, Path("9"), "failed", error="no room")
    study = Study(Path(), (*runs, failed))
    assert study.medians["validation_loss"] == 0.5
    assert study.medians["held_out"] == {"held-out": {"r2": 0.6}}
    assert study.best is runs[2]
    assert study.to_dict()["seeds"][3] == {"seed": 9, "folder": "9", "stopped": "failed", "error": "no room"}
    assert Study(Path(), (failed,)).best is None


def die(payload, should_stop):
    import os
    import signal

    if payload:
        os.kill(os.getpid(), signal.SIGKILL)
    return payload


def test_local__a_process_that_dies_is_an_outcome():
    found = dict(Local(1).outcomes(die, (0, 1)))
    assert found[0] == 0 or isinstance(found[0], DataError)
    assert isinstance(found[1], DataError)


def wait_for_stop(payload, should_stop):
    payload.touch()
    while not should_stop():
        pass
    return payload


def test_local__workers_hear_of_a_stop_and_begin_nothing_after_it(tmp_path):
    places = [tmp_path / name for name in "abcd"]  # of which the pool hands out the second ahead
    assert dict(Local(1).outcomes(wait_for_stop, places, places[0].exists)) == {0: places[0]}
    assert [*tmp_path.iterdir()] == places[:1]


def test_command__prints_a_table_and_json(tmp_path):
    config = asked(tmp_path)
    given = ("train", "--h5", config.h5[0], "--generations", 4, "--population", 4)
    table = ola(*given, "--seeds", "0,2-3", "--out", tmp_path / "table")
    assert "3 seeds in" in table.stdout.replace("\n", "")
    assert "median" in table.stdout
    assert "is the best on validation samples" in table.stdout
    assert table.stderr.count("validation loss") == 3
    told = json.loads(ola(*given, "--seeds", "0,2-3", "--json", "--out", tmp_path / "json").stdout)
    assert [run["seed"] for run in told["seeds"]] == [0, 2, 3]
    assert told["best_seed"] in (0, 2, 3)
    (tmp_path / "failing").mkdir()
    (tmp_path / "failing" / "seed-2").write_text("no folder")
    failing = ola(*given, "--seeds", "0,2", "--out", tmp_path / "failing", code=1)
    assert "seed 2 failed: cannot write into" in failing.stderr
    assert "error: 1 of 2 seeds failed; go on with the same command and --resume" in failing.stderr


def test_print_study__fits_a_page_and_says_whose_notes_they_are(capsys):
    figures = {"loss": 0.123456, "r2": -0.123456, "l2": 1.123456, "cosine": 0.5, "cosine_centered": 0.5, "psnr": 20.5}
    for parts in (("held-out",), ("held-out", "unseen")):
        held_out = dict.fromkeys(parts, figures)
        runs = [
            SeedRun(seed, Path(f"seed-{seed}"), "generations", 0.123456, -0.12345, 12345.678, held_out, notes)
            for seed, notes in ((1000, ("few",)), (1001, ("few", "poor")), (1002, ()))
        ]
        print_study(Study(Path("study"), tuple(runs)))
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 100
        assert "held-out" in out
        assert out.endswith("seeds 1000, 1001: few\nseed 1001: poor\n")


def test_command__says_what_does_not_go_together(tmp_path):
    given = ("train", "--h5", tmp_path / "p.h5")
    for sentence, *more in (
        ("'7-0' must be 1 to 10000 seeds, from the lower to the higher", "--seeds", "7-0"),
        ("'0-99999' must be 1 to 10000 seeds", "--seeds", "0-99999"),
        ("'a' is no list of seeds; write 0-7 or 0,3,5", "--seeds", "a"),
        ("'0-2,1' names a seed twice", "--seeds", "0-2,1"),
        ("--seed and --seeds exclude each other", "--seeds", "0-2", "--seed", "1"),
        ("--log-to is for a single run", "--seeds", "0-2", "--log-to", "wandb"),
        ("--backend is for several searches; give --seeds or --islands too", "--backend", "ray"),
        ("--seeds and islands exclude each other", "--seeds", "0-2", "--islands", "2"),
        ("islands take no --workers: all islands run at once", "--islands", "2", "--workers", "2"),
        ("islands take no --address: only --backend ray has one", "--islands", "2", "--address", "auto"),
        ("--address is for --backend ray", "--seeds", "0", "--address", "auto"),
        ("-1 is not in the range x>=1", "--seeds", "0", "--workers", "-1"),
    ):
        assert sentence in ola(*given, *more, code=2).output.replace("\n", " ")


def test_run_seed__is_idempotent(tmp_path):
    config = asked(tmp_path)
    assert run_seed(config) == run_seed(config)
