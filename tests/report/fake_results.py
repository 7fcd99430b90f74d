"""Results of an experiment as the stages would write them, made up from a few numbers.

Everything is deterministic. The metrics of runs are given by hand (`ap`) or made up: their files
have the right form, but metrics, curves and predictions do not agree with each other.
"""

from __future__ import annotations

import csv
import itertools
import json
import math
import random
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from fairtrial.data.certificate import SplitCertificate, certify
from fairtrial.data.dataset import Annotation, Dataset, Image, Splits, write
from fairtrial.data.duplicates import DoubtfulImages, ImageDuplicates
from fairtrial.data.quality import DefectReport, QualityReport
from fairtrial.files.jsonfile import write_json
from fairtrial.files.modelfile import write_model
from fairtrial.scoring import detection_calibration, operating_points
from fairtrial.scoring.detection_tables import PER_CLASS
from fairtrial.scoring.pooled_detections import PooledDetections
from fairtrial.scoring.resamples import write_resamples
from fairtrial.settings.split_rule import SplitRule
from tests.records import RECORD, resamples_of
from tests.report.fake_breakdowns import with_costs, write_breakdowns

CONFIDENCES = [i / 100 for i in range(101)]
SPLITS = {"train": 16, "val": 8, "test": 12}  # number of images
COLOURS = ["#c0392b", "#2980b9", "#27ae60", "#f39c12", "#8e44ad", "#16a085", "#7f8c8d", "#d35400"]


@dataclass
class Fake:
    """An experiment to make up below `root`.

    `configurations`: name → settings; `ap`: (configuration, seed, split) → AP by hand; `sets`:
    configuration → number of its data set; `record`: configuration → changes to record.json;
    `folds`: how many folds of one data set the numbered ones are, whose images are the same;
    `motley`: images of two sizes, and a pair in two splits that looks alike; `images`: by split;
    `image_noise`: sd of a run's metrics over other images that is its own; `units`: of these.
    """

    root: Path
    configurations: dict[str, dict[str, Any]]
    seeds: tuple[int, ...] = (0, 1, 2)
    classes: tuple[str, ...] = ("circle", "square", "triangle")
    epochs: int = 8
    test: bool = True
    ap: dict[tuple[str, int, str], float | None] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=lambda: dict(SHARED))
    record: dict[str, dict[str, Any]] = field(default_factory=dict)
    sets: dict[str, int] = field(default_factory=dict)
    folds: int = 0
    objects: int = 6
    size: int = 320
    motley: bool = False
    costs: dict[str, dict[str, float]] = field(default_factory=dict)
    groups: int = 0
    images: dict[str, int] = field(default_factory=lambda: dict(SPLITS))
    image_noise: float = 0.005
    units: int = 12

    @property
    def results(self) -> Path:
        return self.root / "results" / "compare"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def runs(self) -> list[str]:
        return [f"{name}-s{seed}" for name in self.configurations for seed in self.seeds]

    def build(self) -> Fake:
        """Write all files; returns itself."""
        datasets = {n: self._data_set(n) for n in sorted({0, *self.sets.values()})}
        for number, (name, settings) in enumerate(self.configurations.items()):
            for seed in self.seeds:
                _run(self, name, settings, seed, number, datasets[self.sets.get(name, 0)])
        return self

    def dataset(self, configuration: str) -> str:
        return self._set_name(self.sets.get(configuration, 0))

    def _set_name(self, number: int) -> str:
        return f"shapes.fold{number}" if self.folds and number else f"shapes{number or ''}"

    def _data_set(self, number: int) -> Dataset:
        rng = random.Random(0 if self.folds else number)
        source = "drawn" if self.folds else f"drawn{number or ''}"
        name = self._set_name(number)
        sizes = {k: v for k, v in self.images.items() if self.test or k != "test"}
        dataset = Dataset(categories=dict(enumerate(self.classes, 1)))
        for split, count in sizes.items():
            for _ in range(count):
                self._add_image(dataset, split, source, rng)
        if self.folds and number:
            dataset.images = [
                replace(image, split=_split_of(image.id, number, self.folds))
                for image in dataset.images
            ]
        write(dataset, self.data / "sets" / name / "annotations.json")
        write_model(
            self.data / "sets" / name / "split.json", certificate_of(dataset, source, self.motley)
        )
        counts = {"images": len(dataset.images), "objects": len(dataset.annotations)}
        quality = QUALITY.model_copy(update=counts)
        write_model(self.data / "clean" / source / "quality.json", quality)
        raw = self.data / "raw" / f"{source}.sha256"
        raw.parent.mkdir(parents=True, exist_ok=True)
        raw.write_text(f"{'0' * 64}  images/000.png\n")
        return dataset

    def _add_image(self, dataset: Dataset, split: str, source: str, rng: random.Random) -> None:
        """Draw an image with random shapes, and add it with its objects to a split."""
        number, size = len(dataset.images) + 1, self.size
        height = size // 2 if self.motley and number % 5 == 0 else size * 3 // 4
        group = f"{split} {number % self.groups}" if self.groups else None
        image = Image(number, f"{number:03}.png", size, height, f"{number:064}", group, split)
        dataset.images.append(image)
        picture = Picture.new("RGB", (image.width, image.height), "#dfe6e9")
        pen = ImageDraw.Draw(picture)
        for _ in range(rng.randint(1, self.objects)):
            category = min(int(rng.expovariate(2.2 / len(self.classes))), len(self.classes) - 1) + 1
            length = round(size * 0.09 * math.exp(abs(rng.gauss(0, 0.5))))
            x = rng.randint(0, image.width - length)
            y = rng.randint(0, image.height - length)
            box = (float(x), float(y), float(length), float(length))
            shape = (pen.ellipse, pen.rectangle)[category % 2]
            shape([x, y, x + length, y + length], fill=COLOURS[category % len(COLOURS)])
            new_id = len(dataset.annotations) + 1
            area = box[2] * box[3]
            dataset.annotations.append(Annotation(number, category, box, area, False, new_id))
        path = self.data / "clean" / source / "images" / image.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)


