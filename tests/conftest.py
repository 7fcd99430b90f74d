"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def real_data() -> Path:
    """The folder of small real data sets; tests that need it are skipped without it."""
    named = os.environ.get("FAIRTRIAL_TEST_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data: set FAIRTRIAL_TEST_DATA ({folder} is not a folder)")
    return folder
