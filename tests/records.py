"""Whole record.json, metrics.json and resamples.npz for tests, which change what they are about."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from fairtrial.scoring.resamples import Resamples, ResamplesFile
from fairtrial.scoring.scores import ClassificationMetrics, DetectionMetrics
from fairtrial.training.record import RunRecord

RECORD: dict[str, Any] = {
    "run": "a-s0",
    "configuration": "a",
    "dataset": "shapes",
    "seed": 0,
    "backend": "ultralytics",
    "settings": {"epochs": 2, "seed": 0},
    "key": "0" * 32,
    "code": "c0de" * 8,
    "inputs": {"annotations": "a" * 64, "split": "b" * 32, "pretrained": None, "continues": None},
    "continued_from": None,
    "adopted": False,
    "best_epoch": 2,
    "epochs_run": 2,
    "model": {"parameters": 3_000_000, "gflops": 8.1, "layers": 9},
    "weights_sha256": "d" * 64,
    "deviations": [],
    "seconds": 12.5,
    "gpu_seconds": None,
    "hardware": {"cpu": "Example", "cores": 8, "threads": 1, "memory_gb": 32.0, "gpu": None},
    "versions": {"python": "3.11.9"},
    "commit": "f00d" * 10,
    "dirty": False,
    "slurm": None,
    "attempts": [],
    "resumed": False,
}


def a_record(**changed: Any) -> dict[str, Any]:
    """The content of a valid record.json. Raises ValidationError for a key that it cannot have."""
    content = RECORD | changed
    return RunRecord.model_validate(content).model_dump(mode="json")


def detection_metrics(value: float = 0.5, **changed: Any) -> dict[str, Any]:
    """The content of a valid metrics.json of the task `detect`, all metrics of which are equal."""
    split = dict.fromkeys(DetectionMetrics.model_fields, value) | {"images": 1, "objects": 1}
    return {"confidence": 0.35, "iou": 0.5, "val": split, "test": split} | changed


def classification_metrics(value: float = 0.5) -> dict[str, Any]:
    """The same of the task `classify`."""
    split = dict.fromkeys(ClassificationMetrics.model_fields, value) | {"images": 1, "objects": 1}
    return {"val": split, "test": split}


def resamples_of(
    metrics: Mapping[str, Any],
    run: str = "",
    *,
    units: int = 12,
    unit_name: str = "images",
    shared: float = 0.02,
    own: float = 0.005,
    resamples: int = 1000,
) -> ResamplesFile:
    """Resamples that fit a metrics.json: each metric is normal around its value there. Of its
    standard deviation `shared` is the images', equal in all runs, so that it cancels in a
    difference; `own` is drawn for each `run` by its name. An undefined metric is NaN."""
    splits = {}
    for number, split in enumerate(("val", "test")):
        if metrics.get(split) is None:
            continue
        of_images = np.random.default_rng(number).standard_normal(resamples)
        of_run = np.random.default_rng([number, zlib.crc32(run.encode())])
        values = {
            name: np.full(resamples, np.nan if value is None else value)
            + shared * of_images
            + own * of_run.standard_normal(resamples)
            for name, value in metrics[split].items()
            if name not in ("images", "objects")
        }
        splits[split] = Resamples(units, unit_name, values)
    return ResamplesFile(splits)
