"""Workers: they run nothing of the current folder, leave signals to their parent, and end with it."""

import os
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

import olacore
from olacore.errors import DataError
from olacore.search.backends.processes import Pool, inherited, worker_deaths_told

ROOT = Path(olacore.__file__).parents[1]
needs_signals = pytest.mark.skipif(os.name != "posix", reason="signals are those of Unix")

# Starts a worker that says its number and waits; dies itself without a word to it.
DYING = """
import os, time
from olacore.search.backends.processes import spawning
if __name__ == "__main__":
    context = spawning()
    here, there = context.Pipe()
    worker = context.Process(target=time.sleep, args=(600,))
    worker.start()
    print(worker.pid, flush=True)
    os._exit(0)
"""
POOL = """
import os
from olacore.search.backends.processes import Pool
if __name__ == "__main__":
    with Pool(1) as pool:
        print(pool.submit(os.path.basename, "a/b").result())
"""


def test_workers__import_nothing_from_the_current_folder(tmp_path):
    for name in ("multiprocessing", "sitecustomize", "os", "numpy", "olacore"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'RAN')!r}, 'w')")
    (tmp_path / "program").mkdir()
    program = tmp_path / "program" / "pool.py"
    program.write_text(POOL)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONSAFEPATH", None)
    done = subprocess.run(
        [sys.executable, program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "b\n", "")
    assert not (tmp_path / "RAN").exists()


@needs_signals
def test_workers__end_with_their_parent(tmp_path):
    program = tmp_path / "dying.py"
    program.write_text(DYING)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # Ends when the last process that has its output is gone.
    done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")


@needs_signals
def test_workers__heed_no_signal_but_their_end():
    with Pool(1) as pool:
        worker = pool.submit(os.getpid).result()
        os.kill(worker, signal.SIGINT)
        os.kill(worker, signal.SIGTERM)
        assert pool.submit(os.getpid).result() == worker


@needs_signals
def test_workers__a_death_is_told():
    sentence = pytest.raises(DataError, match="a worker process died, perhaps for want of memory")
    with sentence, worker_deaths_told(), Pool(1) as pool:
        pool.submit(os.kill, pool.submit(os.getpid).result(), signal.SIGKILL).result()


@needs_signals
def test_pool__notices_the_death_of_the_worker_that_was_started_last(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with Pool(2) as pool:
        reading = pool.submit((tmp_path / "pipe").read_text)
        with (tmp_path / "pipe").open("w"):  # opens when the first worker has come to it, which then waits
            with pytest.raises(BrokenProcessPool):
                pool.submit(os.abort).result(timeout=60)
            with pytest.raises(BrokenProcessPool):
                reading.result(timeout=60)


def test_inherited__gives_the_environment_back(monkeypatch):
    for before in (None, "theirs"):
        if before is None:
            monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
        else:
            monkeypatch.setenv("PYTHONSAFEPATH", before)
        with inherited():
            assert os.environ["PYTHONSAFEPATH"] == "1"
        assert os.environ.get("PYTHONSAFEPATH") == before
