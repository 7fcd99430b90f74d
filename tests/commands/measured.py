"""A project folder with a small data set and a run on it, for commands that measure models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tests.backends.tiny import draw, draw_classes
from tests.certificates import certificate
from tests.records import a_record, classification_metrics, detection_metrics

from fairtrial.data import dataset
from fairtrial.data.dataset import SplitDataset
from fairtrial.files.modelfile import write_model

ROOT = Path(__file__).parents[2]
RUN = Path("results/one/runs/a-s0")


def make_set(name: str = "shapes", images: int = 9, classes: bool = False) -> SplitDataset:
    """data/ with a set of so many drawn images, every third one in val and in test each; all
    paths are relative to the working directory, which becomes a project."""
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    folder = Path("data/clean", name, "images")
    folder.mkdir(parents=True)
    drawn = (draw_classes if classes else draw)(folder, images)
    ids = [image.id for image in drawn.dataset.images]
    splits = {"train": ids[0::3], "val": ids[1::3], "test": ids[2::3]}
    place = Path("data/sets", name)
    place.mkdir(parents=True)
    dataset.write(drawn.dataset, place / "annotations.json")
    write_model(place / "split.json", certificate(**splits, source=name))
    return SplitDataset(drawn.dataset, splits, folder)


EXPERIMENT = """\
title: Which one?
base: {{backend: networks, model: mlp, widths: [8], dataset: shapes, imgsz: 8, batch: 2,
  epochs: {epochs}, optimizer: SGD, lr0: 0.01, momentum: 0.0, seed: 0}}
runs:
  plain: {{}}
  other: {{seed: 1}}
"""
DATA_SET = "source: shapes\nsplit: {method: random, seed: 0, val: 0.2, test: 0.2}\n"


def make_experiment(name: str, images: int, epochs: int) -> None:
    """Such a set with classes of whole images, and an experiment on it that was never run."""
    make_set("shapes", images, classes=True)
    shutil.copytree(ROOT / "config/sources", "config/sources")
    experiment = EXPERIMENT.format(epochs=epochs)
    for kind, text in ((f"experiments/{name}", experiment), ("datasets/shapes", DATA_SET)):
        path = Path("config", f"{kind}.yaml")
        path.parent.mkdir(parents=True)
        path.write_text(text)


def make_run(weights: Path | None = None, classes: bool = False, **record: Any) -> None:
    """A finished run `one/a-s0` on the set `shapes`."""
    RUN.mkdir(parents=True)
    if weights is None:
        (RUN / "weights.pt").write_text("weights")
    else:
        shutil.copy(weights, RUN / "weights.pt")
    content = a_record(dataset="shapes", **{"settings": {"imgsz": 64}, **record})
    (RUN / "record.json").write_text(json.dumps(content))
    metrics = classification_metrics() if classes else detection_metrics(confidence=0.35)
    (RUN / "metrics.json").write_text(json.dumps(metrics))
