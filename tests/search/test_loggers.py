"""Loggers: what a service keeps is what the log says, live and replayed; one that fails changes nothing."""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.sample import sample_path
from olacore.errors import ConfigError, FileFormatError, OutputError
from olacore.modules.module import load
from olacore.search.loggers import LOGGERS, Logger, LogTo, replay
from olacore.search.loggers.base import held_out_of, scalars_of
from olacore.search.loggers.pictures import sample_picture
from olacore.search.observers import Finished, Reported, Started
from olacore.search.run_folder import RunFolder
from olacore.search.run_log import timed_log
from olacore.search.train import train
from tests.support.log_services import READERS
from tests.support.makers import make_config, write_plain
from tests.support.searches import assert_same_run, stop_after

SERVICES = [*READERS]


@pytest.fixture(scope="module", autouse=True)
def stay_here(tmp_path_factory):
    """No service beyond this machine is called, and none keeps anything outside the tests' folders."""
    patch = pytest.MonkeyPatch()
    place = tmp_path_factory.mktemp("services")
    for name, value in {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "TRACKIO_DIR": str(place)}.items():
        patch.setenv(name, value)
    patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    patch.setattr(sys, "exit", sys.exit)  # wandb leaves one of its own behind
    for name in ("MLFLOW_TRACKING_URI", "WANDB_DIR", "TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL"):
        patch.delenv(name, raising=False)
    connect = socket.socket.connect

    def refuse(self, address):
        assert self.family == getattr(socket, "AF_UNIX", None), f"a connection to {address}"
        return connect(self, address)

    patch.setattr(socket.socket, "connect", refuse)
    yield
    import wandb

    wandb.teardown()
    patch.undo()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_plain(tmp_path_factory.mktemp("data") / "plain.h5")


@pytest.fixture(scope="module")
def bare(data, tmp_path_factory):
    """A run without loggers."""
    folder = tmp_path_factory.mktemp("bare") / "run"
    train(make_config(data, folder))
    return folder


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def kept(service, run, place):
    """What a service has: of a place, or of the run itself."""
    if service == "tensorboard":
        return READERS[service](Path(place, run.name) if place else run / "tensorboard")
    return READERS[service](run if service == "wandb" else place)


def expected(run):
    """By step what a service has to have: the log, and the held-out figures at its last step."""
    found = {line["generation"]: scalars_of(line) for line, _ in timed_log(run)}
    found[max(found)] |= held_out_of(load(run / "module.safetensors").training)
    return found


def assert_same_numbers(found, wanted):
    assert found.keys() == wanted.keys()
    for step, numbers in wanted.items():
        assert found[step] == pytest.approx(numbers, rel=1e-6), step


# ---------------------------------------------------------------- what a service keeps


@pytest.mark.parametrize("service", SERVICES)
def test_log_to__a_service_has_the_log_and_the_run_is_as_without(data, bare, service, caplog, capfd):
    run = Path("run")
    with LogTo(f"{service}=live") as log:
        train(make_config(data, run), (log,))
    assert_same_run(bare, run)
    assert json.loads((run / "config.json").read_text()) == json.loads((bare / "config.json").read_text())
    found = kept(service, run, "live")
    assert_same_numbers(found.scalars, expected(run))
    assert found.settings["data"] == load(run / "module.safetensors").training["data"]
    assert {"strategy", "seed", "versions.olacore", "versions.numpy"} <= found.settings.keys()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("service", SERVICES)
def test_replay__says_the_same_at_the_times_of_the_log(bare, service, tmp_path):
    run = tmp_path / "again"
    run.mkdir()
    for name in ("config.json", "log.jsonl", "module.safetensors"):
        (run / name).write_bytes((bare / name).read_bytes())
    for name in ("log.jsonl", "module.safetensors"):
        os.utime(run / name, (2e9, 2e9))
    lines = timed_log(run)
    assert replay(run, [f"{service}=replayed"]) == len(lines)
    found = kept(service, run, "replayed")
    assert_same_numbers(found.scalars, expected(run))
    if service != "trackio":  # which keeps its own times
        assert found.walls == pytest.approx({line["generation"]: wall for line, wall in lines}, abs=1e-3)
    assert max(wall for _, wall in lines) == 2e9


def test_tensorboard__of_a_run_replaces_what_was_there(bare):
    for _ in range(2):
        replay(bare, ["tensorboard=here"])
    assert_same_numbers(kept("tensorboard", bare, "here").scalars, expected(bare))