SHARED = {
    "model": "yolov8n",
    "epochs": 8,
    "imgsz": 640,
    "batch": 16,
    "optimizer": "AdamW",
    "lr0": 0.001,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "augment": {"mosaic": 1.0, "fliplr": 0.5},
}
QUALITY = QualityReport(
    images=36,
    negatives=0,
    objects=128,
    classes={"circle": 60},
    class_map=[],
    defects={
        "unreadable_image": DefectReport(
            explanation="The file cannot be decoded as an image.",
            rule="drop_image",
            action="image dropped",
            count=1,
            cases=["bad.png"],
        ),
        "box_beyond_image": DefectReport(
            explanation="The box reaches beyond the image.",
            rule="repair",
            action="cut to the image",
            count=3,
            cases=["1.png", "2.png", "3.png"],
        ),
    },
)
HARDWARE = {"cpu": "Example CPU 9", "cores": 8, "threads": 8, "memory_gb": 32, "gpu": "H100"}
VERSIONS = {"python": "3.11.9", "torch": "2.15.0", "ultralytics": "8.4.190", "numpy": "2.4.6"}


def _split_of(image_id: int, fold: int, folds: int) -> str:
    """The split of an image in a fold: each image is once in test, and once in val."""
    return {fold % folds: "test", (fold + 1) % folds: "val"}.get(image_id % folds, "train")


def certificate_of(dataset: Dataset, source: str, motley: bool) -> SplitCertificate:
    splits: Splits = {split: [i.id for i in dataset.images if i.split == split] for split in SPLITS}
    pair = DoubtfulImages((1, len(dataset.images)), distance=4, difference=0.123)
    return certify(
        source=source,
        dataset=dataset,
        splits=splits,
        options=SplitRule(method="grouped"),
        allow=[],
        class_map={name: name for name in dataset.categories.values()},
        duplicates=ImageDuplicates([], [], [pair] if motley else []),
        leaks=[],
    )


