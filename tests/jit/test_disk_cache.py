"""Compiled code that outlives its process: found again, never stale, and never an error."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest
from numba import types
from numba.core.registry import cpu_target

import olacore
from olacore.jit.disk_cache import DiskCache
from olacore.jit.flags import kernel
from olacore.jit.folder import write_entry
from olacore.kernels.forward import forward_population

pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
needs_owners = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no owners of files")

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
import numpy as np
from olacore.kernels.caller import add
out = np.zeros(3, np.float32)
add(out)
print(*out, sum(add.stats.cache_hits.values()), sum(add.stats.cache_misses.values()))
"""
COMPILED, LOADED = ["1.0", "1.0", "1.0", "0", "1"], ["1.0", "1.0", "1.0", "1", "0"]
# Whatever the tests themselves run with.
OURS = ("XDG_CACHE_HOME", "OLACORE_JIT_CACHE", "NUMBA_CACHE_DIR", "NUMBA_OPT")


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A copy of the package with a kernel and its helper in two files, and the cache of its first process."""
    place = tmp_path_factory.mktemp("first")
    left_out = shutil.ignore_patterns("__pycache__", "*.safetensors")
    shutil.copytree(Path(olacore.__file__).parent, place / "olacore", ignore=left_out)
    kernels = place / "olacore" / "kernels"
    (kernels / "helper.py").write_text(HELPER.format(step=1), encoding="utf-8")
    (kernels / "caller.py").write_text(CALLER, encoding="utf-8")
    assert run_program(place) == COMPILED
    return place


@pytest.fixture
def kept(first, tmp_path):
    """The package after its first process."""
    return Path(shutil.copytree(first, tmp_path / "kept"))


@pytest.fixture
def package(first, tmp_path):
    """The package before its first process."""
    return Path(shutil.copytree(first, tmp_path / "new", ignore=shutil.ignore_patterns("cache")))


def run_program(package, code=PROGRAM, before=None, **environment):
    """What a fresh process that uses the package prints, split at spaces; it compiles in little time."""
    wanted = {"PYTHONPATH": str(package), "XDG_CACHE_HOME": str(package / "cache"), "NUMBA_OPT": "0", **environment}
    others = {name: value for name, value in os.environ.items() if name not in OURS}
    command = [sys.executable, "-W", "error", "-c", code]
    run = subprocess.run(
        command, env=others | wanted, capture_output=True, text=True, cwd=package, preexec_fn=before, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def entries(package):
    """What is kept, and when it was written."""
    files = (path for path in (package / "cache").rglob("*") if path.is_file())
    return {path: path.stat().st_mtime_ns for path in files}


def test_disk_cache__a_second_process_that_uses_the_library_compiles_nothing(tmp_path):
    code = """
import numpy, olacore
olacore.load("codec4-encoder").encode(numpy.zeros((8, 8, 3), numpy.uint8))
from olacore.kernels.codec import encode_jobs, pack_maps
used = [encode_jobs, pack_maps]
print(*(sum(kernel.stats.cache_hits.values()) for kernel in used))
print(*(sum(kernel.stats.cache_misses.values()) for kernel in used))
"""
    package = str(Path(olacore.__file__).parents[1])
    # Without any optimisation, traces of functions that a kernel calls stay in its code, and it is not kept.
    for hits, misses in (("0", "1"), ("1", "0")):
        assert run_program(tmp_path, code, PYTHONPATH=package, NUMBA_OPT="1") == [hits, hits, misses, misses]


def test_disk_cache__says_once_that_it_compiles_and_nothing_where_it_loads(package):
    logged = "import logging, sys; logging.basicConfig(stream=sys.stdout, level=logging.INFO, format='%(message)s')"
    again = "add(np.zeros(3))\n"  # of another type, so that it is compiled once more
    program = logged + PROGRAM.replace("print", again + "print")
    told = "compiling kernels takes up to half a minute; later runs load them where they can be kept"
    assert " ".join(run_program(package, program)) == f"{told} 1.0 1.0 1.0 0 2"
    assert " ".join(run_program(package, program)) == "1.0 1.0 1.0 2 0"


def test_disk_cache__finds_what_an_earlier_process_kept(kept):
    before = entries(kept)
    assert [path.name.split("-")[0] for path in before] == ["olacore.kernels.caller.add"]
    assert run_program(kept) == LOADED
    assert entries(kept) == before


def test_disk_cache__is_off_when_the_user_says_so(kept):
    before = entries(kept)
    assert run_program(kept, OLACORE_JIT_CACHE="0") == COMPILED
    assert entries(kept) == before


def test_disk_cache__an_edited_helper_is_never_served_stale(kept):
    helper = kept / "olacore" / "kernels" / "helper.py"
    helper.write_text(HELPER.format(step=2), encoding="utf-8")
    assert run_program(kept) == ["2.0", "2.0", "2.0", "0", "1"]
    assert len({path.parent for path in entries(kept)}) == 2
    helper.write_text(HELPER.format(step=1), encoding="utf-8")
    assert run_program(kept) == LOADED


def test_disk_cache__a_helper_that_is_edited_while_the_process_runs(kept):
    edit = """