@pytest.mark.parametrize("service", SERVICES)
def test_logger__takes_a_picture(tmp_path, bare, service):
    """What `sample_picture` makes of an encoder."""
    pixels = sample_picture(load("sd15-encoder"))
    logger = LOGGERS[service]("pictures")
    logger.prepare()
    run = replace(run_of(tmp_path / "run"), settings={"seed": 1})
    logger.begin(run)
    logger.log([(3, 1.0, {"train/loss": 0.5})])
    logger.picture(3, 1.0, "sample", pixels)
    logger.end(True)
    assert kept(service, run.folder, "pictures").pictures == 1


def run_of(folder):
    from olacore.search.loggers import Run

    folder.mkdir()
    return Run.of(folder, {})


def test_sample_picture__shows_encoders_and_decoders_of_the_samples_latents():
    with open_dataset([sample_path()]) as sample:
        side = sample.size[0]
    for name, columns in {"sd15-encoder": 5, "sd15-decoder": 2}.items():
        pixels = sample_picture(load(name))
        assert pixels.dtype == np.uint8
        assert 3 * side < pixels.shape[0] < 4 * side
        assert columns * side < pixels.shape[1] < (columns + 1) * side
    assert sample_picture(load("codec4-decoder")) is None


def test_mlflow__opens_a_folder_without_being_told_so(bare, monkeypatch):
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    replay(bare, ["mlflow=folder"])
    assert "MLFLOW_ALLOW_FILE_STORE" not in os.environ
    assert Path("mlruns").is_dir()


# ---------------------------------------------------------------- loggers that fail


class Recorder(Logger):
    """Keeps what it is told in `told`, and does in `fails` what a test wants."""

    name = "recorder"
    package = "json"
    told: list
    fails: dict

    def _tell(self, what, *arguments):
        self.told.append((what, *arguments))
        if what in self.fails:
            self.fails[what]()

    def prepare(self):
        self._tell("prepare")

    def begin(self, run):
        self._tell("begin", run)

    def log(self, entries):
        self._tell("log", entries)

    def picture(self, *picture):
        self._tell("picture", *picture)

    def end(self, finished):
        self._tell("end", finished)


@pytest.fixture
def recorder(monkeypatch):
    class Fresh(Recorder):
        told: list = []  # noqa: RUF012
        fails: dict = {}  # noqa: RUF012

    monkeypatch.setitem(LOGGERS, "recorder", Fresh)
    return Fresh


def fail(error):
    def now():
        raise error

    return now


FULL, CUT_OFF = OSError(errno.ENOSPC, "No space left on device"), ConnectionError("no network")


