"""Threads: how many, and how idle ones wait."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from olacore.errors import ConfigError
from olacore.jit.threads import let_idle_threads_sleep, threads

WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_THREAD_TIMEOUT": "4"}
MOST = numba.config.NUMBA_NUM_THREADS


def test_threads__gives_the_callers_number_back():
    before = numba.get_num_threads()
    with threads(1):
        assert numba.get_num_threads() == 1
        with threads(None):
            assert numba.get_num_threads() == 1
        with threads(MOST):
            assert numba.get_num_threads() == MOST
        assert numba.get_num_threads() == 1
    assert numba.get_num_threads() == before
    with pytest.raises(KeyError), threads(1):
        raise KeyError
    assert numba.get_num_threads() == before


@pytest.mark.parametrize("n_threads", [0, -1, MOST + 1, 1.0, "2"])
def test_threads__refuses_what_is_out_of_range(n_threads):
    before = numba.get_num_threads()
    with (
        pytest.raises(ConfigError, match=f"n_threads must be a whole number from 1 to {MOST}; got {n_threads!r}"),
        threads(n_threads),
    ):
        raise AssertionError
    assert numba.get_num_threads() == before


def test_let_idle_threads_sleep__leaves_what_the_user_has_set(monkeypatch):
    for name in WAITING:
        monkeypatch.delenv(name, raising=False)
    let_idle_threads_sleep()
    assert WAITING.items() <= os.environ.items()
    for name in WAITING:
        monkeypatch.setenv(name, "theirs")
    let_idle_threads_sleep()
    assert {os.environ[name] for name in WAITING} == {"theirs"}


def test_let_idle_threads_sleep__is_what_ola_does_before_numpy_reads_it():
    code = """
import builtins, os, sys
def show(name, *rest):
    if name == "numpy":
        print(os.environ.get("OMP_WAIT_POLICY"), os.environ.get("OPENBLAS_THREAD_TIMEOUT"))
        sys.exit()
    return imported(name, *rest)
imported, builtins.__import__ = builtins.__import__, show
sys.argv = ["ola", "inspect", "sd15-decoder"]
from cli import main
main()
"""
    others = {name: value for name, value in os.environ.items() if name not in WAITING}
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run([sys.executable, "-c", code], env=others, cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout == "PASSIVE 4\n"


def test_import_olacore__leaves_the_environment_alone():
    code = """
import os
before = dict(os.environ)
import olacore
from olacore.jit import threads
from olacore.embed.checked import forward
olacore.load
assert dict(os.environ) == before
"""
    others = {name: value for name, value in os.environ.items() if name not in WAITING}
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], env=others, cwd=root, check=True)
