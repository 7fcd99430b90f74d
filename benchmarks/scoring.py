"""What it costs to score a run: `validate` with 1,000 resamples beside bare pycocotools.

    python benchmarks/scoring.py [--images 5000] [--classes 80] [--objects 35000]
        [--detections 300000]

Draws a set with skewed classes and the detections of a model on it, then runs in turn, each as a
process of its own: pycocotools' evaluate and accumulate; what `validate` does with test, step by
step; and the command itself, from JSON to all of its files. Printed: seconds by the clock, then
those of the processor, and the most memory used.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT / "workflow"), str(PROJECT)]

from tests.certificates import write_certificate  # noqa: E402

from fairtrial.data import dataset  # noqa: E402
from fairtrial.data.dataset import Annotation, Dataset, Image  # noqa: E402
from fairtrial.scoring import (  # noqa: E402
    coco_metrics,
    confusion,
    curves,
    error_costs,
    error_kinds,
    matching,
    predictions,
    resampling,
    weighted_metrics,
)
from fairtrial.stages.validate import validate as stage  # noqa: E402

SETTINGS = {"task": "detect", "iou": 0.5, "max_det": 100}
VAL = 50  # images of val, on which the confidence is chosen
INPUTS = ("annotations", "split", "val", "test")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, count in (("images", 5000), ("classes", 80), ("objects", 35_000)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--detections", type=int, default=300_000)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        PARTS[arguments.part](arguments.folder)
        return
    folder = Path(tempfile.mkdtemp())
    draw(folder, arguments)
    for name, part in (("pycocotools, evaluate + accumulate", "bare"), ("parts", "parts")):
        own = (sys.executable, __file__, "--part", part, "--folder", folder)
        measure(name, *own)
    measure("validate", *validate(folder))


def measure(name: str, *command: object) -> None:
    """Run a process, and print its seconds and MiB."""
    start = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=sys.stdout)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {command}")
    seconds, processor = time.monotonic() - start, usage.ru_utime + usage.ru_stime
    memory = usage.ru_maxrss / 1024
    print(
        f"{name}: {seconds:.1f} s, {processor:.1f} of the processor, {memory:.0f} MiB", flush=True
    )


def validate(folder: Path) -> list[object]:
    launcher = PROJECT / "workflow/fairtrial_command.py"
    flags: list[object] = ["--settings", json.dumps(SETTINGS)]
    for name in set(inspect.signature(stage).parameters) - {"settings"}:
        path = folder / f"{name}.json" if name in INPUTS else folder / "out" / name
        flags += [f"--{name.replace('_', '-')}", path]
    return [sys.executable, launcher, "validate", *flags]


# --------------------------------------------------------------------------- drawn data


def draw(folder: Path, size: argparse.Namespace) -> None:
    """Write annotations.json, split.json, val.json and test.json."""
    rng = np.random.default_rng(0)
    images = [
        Image(n, f"{n:06}.png", 640, 480, f"{n:064}") for n in range(1, size.images + VAL + 1)
    ]
    share = 1 / np.arange(1, size.classes + 1)
    count = round(size.objects * len(images) / size.images)
    classes = rng.choice(size.classes, count, p=share / share.sum()) + 1
    places = rng.integers(1, len(images) + 1, count)
    boxes = drawn_boxes(rng, count)
    truth = Dataset(
        images,
        [
            Annotation(int(image), int(number), tuple(box), box[2] * box[3], crowd, n)
            for n, (image, number, box, crowd) in enumerate(
                zip(places, classes, boxes.tolist(), rng.random(count) < 0.01, strict=True), 1
            )
        ],
        {n: f"class {n}" for n in range(1, size.classes + 1)},
    )
    dataset.write(truth, folder / "annotations.json")
    test, val = [*range(1, size.images + 1)], [*range(size.images + 1, len(images) + 1)]
    write_certificate(folder / "split.json", [], val, test)
    rows = drawn_detections(rng, (places, classes, boxes), len(images), size)
    for name, ids in (("val", set(val)), ("test", set(test))):
        inside = [row for row in rows if row["image_id"] in ids]
        (folder / f"{name}.json").write_text(json.dumps(inside))
        print(f"{name}: {len(ids)} images, {len(inside)} detections", flush=True)


def drawn_boxes(rng: np.random.Generator, count: int) -> Any:
    sides = np.exp(rng.normal(4, 0.8, (count, 2))).clip(4, 400)
    corners = rng.random((count, 2)) * (np.array([640, 480]) - sides).clip(1)
    return np.concatenate([corners, sides], axis=1).round(2)


def drawn_detections(
    rng: np.random.Generator, objects: tuple[Any, Any, Any], images: int, size: argparse.Namespace
) -> list[dict[str, Any]]:
    """Two near each object, of which the second is less sure, and the rest anywhere."""
    places, classes, boxes = objects
    total = round(size.detections * images / size.images)
    parts = []
    for spread, mean in ((0.06, 0.5), (0.2, -1.0)):
        scale = np.tile(boxes[:, 2:], 2)
        near = boxes + rng.normal(0, spread, boxes.shape) * scale
        parts.append((places, classes, near, rng.normal(mean, 1, len(boxes))))
    rest = total - 2 * len(boxes)
    anywhere = rng.integers(1, images + 1, rest), rng.choice(classes, rest)
    parts.append((*anywhere, drawn_boxes(rng, rest), rng.normal(-2.5, 1, rest)))
    image, number, box, level = (np.concatenate(part) for part in zip(*parts, strict=True))
    box[:, 2:] = box[:, 2:].clip(1)
    columns = (image.tolist(), number.tolist(), box.round(3).tolist())
    scores = (1 / (1 + np.exp(-level))).round(6).tolist()
    return [
        {"image_id": i, "category_id": c, "bbox": b, "score": s}
        for i, c, b, s in zip(*columns, scores, strict=True)
    ]


# --------------------------------------------------------------------------- parts


def bare(folder: Path) -> None:
    """pycocotools alone, its index made before the clock starts."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    whole = json.loads((folder / "annotations.json").read_text())
    ids = set(json.loads((folder / "split.json").read_text())["test"])
    whole["images"] = [row for row in whole["images"] if row["id"] in ids]
    whole["annotations"] = [row for row in whole["annotations"] if row["image_id"] in ids]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = whole
        truth.createIndex()
        found = truth.loadRes(str(folder / "test.json"))
        evaluation = COCOeval(truth, found, "bbox")
    clock = Clock()
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
    clock.tell("evaluate + accumulate")
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.summarize()
    print(f"  AP {evaluation.stats[0]!r}", flush=True)