@pytest.mark.parametrize(
    ("what", "error"), [("prepare", CUT_OFF), ("begin", CUT_OFF), ("log", FULL), ("log", SystemExit(1)), ("end", FULL)]
)
def test_log_to__a_logger_that_fails_is_told_of_once_and_changes_nothing(data, bare, recorder, caplog, what, error):
    recorder.fails[what] = fail(error)
    with LogTo("recorder") as log:
        train(make_config(data, Path("run")), (log,))
    assert_same_run(bare, Path("run"))
    (told,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told.startswith("nothing more is logged to recorder: ")
    assert str(error) in told


def test_log_to__leaves_one_that_failed_out_of_the_next_run(recorder, caplog):
    recorder.fails["begin"] = fail(OSError("gone"))
    with LogTo("recorder") as log:
        for name in ("one", "two"):
            folder = started(log, name)
            log._open and log._open[0].wait(0)
            log(Finished("time", load("sd15-encoder"), folder))
            for sender in log._closing:
                assert sender.wait(10)
    assert [what for what, *_ in recorder.told] == ["prepare", "begin"]
    assert len(caplog.records) == 1


def started(log, name):
    folder = RunFolder(Path(name), resume=False, force=False)
    folder.write_config({"seed": 1})
    log(Started("plain", folder.path, {}, {}))
    return folder.path


def test_log_to__waits_so_long_for_a_logger_that_hangs_and_no_longer(data, bare, recorder, caplog):
    free = threading.Event()
    recorder.fails["log"] = free.wait
    try:
        with LogTo("recorder", wait=0.0) as log:
            train(make_config(data, Path("run")), (log,))
            assert_same_run(bare, Path("run"))
        assert "it is not done after 0 s" in caplog.text
    finally:
        free.set()


def test_log_to__gives_up_a_logger_that_falls_too_far_behind(recorder, caplog, monkeypatch):
    monkeypatch.setattr("olacore.search.loggers.log_to.MOST_WAITING", 3)
    free = threading.Event()
    recorder.fails["begin"] = free.wait
    try:
        log = LogTo("recorder", wait=0.0)
        started(log, "run")
        for generation in range(9):
            log(Reported({"generation": generation}, lambda: None))
        assert caplog.text.count("3 events wait for it") == 1
        log.close()
    finally:
        free.set()


def test_tensorboard__that_cannot_be_written_is_told_of_once(data, bare, caplog):
    Path("file").touch()
    with LogTo("tensorboard=file") as log:
        train(make_config(data, Path("run")), (log,))
    assert_same_run(bare, Path("run"))
    assert caplog.text.count("nothing more is logged to tensorboard") == 1


# ---------------------------------------------------------------- runs


def test_log_to__sends_a_run_that_is_resumed_from_its_beginning(data, recorder):
    config = make_config(data, Path("run"), generations=12)
    for changes, stop in (({}, stop_after(5)), ({"resume": True}, lambda: False)):
        recorder.told.clear()
        with LogTo("recorder") as log:
            result = train(replace(config, **changes), (log,), stop)
        assert result.stopped == ("generations" if changes else "interrupted")
        assert recorder.told[-1] == ("end", bool(changes))
    sent = [step for what, *rest in recorder.told if what == "log" for step, _, _ in rest[0]]
    assert sent == [line["generation"] for line, _ in timed_log(Path("run"))] + [12]  # the held-out figures


def test_log_to__names_the_runs_of_a_pair_and_ends_each(recorder):
    with LogTo("recorder") as log:
        for name in ("pair-0001/encoder", "pair-0001/decoder"):
            folder = started(log, name)
            log(Reported({"generation": 1, "loss": 0.5}, lambda: None))
            log(Finished("time", load("sd15-encoder"), folder))
    runs = [rest[0].name for what, *rest in recorder.told if what == "begin"]
    assert runs == ["pair-0001/encoder", "pair-0001/decoder"]
    assert [rest[0] for what, *rest in recorder.told if what == "end"] == [True, True]


def test_log_to__ends_a_run_that_failed(recorder):
    log = LogTo("recorder")
    started(log, "run")
    with pytest.raises(KeyError), log:
        raise KeyError
    assert recorder.told[-1] == ("end", False)


def test_replay__of_an_interrupted_run_goes_as_far_as_it_came(data, recorder):
    train(make_config(data, Path("run"), generations=12), (), stop_after(5))
    with (Path("run") / "log.jsonl").open("a") as file:
        file.write('{"generation": 6, "lo')
    assert replay(Path("run"), ["recorder"]) == len(timed_log(Path("run")))
    assert recorder.told[-1] == ("end", False)
    recorder.told.clear()
    (Path("run") / "module.safetensors").unlink()
    replay(Path("run"), ["recorder"])
    assert [what for what, *_ in recorder.told] == ["prepare", "begin", "log", "end"]


@pytest.mark.parametrize("what", ["prepare", "begin", "log", "end"])
def test_replay__that_fails_is_an_error(bare, recorder, what):
    recorder.fails[what] = fail(OSError("the line is dead\nand more"))
    with pytest.raises(OutputError, match=r"^cannot log .*to recorder: the line is dead$"):
        replay(bare, ["recorder"])


def test_replay__names_what_is_no_run(tmp_path):
    with pytest.raises(FileFormatError, match=r"config.json"):
        replay(tmp_path, ["tensorboard"])
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(FileFormatError, match=r"config.json must hold an object; it holds list"):
        replay(tmp_path, ["tensorboard"])


def test_log_to__names_unknown_loggers_and_missing_packages(recorder):
    with pytest.raises(ConfigError, match="there is no logger 'nothing'; there are .*tensorboard"):
        LogTo("nothing")
    with pytest.raises(ConfigError, match=r"'wandb=' names no place; write wandb or wandb=PLACE\."):
        LogTo("wandb=")
    recorder.package = "no_such_package"
    with pytest.raises(ConfigError, match=r"needs the package no_such_package; pip install 'olacore\[recorder\]'"):
        LogTo("recorder")


def test_scalars_of__leaves_out_what_is_no_finite_number():
    line = {"generation": 3, "loss": None, "validation_loss": float("inf"), "trust": [0, 0.5, 1], "new": 2, "odd": "x"}
    assert scalars_of(line) == {
        "search/trust_min": 0, "search/trust_median": 0.5, "search/trust_max": 1, "search/new": 2
    }  # fmt: skip