def _run(
    fake: Fake, name: str, settings: dict[str, Any], seed: int, number: int, dataset: Dataset
) -> None:
    """Write all files of one run; `number` is that of its configuration."""
    run, rng = f"{name}-s{seed}", random.Random(f"{name}{seed}")
    folder = fake.results / "runs" / run
    level = 0.45 + 0.25 * math.sin(number * 1.3) ** 2 + rng.gauss(0, 0.01)
    splits = ("val", "test") if fake.test else ("val",)
    aps = {s: fake.ap.get((name, seed, s), level - (0.02 if s == "test" else 0)) for s in splits}
    write_json(folder / "record.json", _record(fake, name, settings, seed, number))
    _history(fake, run, rng, level)
    metrics = {s: _metrics(aps[s], dataset, s) for s in splits}
    scored = {"confidence": 0.41, "iou": 0.5, "val": metrics["val"], "test": metrics.get("test")}
    write_json(folder / "metrics.json", scored)
    costs = write_breakdowns(folder, dataset, splits, level, rng, fake.costs.get(name))
    resamples = resamples_of(scored, run, units=fake.units, own=fake.image_noise)
    write_resamples(folder / "resamples.npz", with_costs(resamples, costs, run))
    _per_class(folder, splits, level, dataset, rng)
    _curves(folder, splits, level)
    _confusion(folder, splits, level, dataset, rng)
    _operating_points(folder, splits, level, dataset, f"{name}{seed}")
    for split in splits:
        _predictions(folder / "predictions" / f"{split}.json", dataset, split, level, rng)
    speed = 2.5 + number * 0.8 + rng.random() * 0.1
    write_json(
        folder / "speed.json",
        {
            "images": 100, "batch": 1, "imgsz": 640, "device": "H100", "threads": 8,
            "precision": "fp32", "unit": "ms", "median": speed, "q1": speed * 0.96,
            "q3": speed * 1.07,
            "parts": {"preprocess": 0.4, "inference": speed - 0.9, "postprocess": 0.5},
        },
    )  # fmt: skip


def _record(
    fake: Fake, name: str, settings: dict[str, Any], seed: int, number: int
) -> dict[str, Any]:
    dataset = fake.dataset(name)
    return RECORD | {
        "run": f"{name}-s{seed}", "configuration": name, "seed": seed, "dataset": dataset,
        "backend": "ultralytics",
        "settings": {**fake.shared, **_epochs(fake), **settings, "seed": seed},
        "key": f"{number:02}{seed:02}" * 16, "code": "c0de" * 16,
        "versions": dict(VERSIONS), "hardware": dict(HARDWARE), "commit": "f00d" * 10,
        "dirty": False, "slurm": None, "seconds": 1000.0 + 100 * number + seed,
        "gpu_seconds": 900.0, "adopted": False,
        "model": {"parameters": 3_000_000 + 700_000 * number, "gflops": 8.1 + number, "layers": 9},
        "best_epoch": max(fake.epochs - 1, 0) or None, "epochs_run": fake.epochs,
        **fake.record.get(name, {}),
    }  # fmt: skip


def _epochs(fake: Fake) -> dict[str, int]:
    return {"epochs": fake.epochs} if "epochs" in fake.shared else {}


def _history(fake: Fake, run: str, rng: random.Random, level: float) -> None:
    parts = ("box", "cls", "dfl")
    columns = ["epoch", *(f"{s}/{p}_loss" for s in ("train", "val") for p in parts)]
    columns += ["val/precision", "val/recall", "val/AP50", "val/AP", "lr"]
    rows = []
    for epoch in range(1, fake.epochs + 1):
        falls = math.exp(-epoch / 4)
        losses = [1 + falls * 2 + 0.05 * rng.random() + 0.2 * i for i in range(6)]
        rises = 1 - falls
        scores = [rises * (level + d) + 0.02 * rng.random() for d in (0.2, 0.15, 0.25, 0)]
        rows.append([epoch, *losses, *scores, 0.001])
    _csv(fake.results / "history" / f"{run}.csv", columns, rows)


def _metrics(ap: float | None, dataset: Dataset, split: str) -> dict[str, float | None]:
    ids = _image_ids(dataset, split)
    names = ["AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"]
    names += ["AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large"]
    metrics: dict[str, float | None] = dict.fromkeys(names, ap)
    if ap is None:
        metrics |= dict.fromkeys(("precision", "recall", "f1"))
    else:
        metrics |= {"AP50": min(1.0, ap + 0.2) if ap else 0.0, "AP_large": None}
        metrics |= {"precision": ap + 0.15, "recall": ap + 0.1, "f1": ap + 0.12}
    objects = sum(a.image_id in ids for a in dataset.annotations)
    return metrics | {"images": len(ids), "objects": objects}


def _image_ids(dataset: Dataset, split: str) -> set[int]:
    return {image.id for image in dataset.images if image.split == split}


def _per_class(
    folder: Path, splits: Sequence[str], level: float, dataset: Dataset, rng: random.Random
) -> None:
    rows: list[list[Any]] = []
    for split in splits:
        ids = _image_ids(dataset, split)
        for category, name in dataset.categories.items():
            objects = [a for a in dataset.annotations if a.category_id == category]
            objects = [a for a in objects if a.image_id in ids]
            ap = min(1, max(0, level + rng.gauss(0, 0.12)))
            metrics = [ap, min(1, ap + 0.2), min(1, ap + 0.15), min(1, ap + 0.1), ap]
            images = len({a.image_id for a in objects})
            errors = [0.4 / math.sqrt(max(len(objects), 1))] * 5
            cells = [*metrics, images, *errors] if objects else ["", "", "", "", "", 0, *[""] * 5]
            rows.append([split, name, images, len(objects), *cells])
    _csv(folder / "per_class.csv", list(PER_CLASS), rows)


