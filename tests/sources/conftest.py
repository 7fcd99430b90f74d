import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from web import Web

FILES = {f"{'ab'[n % 2]}/{n}.bin": bytes([n]) * (1000 + n) for n in range(12)}


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web(dict(FILES))
    yield web
    web.close()


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """The manifest of what the server serves."""
    path = tmp_path / "files.sha256"
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    path.write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    return path
