"""What tests of several parts share."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; the test is skipped where there is none."""
    default = PROJECT.parent / "shared" / "data"
    folder = Path(os.environ.get("FAIRTRIAL_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data: FAIRTRIAL_TEST_DATA is not set and there is no {default}")
    return folder
