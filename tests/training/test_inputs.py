"""A pretrained checkpoint is the one that its source's manifest names."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairtrial import ChecksumError
from fairtrial.files import checksums
from fairtrial.training.inputs import inputs_of
from tests.facts import refused


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_checkpoint_that_was_changed_is_refused() -> None:
    Path("annotations.json").write_text("{}")
    checkpoint = Path("data/raw/weights/in/net.pt")
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"tensors")
    alone = inputs_of(Path("annotations.json"), {}, checkpoint)  # without a manifest
    sums = checksums.sha256_of(Path("data/raw/weights"), ["in/net.pt"])
    checksums.write_manifest(sums, Path("data/raw/weights.sha256"))
    assert inputs_of(Path("annotations.json"), {}, checkpoint) == alone
    assert alone.pretrained == sums["in/net.pt"]
    checkpoint.write_bytes(b"tensorz")
    mends = "snakemake --forcerun data/raw/weights.sha256"
    with refused(ChecksumError, "in/net.pt", mends):
        inputs_of(Path("annotations.json"), {}, checkpoint)
