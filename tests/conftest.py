"""What tests of several parts share."""

import os
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest
from PIL import Image

OPEN = Image.open
PROJECT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that none is left to run alone in the end; among those that compute,
    those of SLURM, which mostly wait."""
    by_file: dict[Path, list[pytest.Item]] = {}
    for item in items:
        by_file.setdefault(item.path, []).append(item)
    has = {
        name: [p for p, own in by_file.items() if any(i.get_closest_marker(name) for i in own)]
        for name in ("slurm", "slow")
    }
    computing = [path for path in has["slow"] if path not in has["slurm"]]
    rows = zip_longest(has["slurm"], computing[::2], computing[1::2])
    first = [path for row in rows for path in row if path]
    paths = dict.fromkeys([*first, *by_file])
    items[:] = [item for path in paths for item in by_file[path]]


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
