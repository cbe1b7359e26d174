"""What all tests may ask for."""

import os
from pathlib import Path
from typing import Any

import pytest

from olacore.jit.threads import let_idle_threads_sleep
from tests.support.places import ROOT, SHARED

# Before a test loads OpenMP: the threads of two processes that spin where they wait take the cores from each other.
let_idle_threads_sleep()
# Each process of the suite computes on its share of the cores: threads of two that use all of them wait for each other
# wherever a kernel ends. Tests of several threads ask for these themselves.
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
SHARE = max(1, (os.cpu_count() or 1) // WORKERS)
if WORKERS > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(SHARE))  # of torch and BLAS


def pytest_sessionstart() -> None:
    """Let kernels of this process run on its share of the cores."""
    if WORKERS > 1:
        import numba
        from threadpoolctl import threadpool_limits

        if not numba.config.DISABLE_JIT:
            numba.set_num_threads(min(SHARE, numba.config.NUMBA_NUM_THREADS))
        threadpool_limits(SHARE)  # Numba has set it anew, for torch too


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photographs, videos and models, which only some checkouts lie beside."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared/data beside the checkout")
    return SHARED


# What `pytest -m quick` runs: kernels beside their twins, files of every sort, one command of each kind.
QUICK = ("kernels/", "data/test_records", "data/test_pairs", "modules/test_file", "modules/test_latent_file",
         "search/test_checkpoint", "search/test_run_folder", "test_registry", "test_spaces")  # fmt: skip
# But not what compiles kernels of its own, which no cache on disk keeps: seconds each.
COMPILES = ("test_kernel_serial", "[own]", "user]", "[mae-mae_reference]")


# Files in one process, which make what they share once: a workspace where all was run, kernels of a user's loss.
TOGETHER = {
    "bench/ovae/test_": "the workspace",
    "embed/test_checked": "quartic",
    "kernels/test_kernel_loss": "quartic",
    "losses/test_objective": "lopsided",
    "test_extensions": "lopsided",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files as they are, but for those above."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            shared = (what for place, what in TOGETHER.items() if file.removeprefix("tests/").startswith(place))
            return next(shared, file)

    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the quick tests: whole files, and the first test of each command."""
    first: set[str] = set()
    for item in items:
        place = item.path.relative_to(ROOT / "tests").as_posix()
        command = place.startswith(("commands/", "teachers/commands/")) and place not in first
        first |= {place} if command else set()
        if command or (place.startswith(QUICK) and not any(part in item.nodeid for part in COMPILES)):
            item.add_marker(pytest.mark.quick)