class Clock:
    def __init__(self) -> None:
        self.start, self.busy = time.monotonic(), time.process_time()

    def tell(self, name: str) -> None:
        """Print the seconds since the last call, by the clock and of the processor."""
        seconds, busy = time.monotonic() - self.start, time.process_time() - self.busy
        print(f"  {name}: {seconds:.2f} s, {busy:.2f}", flush=True)
        self.start, self.busy = time.monotonic(), time.process_time()


def parts(folder: Path) -> None:
    """What `validate` does with test, step by step."""
    clock = Clock()
    whole = dataset.read(folder / "annotations.json")
    truth = whole.on_images(json.loads((folder / "split.json").read_text())["test"])
    clock.tell("reading the set")
    content = json.loads((folder / "test.json").read_text())
    ids = {image.id for image in truth.images}
    found = predictions.parse(content, "test.json", ids, truth.categories)
    clock.tell("reading the detections")
    pairs = matching.overlaps(truth, found)
    clock.tell("overlaps")
    sizes = matching.by_size(pairs)
    clock.tell("matching")
    evaluation = coco_metrics.evaluate(sizes)
    clock.tell("COCO's twelve metrics")
    print(f"  AP {coco_metrics.metrics(evaluation)['AP']!r}")
    one_iou = matching.match_pairs(pairs, [0.5])
    classes = curves.ranked(one_iou)
    curves.best_confidence(classes)
    clock.tell("the best confidence, were this val")
    confusion.matrix(truth, predictions.strongest(found, 100), 0.25, 0.5)
    clock.tell("confusion matrix")
    weights = resampling.draw(truth.images, [], "images", "1").weights
    clock.tell("drawing 1,000 resamples")
    for name, matches in sizes.items():
        weighted_metrics.average_precisions(matches, weights)
        clock.tell(f"resamples: AP of {name}")
    for name, max_det in (("all", 1), ("all", 10), *((name, 100) for name in sizes)):
        weighted_metrics.average_recall(sizes[name], max_det, weights)
    clock.tell("resamples: six AR")
    weighted_metrics.macro_rates(*weighted_metrics.rate_counts(one_iou, 0.25, weights))
    clock.tell("resamples: precision, recall, F1")
    errors = error_kinds.find(truth, found)
    clock.tell("kinds of error")
    error_costs.costs(errors, weights)
    clock.tell("resamples: costs of the kinds of error")


PARTS: dict[str, Callable[[Path], None]] = {"bare": bare, "parts": parts}

if __name__ == "__main__":
    main()
