"""`doctor` asks a real SLURM."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cluster import Cluster

from fairtrial.commands._profile import read_profile
from fairtrial.commands._slurm_checks import slurm

pytestmark = pytest.mark.slurm
PROFILE = Path(__file__).parents[2] / "profiles/slurm"


def test_partitions_gpus_and_limits(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{cluster.bin}:{os.environ['PATH']}")
    lines = [str(check) for check in slurm(read_profile(str(PROFILE)))]
    assert (
        "ok       SLURM, train and predict: partition gpu has gpu:1, 13 h, 32,000 MB, 8 CPUs"
        in lines
    )
    assert [line for line in lines if not line.startswith("ok")] == []
    text = (PROFILE / "config.yaml").read_text().replace("'gpu:1'", "'gpu:3'")
    (tmp_path / "config.yaml").write_text(text.replace("partition: cpu", "partition: fast"))
    lines = [str(check) for check in slurm(read_profile(str(tmp_path)))]
    assert "missing  SLURM, train and predict: partition gpu: no node has gpu:3 (gres)" in lines
    gone = "there is no partition `fast`; there are cpu, gpu (slurm_partition)"
    assert lines[0] == f"missing  SLURM, convert: {gone}"