from pathlib import Path
import olacore.kernels.layout
helper = Path("olacore/kernels/helper.py")
helper.write_text(helper.read_text().replace("+ 1", "+ 20"))
"""
    before = entries(kept)
    assert run_program(kept, edit + PROGRAM) == ["20.0", "20.0", "20.0", "0", "1"]
    assert entries(kept) == before


def test_disk_cache__another_setting_of_numba_is_another_entry(kept):
    assert run_program(kept, NUMBA_OPT="1") == COMPILED
    assert len(entries(kept)) == 2
    assert run_program(kept) == LOADED


@needs_owners
def test_disk_cache__a_folder_that_others_may_write_to_is_not_used(kept):
    (entry,) = before = entries(kept)
    entry.parent.chmod(0o777)
    assert run_program(kept) == COMPILED
    assert entries(kept) == before


@needs_owners
def test_disk_cache__a_folder_of_somebody_else_is_not_used(kept):
    before = entries(kept)
    other = "import os\nme = os.geteuid()\nos.geteuid = lambda: me + 1\n"
    assert run_program(kept, other + PROGRAM) == COMPILED
    assert entries(kept) == before


@needs_owners
def test_disk_cache__reads_a_folder_that_is_read_only(kept):
    (entry,) = before = entries(kept)
    entry.chmod(0o400)
    entry.parent.chmod(0o500)
    assert run_program(kept) == LOADED
    assert entries(kept) == before


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"XDG_CACHE_HOME": "/dev/null"}, id="no folder"),
        pytest.param({"XDG_CACHE_HOME": "", "HOME": "/dev/null"}, id="no home"),
    ],
)
def test_disk_cache__works_where_nothing_can_be_written(package, environment):
    assert run_program(package, **environment) == COMPILED


def test_disk_cache__works_where_nobody_knows_a_home(package):
    no_home = "import os\nos.environ.pop('HOME')\nos.path.expanduser = lambda path: path\n"
    assert run_program(package, no_home + PROGRAM, XDG_CACHE_HOME="") == COMPILED


@pytest.mark.skipif(sys.platform == "win32", reason="this system does not limit the size of files")
def test_disk_cache__works_on_a_full_disk(package):
    import resource

    def fill():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))

    assert run_program(package, before=fill) == COMPILED
    assert not entries(package)


def test_disk_cache__a_damaged_entry_is_compiled_anew(kept):
    (entry,) = entries(kept)
    good = entry.read_bytes()
    for damaged in (good[:5000], good[:-1] + bytes([good[-1] ^ 1]), b""):
        entry.write_bytes(damaged)
        assert run_program(kept) == COMPILED
    assert run_program(kept) == LOADED


def test_disk_cache__an_entry_that_is_not_what_it_should_be_is_compiled_anew(kept):
    (entry,) = entries(kept)
    write_entry(entry.parent, entry.name, b"no pickle")
    assert run_program(kept) == COMPILED
    run_program(kept, PROGRAM.replace("float32", "float64"))
    (other,) = entries(kept).keys() - {entry}
    other.replace(entry)
    assert run_program(kept) == COMPILED


def test_disk_cache__leaves_numbas_own_cache_to_the_program(package):
    code = """
import os
import numba
environment, folder = dict(os.environ), numba.config.CACHE_DIR
import numpy as np
from olacore.kernels.caller import add
add(np.zeros(3, np.float32))
assert (dict(os.environ), numba.config.CACHE_DIR) == (environment, folder)
import theirs
assert theirs.double(2) == 4
print(*theirs.double.stats.cache_hits.values())
"""
    theirs = "import numba\n@numba.njit(cache=True)\ndef double(x):\n    return 2 * x\n"
    (package / "theirs.py").write_text(theirs, encoding="utf-8")
    assert run_program(package, code, NUMBA_CACHE_DIR=str(package / "numba")) == []
    assert run_program(package, code, NUMBA_CACHE_DIR=str(package / "numba")) == ["1"]
    assert {path.name.split(".")[0] for path in (package / "numba").rglob("*.nb?")} == {"theirs"}
    assert len(entries(package)) == 1


def test_disk_cache__a_users_loss_is_not_kept_and_gives_no_warning(package):
    code = """
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
    assert not entries(package)


def test_disk_cache__works_with_a_numba_that_is_another_inside(package):
    without = "import numba.core.ccallback\ndel numba.core.caching.NullCache\n"
    assert run_program(package, without + PROGRAM) == COMPILED
    assert not entries(package)


def test_disk_cache__asks_more_of_a_numba_that_is_newer(kept):
    show = "import sys\nprint('numba.np.arraymath' in sys.modules)\n"
    newer = "from olacore.jit import disk_cache\ndisk_cache.LATEST_KNOWN = (0, 1)\n"
    # If this fails with a newer Numba, see whether all kernels run when they are loaded, and raise LATEST_KNOWN.
    assert run_program(kept, PROGRAM + show) == [*LOADED, "False"]
    assert run_program(kept, newer + PROGRAM + show) == [*LOADED, "True"]


def test_may_keep__only_what_follows_from_the_sources():
    made = {}
    exec("def made(out): pass", made)

    def closure(out):
        return made

    assert DiskCache.may_keep(forward_population.py_func)
    for function in (made["made"], closure, pytest.fixture):
        assert not DiskCache.may_keep(function)


def test_kernel__of_another_program_is_not_kept():
    @kernel
    def theirs(out):
        out[0] = 1

    assert theirs.stats.cache_path is None


def test_names__refuses_types_that_have_no_name_of_their_own():
    context = cpu_target.target_context
    with pytest.raises(LookupError, match="may mean something else in another process"):
        DiskCache(forward_population.py_func)._names((types.Dispatcher(forward_population),), context)
