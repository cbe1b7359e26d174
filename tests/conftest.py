"""What all tests may ask for."""

from pathlib import Path

import pytest

from tests.support.places import SHARED


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photographs, videos and models, which only some checkouts lie beside."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared/data beside the checkout")
    return SHARED
