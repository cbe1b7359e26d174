"""Settings of the kernel tests."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _quiet_arithmetic():
    """With the JIT off, NumPy warns about the overflows that compiled code passes over."""
    with np.errstate(all="ignore"):
        yield
