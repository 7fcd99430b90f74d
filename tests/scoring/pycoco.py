"""pycocotools, the authority on detection metrics, called on our sets; and sets drawn at random."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.scoring.predictions import ImageDetection

SIZES = ("all", "small", "medium", "large")  # in pycocotools' order


def standard(truth: Dataset, detections: Sequence[ImageDetection]) -> Any:
    """COCOeval of COCO's own protocol, evaluated and accumulated."""
    return _accumulated(_coco_eval(truth, detections))


def at_one_iou(
    truth: Dataset, detections: Sequence[ImageDetection], iou: float, max_det: int
) -> Any:
    """COCOeval at one IoU threshold, all areas, `max_det` detections an image and class."""
    evaluation = _coco_eval(truth, detections)
    evaluation.params.iouThrs = np.array([iou])
    evaluation.params.maxDets = [max_det]
    evaluation.params.areaRng = evaluation.params.areaRng[:1]
    evaluation.params.areaRngLbl = ["all"]
    return _accumulated(evaluation)


def with_max_dets(truth: Dataset, detections: Sequence[ImageDetection], count: int) -> Any:
    """COCOeval of COCO's protocol, but for the largest number of detections."""
    evaluation = _coco_eval(truth, detections)
    evaluation.params.maxDets = [min(1, count), min(10, count), count]
    return _accumulated(evaluation)


def mean_defined(values: Any) -> float | None:
    """The mean of what is not -1, as `summarize` takes it; None of nothing."""
    present = values[values > -1]
    return float(np.mean(present)) if len(present) else None


def stats(evaluation: Any) -> list[float | None]:
    """The twelve metrics of `standard`; None where COCO has -1."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.summarize()
    return [None if value < 0 else float(value) for value in evaluation.stats]


def summary(evaluation: Any) -> str:
    """What `summarize` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        evaluation.summarize()
    return out.getvalue()


def matches(evaluation: Any, area: int = 0) -> tuple[Any, ...]:
    """Image, class, confidence, matched (T, D) and ignored (T, D) of all detections, in the order
    in which `accumulate` ranks them class by class; () without any."""
    params = evaluation.params
    images, areas = len(params.imgIds), len(params.areaRng)
    classes = []
    for number in range(len(params.catIds)):
        first = (number * areas + area) * images
        found = enumerate(evaluation.evalImgs[first : first + images])
        results = [(image, result) for image, result in found if result is not None]
        if not results:
            continue
        confidence = np.concatenate([result["dtScores"] for _, result in results])
        order = np.argsort(-confidence, kind="mergesort")
        image = np.concatenate([np.full(len(r["dtScores"]), image) for image, r in results])
        matched = np.concatenate([r["dtMatches"] > 0 for _, r in results], axis=1)
        ignored = np.concatenate([r["dtIgnore"].astype(bool) for _, r in results], axis=1)
        hits = matched & ~ignored
        of_class = np.full(len(order), number)
        rows = image[order], of_class, confidence[order], hits[:, order], ignored[:, order]
        classes.append(rows)
    return tuple(np.concatenate(part, axis=-1) for part in zip(*classes, strict=True))


def drawn(seed: int, *, ties_within: bool = True) -> tuple[Dataset, list[ImageDetection]]:
    """A few images full of overlapping boxes at the edges of COCO's ranges of areas, with crowds,
    equal boxes and equal confidences, and now and then an empty image or class.

    Without `ties_within` no two detections of one image and class have equal confidences.
    """
    rng = np.random.default_rng(seed)
    images = np.sort(rng.choice(50, rng.integers(1, 6), replace=False)) + 1
    classes = np.sort(rng.choice(20, rng.integers(1, 4), replace=False)) + 1

    def place() -> tuple[int, int]:
        return int(rng.choice(images)), int(rng.choice(classes))

    def box() -> tuple[float, float, float, float]:
        side = float(rng.choice([20, 31, 32, 33, 60, 95, 96, 97, 200]))
        x, y = rng.integers(0, 4, 2) * side / 4
        return float(x), float(y), side, side * float(rng.choice([1, 1, 0.9, 1.1]))

    objects = []
    for number in range(1, rng.integers(2, 26)):
        b = box()
        area = b[2] * b[3] * float(rng.choice([1, 0.5]))
        objects.append(Annotation(*place(), b, area, bool(rng.random() < 0.15), number))
    detections = []
    for _ in range(rng.integers(0, 60)):
        where, b = place(), box()
        if rng.random() < 0.6:
            target = objects[rng.integers(len(objects))]
            assert target.bbox
            where = target.image_id, target.category_id
            x, y, w, h = (v + float(rng.choice([0, 0, 0, 1, 3, 5])) for v in target.bbox)
            b = x, y, w, h
        coarse = rng.random() < 0.7
        confidence = rng.integers(1, 6) / 5 if coarse else rng.random()
        detections.append(ImageDetection(*where, b, float(confidence)))
    detections.sort(key=lambda d: (d.image_id, -d.confidence))
    if not ties_within:
        first = {(d.image_id, d.category_id, d.confidence): d for d in reversed(detections)}
        detections = list(reversed(first.values()))
    truth = Dataset(
        [Image(int(i), f"{i}.png", 1000, 1000) for i in images],
        objects,
        {int(k): f"class {k}" for k in classes},
    )
    return truth, detections


def repeated(
    truth: Dataset, detections: Sequence[ImageDetection], weights: Sequence[int]
) -> tuple[Dataset, list[ImageDetection]]:
    """The set in which each image really is there so many times, with its detections."""
    by_image = truth.by_image()
    copies = [image for image, n in zip(truth.images, weights, strict=True) for _ in range(n)]
    images, objects, found = [], [], []
    for number, image in enumerate(copies, 1):
        images.append(Image(number, image.file_name, image.width, image.height))
        objects += [
            Annotation(number, a.category_id, a.bbox, a.area, a.iscrowd) for a in by_image[image.id]
        ]
        found += [d._replace(image_id=number) for d in detections if d.image_id == image.id]
    return Dataset(images, objects, truth.categories), found


def _coco_eval(truth: Dataset, detections: Sequence[ImageDetection]) -> Any:
    # Numbered here from 1: pycocotools takes an object with id 0 for "no match".
    objects = [
        _row(number, a, a.area, int(a.iscrowd)) for number, a in enumerate(truth.annotations, 1)
    ]
    # What COCO.loadRes makes of them; that fails on an empty list.
    results = [
        _row(number, d, d.bbox[2] * d.bbox[3], 0) | {"score": d.confidence}
        for number, d in enumerate(detections, 1)
    ]
    return COCOeval(_coco(truth, objects), _coco(truth, results), "bbox")


def _row(number: int, box: Any, area: float, iscrowd: int) -> dict[str, Any]:
    row = {"id": number, "image_id": box.image_id, "category_id": box.category_id}
    return row | {"bbox": list(box.bbox), "area": area, "iscrowd": iscrowd}


def _coco(truth: Dataset, rows: list[dict[str, Any]]) -> COCO:
    coco = COCO()
    coco.dataset = {
        "images": [{"id": image.id} for image in truth.images],
        "categories": [{"id": k, "name": name} for k, name in truth.categories.items()],
        "annotations": rows,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def _accumulated(evaluation: Any) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation
