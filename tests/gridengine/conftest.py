"""A Grid Engine for the tests of this folder, where its packages are installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from engine import Engine, missing, running_engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    if reason := missing():
        pytest.skip(reason)
    with running_engine() as engine:
        yield engine
