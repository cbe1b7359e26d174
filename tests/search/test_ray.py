"""Jobs in processes of Ray, which is started once for all of these tests."""

import json
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from olacore.errors import ConfigError, DataError
from olacore.search.backends import Ray
from olacore.search.backends.base import never
from olacore.search.backends.ray import Worker, _knock, share_of
from olacore.search.islands.placed import place_islands
from olacore.search.repeatable import prepared
from olacore.search.seeds import train_seeds
from olacore.search.train import train, train_each
from olacore.strategies import STRATEGIES
from olacore.version import __version__
from teachers import LoadOptions, PictureRule, PrecomputeConfig, merge_shares, precompute_shares
from tests.support.command import check_refusal
from tests.support.islanders import Sailing, dying, island_configs, run_in_turns
from tests.support.makers import make_config, write_plain
from tests.support.places import ROOT
from tests.support.plain_samples import save_photographs

pytestmark = pytest.mark.ray
logger = logging.getLogger(__name__)
MODULE = "module.safetensors"
GENERATIONS, DEADLY = 40, 25


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """Ray, as the backend starts it where nobody has chosen anything; it leaves nothing behind."""
    pytest.importorskip("ray")
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("t")
    patch = pytest.MonkeyPatch()
    patch.delenv("RAY_AUTH_MODE", raising=False)
    patch.setenv("XDG_CACHE_HOME", os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")))
    patch.setenv("HOME", str(home))
    patch.setenv("PYTHONPATH", str(ROOT))  # of jobs that are defined beside these tests
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    patch.setattr("tempfile.tempdir", str(folder) if len(str(folder)) < 24 else None)
    try:
        with Ray(workers=2).started():
            assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
            yield home
        assert not (home / ".ray").exists()
        assert "RAY_AUTH_MODE" not in os.environ
    finally:
        patch.undo()


def asked(folder, out):
    path = folder / "p.h5"
    return make_config(path if path.exists() else write_plain(path), folder / out, generations=GENERATIONS)


def told(result, name, field):
    return [json.loads(line)[field] for line in (result.folder / name).read_text().splitlines()]


def test_seeds__give_the_bytes_that_this_process_gives(running, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "seed-1").write_text("no folder")
    here = train_seeds(asked(tmp_path, "here"), (0, 1, 2))
    there = train_seeds(asked(tmp_path, "there"), (0, 1, 2), "ray", workers=2)
    assert [run.stopped for run in there.runs] == ["generations", "failed", "generations"]
    assert "seed-1: it is no folder" in there.runs[1].error
    for one, other in ((0, 0), (2, 2)):
        one, other = here.runs[one], there.runs[other]
        assert (one.folder / MODULE).read_bytes() == (other.folder / MODULE).read_bytes()
        assert (one.validation_loss, one.held_out) == (other.validation_loss, other.held_out)


def test_map__goes_on_in_another_process_after_a_kill(running, tmp_path, capsys):
    def dying(config):  # what is defined here goes to Ray by value
        import os
        import signal
        import time
        from pathlib import Path

        from olacore.search import loop
        from olacore.search.repeatable import resumed
        from olacore.search.train import train

        loop.CHECKPOINT_SECONDS = 0.0
        lives = Path(config.out).with_suffix(".lives")
        with lives.open("a") as file:
            file.write(f"{os.getpid()} {time.time()}\n")
        first = len(lives.read_text().splitlines()) == 1

        def die(event):
            if first and getattr(event, "path", None) and event.generation == DEADLY:  # a checkpoint was saved
                lives.write_text(f"{os.getpid()} {time.time()}\n")
                os.kill(os.getpid(), signal.SIGKILL)

        return train(resumed(config), (die,))

    undisturbed = train(asked(tmp_path, "undisturbed"))
    (killed,) = Ray(workers=1).map(dying, prepared([asked(tmp_path, "killed")]))
    (first, killed_at), (second, began_at) = map(str.split, (tmp_path / "killed.lives").read_text().splitlines())
    seconds = float(began_at) - float(killed_at)
    logger.warning("it began again %.1f s after it was killed", seconds)  # pytest -o log_cli=true shows it
    assert first != second
    assert capsys.readouterr().out == ""  # which is for tables and JSON
    assert (killed.folder / MODULE).read_bytes() == (undisturbed.folder / MODULE).read_bytes()
    # It went on, and did not begin again.
    assert told(killed, "log.jsonl", "generation") == told(undisturbed, "log.jsonl", "generation")
    assert told(killed, "sessions.jsonl", "event") == ["began", "began", "ended"]
    np.testing.assert_array_equal(killed.module.weights, undisturbed.module.weights)


def test_outcomes__tell_of_a_process_that_always_dies_and_let_the_others_go_on(running, monkeypatch):
    def dying(number, should_stop):
        import os

        if number == 1:
            os._exit(1)
        return number

    monkeypatch.setattr("olacore.search.backends.ray.RESTARTS", 1)
    found = dict(Ray(workers=1).outcomes(dying, range(3)))
    assert isinstance(found[1], DataError)
    assert "its process died, also when it was started again" in str(found[1])
    assert (found[0], found[2]) == (0, 2)


def test_map__arrays_can_be_written_threads_are_shared_and_errors_come_back(running):
    def double(array):
        import numba

        array *= 2
        if not array.any():
            raise ValueError("nothing but zeros")
        return array, numba.get_num_threads(), os.environ["OMP_NUM_THREADS"]

    big = np.ones(200_000)
    ((doubled, *threads),) = Ray(workers=1, threads=2).map(double, [big])
    assert threads == [2, "2"]
    doubled += 1
    assert (doubled == 3).all()
    assert (big == 1).all()
    with pytest.raises(ValueError, match="nothing but zeros"):
        Ray(workers=1).map(double, [np.zeros(3)])
    with pytest.raises(ConfigError, match="no machine of Ray has the 999 cores"):
        Ray(threads=999).map(double, [big])


def test_outcomes__end_early_where_asked_to(running, tmp_path):
    config = asked(tmp_path, "study")
    over = []
    parts = train_seeds(config, (0, 1), "ray", over.append, lambda: bool(over), workers=1)
    assert [run.seed for run in parts.runs] == [0]
    whole = train_seeds(replace(config, resume=True), (0, 1))
    assert [run.stopped for run in whole.runs] == ["generations"] * 2


def test_islands__give_the_bytes_that_they_give_in_turns_also_where_one_is_killed(running, tmp_path, monkeypatch):
    data = write_plain(tmp_path / "p.h5")
    monkeypatch.setitem(STRATEGIES, Sailing.name, Sailing)
    alone = run_in_turns(island_configs(data, tmp_path / "alone", 2))
    configs = island_configs(data, tmp_path / "placed", 2)
    (tmp_path / "placed" / "exchange" / "deaths").mkdir()
    (tmp_path / "placed" / "exchange" / "deaths" / "island-2-00").write_text("0.02")
    found = place_islands(configs, "ray", job=dying)
    assert not [*(tmp_path / "placed" / "exchange" / "deaths").iterdir()]
    for one, other in zip(alone, found.results, strict=True):
        assert (one.folder / MODULE).read_bytes() == (other.folder / MODULE).read_bytes()
    assert (tmp_path / "placed" / MODULE).read_bytes() == (found.best.folder / MODULE).read_bytes()


def test_shares__are_made_by_ray(running, tmp_path):
    save_photographs(tmp_path / "photos", 4)
    teacher = tmp_path / "pairs.py"
    teacher.write_text("def fn(f):\n    return f[:, :4, 0].reshape(-1, 3) / 9.0, f[:, 4:8, 0].reshape(-1, 3)\n")
    config = PrecomputeConfig([tmp_path / "photos"], tmp_path / "there", f"{teacher}:fn", loading=LoadOptions(batch=1))
    config = replace(config, rule=PictureRule(16))
    here = replace(config, h5=tmp_path / "here")
    assert sum(one.rows for one in precompute_shares(config, 2, "ray", workers=1)) == 4
    precompute_shares(here, 1)
    for one in (config, here):
        merge_shares([one.h5], one.h5.with_suffix(".h5"))
    assert (tmp_path / "there.h5").read_bytes() == (tmp_path / "here.h5").read_bytes()


def test_share_of__all_workers_fit_on_the_machines():
    assert share_of([2], 1) == 2
    assert share_of([2], 4) == 0.5
    assert share_of([2, 2], 3) == 1
    assert share_of([8, 2], 3) == 2  # four on the larger one, so that a third is not below
    assert share_of([1], 3) == 0.3333
    with pytest.raises(ConfigError, match="Ray has no cores for jobs"):
        share_of([0, 0], 2)


def test_workers__are_of_the_same_version_and_see_the_same_folder(tmp_path, monkeypatch):
    pickle = pytest.importorskip("ray.cloudpickle")
    monkeypatch.chdir(tmp_path)

    def error_of(folder, version):
        return str(pickle.loads(Worker().run(pickle.dumps((never, 1)), str(folder), version)))

    assert error_of(tmp_path, "0.0").startswith("olacore must be the same on all machines; it is 0.0 here")
    gone = error_of(tmp_path / "gone", __version__)
    assert "gone must be there on every machine of Ray; on one it is not (No such file or directory)" in gone


def test_ray__an_address_where_nothing_answers_is_named():
    for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"):
        sentence = pytest.raises(ConfigError, match=f"Ray: nothing answers at {address} .*; name the address of a head")
        with sentence:
            _knock(address)


def test_ray__says_what_is_wrong(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="workers must be 0 or more; got -1"):
        Ray(workers=-1)
    monkeypatch.setitem(sys.modules, "ray", None)
    sentence = r"the backend ray needs the package ray; pip install 'olacore\[ray\]'\."
    with pytest.raises(ConfigError, match=sentence):
        train_each([asked(tmp_path, "none")], "ray")
    assert not (tmp_path / "none").exists()
    given = ("train", "--h5", tmp_path / "p.h5", "--seeds", "0-1", "--backend", "ray", "--out", tmp_path / "none")
    check_refusal(sentence, *given)