def _curves(folder: Path, splits: Sequence[str], level: float) -> None:
    rows = []
    for split in splits:
        for x in CONFIDENCES:
            recall = max(0.0, min(1.0, level + 0.35) * (1 - x**2))
            precision = 1 - (1 - level) * (1 - x) ** 2
            f1 = 2 * precision * recall / (precision + recall)
            rows.append([split, "precision_recall", x, max(0.0, 1 - x ** (4 * level + 1))])
            rows.append([split, "precision_confidence", x, precision])
            rows.append([split, "recall_confidence", x, recall])
            rows.append([split, "f1_confidence", x, f1])
    rows.sort(key=lambda row: (row[0], row[1]))
    _csv(folder / "curves.csv", ["split", "curve", "x", "y"], rows)


def _operating_points(
    folder: Path, splits: Sequence[str], level: float, dataset: Dataset, seed: str
) -> None:
    """Operating points and calibration, of detections that fit each other."""
    pooled = {split: _pooled(dataset, split, level, f"{seed}{split}") for split in splits}
    points = operating_points.rows(pooled, (0.9,), (0.9,))
    bins = detection_calibration.rows(pooled)
    for name, header, rows in (
        ("operating_points", operating_points.OPERATING_POINTS, points),
        ("calibration", detection_calibration.CALIBRATION, bins),
    ):
        cells = [["" if cell is None else cell for cell in row] for row in rows]
        _csv(folder / f"{name}.csv", list(header), cells)


def _pooled(dataset: Dataset, split: str, level: float, seed: str) -> PooledDetections:
    """Ten detections an object, of which one at most is right; the surer the likelier."""
    ids = _image_ids(dataset, split)
    of_split = [a.category_id - 1 for a in dataset.annotations if a.image_id in ids]
    rng = np.random.default_rng(zlib.crc32(seed.encode()))
    found = rng.random(len(of_split)) < level + 0.3
    right = np.clip(rng.normal(level + 0.2, 0.2, int(found.sum())), 0.001, 1)
    wrong = np.clip(rng.exponential(0.08, 9 * len(of_split)), 0.001, 1)
    classes = np.array(of_split, dtype=np.int64)
    confidence = np.concatenate([right, wrong])
    order = np.argsort(-confidence, kind="stable")
    every = np.concatenate([classes[found], rng.integers(0, len(dataset.categories), len(wrong))])
    return PooledDetections(
        images=len(ids),
        objects=np.bincount(classes, minlength=len(dataset.categories)),
        classes=every[order],
        confidence=confidence[order],
        matched=order < len(right),
    )


def _confusion(
    folder: Path, splits: Sequence[str], level: float, dataset: Dataset, rng: random.Random
) -> None:
    names: list[str] = [*dataset.categories.values(), "background"]
    rows: list[list[Any]] = []
    for split in splits:
        ids = _image_ids(dataset, split)
        objects = Counter(
            dataset.categories[a.category_id] for a in dataset.annotations if a.image_id in ids
        )
        for truth, predicted in itertools.product(names, names):
            if truth == predicted:
                count = round(objects[truth] * (level + 0.2))
            else:
                count = rng.randint(0, 3) if rng.random() < min(1, 6 / len(names)) else 0
            rows.append([split, truth, predicted, count])
    _csv(folder / "confusion.csv", ["split", "truth", "predicted", "count"], rows)


def _predictions(
    path: Path, dataset: Dataset, split: str, level: float, rng: random.Random
) -> None:
    ids = _image_ids(dataset, split)
    detections: list[dict[str, Any]] = []
    for a in dataset.annotations:
        if a.image_id not in ids or a.bbox is None:
            continue
        box = [round(v + rng.gauss(0, 1.5), 2) for v in a.bbox]
        category = a.category_id if rng.random() < 0.9 else rng.choice(list(dataset.categories))
        score = round(min(1, max(0.01, rng.gauss(level + 0.2, 0.2))), 4)
        detection = {"image_id": a.image_id, "category_id": category}
        detections.append(detection | {"bbox": box, "score": score})
    detections.sort(key=lambda d: (d["image_id"], -d["score"]))
    write_json(path, detections)


def _csv(path: Path, columns: list[str], rows: list[list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
