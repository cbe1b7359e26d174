"""What the commands run on."""

from pathlib import Path

import pytest

from olacore.data.sample import sample_path
from tests.support.command import SHORT, fill, ola


@pytest.fixture(scope="session")
def run_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of a few generations on the sample, one of each module."""
    parent = tmp_path_factory.mktemp("runs")
    for module in ("encoder", "decoder"):
        ola("train", "--module", module, "--h5", sample_path(), *SHORT, "--out", parent / module)
    return {module: parent / module for module in ("encoder", "decoder")}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with small modules, data and pictures."""
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)
    return tmp_path
