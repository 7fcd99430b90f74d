"""predict: several images at once give the file that single ones give, and are timed if asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.commands.measured import ROOT, make_set

from fairtrial.__main__ import main
from fairtrial.backends import _networks_model as networks
from fairtrial.backends._networks_settings import Settings, architecture_of
from fairtrial.files.yamlfile import read_yaml
from fairtrial.training.speed import read_speed


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a set of 30 images of classes, and a drawn network for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fairtrial.stages.predict.with_unchanged_images", lambda data: data)
    make_set("shapes", 30, classes=True)
    params = read_yaml(ROOT / "params.yaml") | {"model": "cnn", "blocks": [8], "imgsz": 16}
    settings = Settings.model_validate({n: params[n] for n in Settings.model_fields if n in params})
    torch.manual_seed(0)
    mean = torch.full((3,), 128.0)
    net = networks.build(architecture_of(settings), 3, mean, mean / 2)
    networks.save(Path("weights.pt"), settings, ["red", "green", "blue"], net.state_dict())
    return tmp_path


def predicted(name: str, **settings: Any) -> dict[str, list[dict[str, Any]]]:
    """What the stage writes with these settings: split → rows."""
    content = {"task": "classify", "backend": "networks", "imgsz": 16, "speed_images": 100}
    outputs = {n: f"{name}/{n}.json" for n in ("val", "test", "speed")}
    call = {
        "settings": json.dumps(content | settings),
        "weights": "weights.pt",
        "images": "data/clean/shapes/images",
        "annotations": "data/sets/shapes/annotations.json",
        "split": "data/sets/shapes/split.json",
        "threads": "1",
    } | outputs
    flags = [part for flag, value in call.items() for part in (f"--{flag}", value)]
    assert main(["predict", *flags]) == 0
    return {split: json.loads(Path(outputs[split]).read_text()) for split in ("val", "test")}


def test_batches_write_what_single_images_write_in_the_same_order(project: Path) -> None:
    """Ten images each, in batches of four: also the last one, which is smaller."""
    alone, together = predicted("alone"), predicted("together", batch=4, batches=[4, 1])
    for split, rows in alone.items():
        others = together[split]
        assert len(rows) == 10
        assert [row["image_id"] for row in rows] == [row["image_id"] for row in others]
        for row, other in zip(rows, others, strict=True):
            assert other["scores"] == pytest.approx(row["scores"], abs=1e-6)
    assert len({tuple(row["scores"]) for row in alone["val"]}) == 10, "else no order is seen"


def test_the_file_of_times_has_the_batches_that_were_asked_for(project: Path) -> None:
    predicted("asked", batches=[4, 1])
    asked = read_speed(Path("asked/speed.json"))
    assert (asked.batch, asked.images) == (1, 100)
    assert [(speed.batch, speed.images) for speed in asked.batches] == [(1, 100), (4, 100)]
    for speed in asked.batches:
        assert speed.median is not None and speed.median > 0
        assert speed.peak_mb is not None and speed.peak_mb > 50
    predicted("plain", batch=4)
    assert "batches" not in json.loads(Path("plain/speed.json").read_text())
