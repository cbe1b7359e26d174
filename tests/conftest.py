"""What all tests may ask for."""

from pathlib import Path
from typing import Any

import pytest

from olacore.jit.threads import let_idle_threads_sleep
from tests.support.places import ROOT, SHARED

# Before a test loads OpenMP: the threads of two processes that spin where they wait take the cores from each other.
let_idle_threads_sleep()


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
