from pathlib import Path

import pytest
from raw_source import Raw


@pytest.fixture
def raw(tmp_path: Path) -> Raw:
    return Raw(tmp_path)
