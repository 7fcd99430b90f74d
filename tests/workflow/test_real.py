"""The shipped experiments on real photographs, made small: blood cells, and a little of COCO."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from project import Project

pytestmark = [pytest.mark.slow, pytest.mark.data]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Project:
    """A project whose downloads come from the folder of real data."""
    root = tmp_path_factory.mktemp("real")
    project = Project.new(root / "project", stubs=("none",)).preload()
    checkpoint = (real_data / "weights/yolov8n_coco.pt").read_bytes()
    (root / "mirror/weights").mkdir(parents=True)
    (root / "mirror/weights/yolov8n.pt").write_bytes(checkpoint)
    (root / "mirror/bccd").symlink_to(real_data / "bccd")
    sha = hashlib.sha256(checkpoint).hexdigest()  # a rebuilt checkpoint, not the official file
    project.write("config/sources/weights.sha256", f"{sha}  yolov8n.pt\n")
    project.env["FAIRTRIAL_MIRROR"] = str(root / "mirror")
    (project.root / "datasets").mkdir()
    (project.root / "datasets/coco_tiny").symlink_to(real_data / "coco2017_tiny_json")
    return project


def choose(project: Project, experiment: str, *edits: tuple[str, str]) -> dict[str, dict]:
    """Run a shipped experiment with a few texts changed; the metrics of its runs."""
    for old, new in edits:
        project.edit(f"config/experiments/{experiment}.yaml", old, new)
    project.edit("params.yaml", "experiment: compare", f"experiment: {experiment}")
    project.snakemake("--cores", "2")
    project.edit("params.yaml", f"experiment: {experiment}", "experiment: compare")
    folder = project.root / "results" / experiment
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    metrics = json.loads((folder / "metrics.json").read_text())
    return {run: figures for run, figures in metrics.items() if (folder / "runs" / run).is_dir()}


def test_blood_cells(project: Project) -> None:
    """All stages on 364 photographs; a frozen backbone is frozen; the counts are the known ones."""
    metrics = choose(
        project,
        "bccd",
        ("imgsz: 256", "imgsz: 96"),
        ("  scratch: {epochs: 12}\n", ""),
        ("epochs: 5", "epochs: 1"),
        ("warmup_epochs: 0.5", "warmup_epochs: 0"),  # its only epoch is the last
    )
    assert set(metrics) == {"finetuned-s0", "frozen-s0"}
    assert all(figures["test"]["images"] == 72 for figures in metrics.values())
    quality = json.loads((project.root / "data/clean/bccd/quality.json").read_text())
    assert quality["classes"] == {"RBC": 4153, "WBC": 372, "Platelets": 361}
    frozen, free = (backbone(project, run) for run in ("frozen-s0", "finetuned-s0"))
    initial = backbone(project, None)
    assert frozen == initial, "the frozen layers have moved"
    assert free != initial, "the free layers have not moved"


def backbone(project: Project, run: str | None) -> list[str]:
    """Hashes of the first ten layers' convolutions, of a run or of the checkpoint it began from."""
    import torch

    name = f"results/bccd/runs/{run}/weights.pt" if run else "data/raw/weights/yolov8n.pt"
    model = torch.load(project.root / name, weights_only=False)["model"]
    state = model.half().state_dict()
    layers = {str(number) for number in range(10)}
    keys = [key for key in state if key.split(".")[1] in layers and key.endswith("conv.weight")]
    assert keys
    return [hashlib.sha256(state[key].numpy().tobytes()).hexdigest() for key in sorted(keys)]


def test_a_checkpoint_as_it_is(project: Project) -> None:
    """Its 80 classes are ours by name: shifted by one, nearly nothing would be found."""
    metrics = choose(
        project,
        "coco_tiny",
        ("imgsz: 640, batch: 8", "imgsz: 320"),  # nothing is trained in batches
        ("  finetuned: {epochs: 5}\n", ""),
    )
    figures = metrics["baseline-s0"]
    assert figures["val"]["images"] == 80
    assert figures["val"]["AP50"] > 0.3
    assert "test" not in figures
    history = (project.root / "results/coco_tiny/history/baseline-s0.csv").read_text()
    assert history == "epoch\n"
