"""What tests of several parts share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

OPEN = Image.open
PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; the test is skipped where there is none."""
    default = PROJECT.parent / "shared" / "data"
    folder = Path(os.environ.get("FAIRTRIAL_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data: FAIRTRIAL_TEST_DATA is not set and there is no {default}")
    return folder


@pytest.fixture(autouse=True)
def own_picture_reader() -> Iterator[None]:
    """Ultralytics, once imported, replaces Pillow's `open` for the whole process. In the product
    each stage is a process of its own; here the next test would read images with it."""
    yield
    Image.open = OPEN
