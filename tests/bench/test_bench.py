"""What the package offers, looked up lazily."""

import subprocess
import sys

import pytest

import bench
from bench.common import RESULTS

KEPT = RESULTS / "2026-11-24-zen5-2-cores.json"


def test_import__pulls_in_neither_torch_nor_kernels():
    code = "import bench, sys; print(*sorted({'torch', 'numba', 'numpy', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_load_and_render__need_no_kernels():
    code = f"import bench, sys; bench.render(bench.load({str(KEPT)!r})); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_attribute__that_is_not_there():
    with pytest.raises(AttributeError, match="module 'bench' has no attribute 'nothing'"):
        _ = bench.nothing


def test_attributes__are_all_there():
    assert all(callable(getattr(bench, name)) for name in bench.__all__)
