"""Compiled code that outlives its process: found again, never stale, and only where `ola` asks for it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import olacore
from olacore.jit.disk_cache import KEPT, remove_oldest

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")

HELPER = """from olacore.jit.flags import device


@device
def change(x):
    return x + {step}
"""
CALLER = """from numba import prange
from olacore.jit.flags import kernel
from olacore.kernels.helper import change


@kernel
def add(out):
    for i in prange(out.size):
        out[i] = change(out[i])
"""
PROGRAM = """
from olacore.jit.disk_cache import use_disk_cache
folder = use_disk_cache()
import numpy as np
from olacore.kernels.caller import add
out = np.zeros(3, np.float32)
add(out)
print(folder.name, *out, sum(add.stats.cache_hits.values()), sum(add.stats.cache_misses.values()))
"""


@pytest.fixture
def package(tmp_path):
    """A copy of the package with a kernel and its helper in two files."""
    shutil.copytree(Path(olacore.__file__).parent, tmp_path / "olacore", ignore=shutil.ignore_patterns("__pycache__"))
    kernels = tmp_path / "olacore" / "kernels"
    (kernels / "helper.py").write_text(HELPER.format(step=1), encoding="utf-8")
    (kernels / "caller.py").write_text(CALLER, encoding="utf-8")
    return tmp_path


def run_program(package, code=PROGRAM, **environment):
    """What a fresh process that uses the package prints, split at spaces."""
    wanted = {"PYTHONPATH": str(package), "XDG_CACHE_HOME": str(package / "cache"), **environment}
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(command, env={**os.environ, **wanted}, capture_output=True, text=True, cwd=package)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def cached_files(package):
    return {path: path.stat().st_mtime_ns for path in (package / "cache").rglob("*.nb?")}


def test_use_disk_cache__the_second_process_compiles_nothing(package):
    folder, *first = run_program(package)
    assert first == ["1.0", "1.0", "1.0", "0", "1"]
    before = cached_files(package)
    assert before
    assert run_program(package) == [folder, "1.0", "1.0", "1.0", "1", "0"]
    assert cached_files(package) == before


def test_use_disk_cache__an_edited_helper_is_never_served_stale(package):
    folder = run_program(package)[0]
    helper = package / "olacore" / "kernels" / "helper.py"
    helper.write_text(HELPER.format(step=2), encoding="utf-8")
    edited, *rest = run_program(package)
    assert edited != folder
    assert rest == ["2.0", "2.0", "2.0", "0", "1"]
    helper.write_text(HELPER.format(step=1), encoding="utf-8")
    assert run_program(package) == [folder, "1.0", "1.0", "1.0", "1", "0"]


def test_use_disk_cache__a_users_loss_is_not_kept_and_gives_no_warning(package):
    code = """
from olacore.jit.disk_cache import use_disk_cache
use_disk_cache()
import numba, numpy as np
from olacore.kernels.incremental import make_score_directions
@numba.njit
def cubic(prediction, target):
    return abs(prediction - target) ** 3
kernel = make_score_directions(cubic)
pre, out = np.zeros((1, 4), np.float32), np.empty((1, 1, 2), np.float32)
kernel(pre, pre + np.float32(2), pre, np.zeros(1, np.float32), out)
print(*out.ravel())
"""
    assert run_program(package, code) == ["8.0", "8.0"]
    assert not cached_files(package)


@pytest.mark.parametrize(
    ("before", "environment"),
    [
        ("import numba", {}),
        ("", {"NUMBA_CACHE_DIR": "elsewhere"}),
        ("", {"NUMBA_DISABLE_JIT": "1"}),
        ("", {"XDG_CACHE_HOME": "/dev/null"}),
    ],
)
def test_use_disk_cache__leaves_alone_what_it_should(package, before, environment):
    code = f"{before}\nimport os\nfrom olacore.jit.disk_cache import use_disk_cache\n"
    code += "print(use_disk_cache(), os.environ.get('OLACORE_JIT_CACHE'))"
    assert run_program(package, code, **environment) == ["None", "None"]
    assert not (package / "cache").exists()


def test_remove_oldest__keeps_the_folders_used_last(tmp_path):
    for age in range(KEPT + 2):
        (tmp_path / str(age)).mkdir()
        os.utime(tmp_path / str(age), (0, 1000 - age))
    remove_oldest(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {str(age) for age in range(KEPT)}
