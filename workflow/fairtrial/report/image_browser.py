"""The data of the page's image browser: images with truth and what each run made of them, and for
the whole split the counts of the scorer at each confidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.ground_truth import content_id
from fairtrial.report.browser_parts import (
    BrowserCounts,
    BrowserImage,
    BrowserPart,
    BrowserRun,
    Flat,
)
from fairtrial.report.forest import colours_of
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.image_outcomes import (
    detections_of,
    images_of,
    judged,
    objects_of,
    split_of,
)
from fairtrial.results.page_pictures import PagePicture
from fairtrial.results.run import BACKGROUND, FinishedRun
from fairtrial.scoring import confusion, error_kinds
from fairtrial.scoring.matching import match
from fairtrial.scoring.predictions import ImageDetection
from fairtrial.settings.stages import ReportSettings

STEP = 0.01  # of the slider
PACKED = 0.6  # share of a text's length that it has packed
RESERVE = 150_000  # bytes of the page that are not estimated
FIRST_CLASSES = 3  # classes of an image whose probability the page shows


@dataclass(frozen=True)
class _RunOnImages:
    """One run and the images of its split."""

    run: FinishedRun
    truth: Dataset
    names: list[str]  # of all classes of the browser
    settings: ReportSettings
    split: str

    @cached_property
    def ids(self) -> dict[str, int]:
        """`content_id` → image id."""
        return {content_id(image): image.id for image in self.truth.images}

    @cached_property
    def numbers(self) -> dict[int, int]:
        """Category id → number of the class."""
        return {i: self.names.index(name) for i, name in self.truth.categories.items()}


def browser(
    comparison: Comparison,
    experiment: ExperimentResults,
    settings: ReportSettings,
    pictures: Sequence[PagePicture],
    budget: float,
) -> tuple[BrowserPart, list[str]]:
    """The browser of one comparison, with JPEGs in base64 of the images that fit into `budget`
    bytes."""
    found, split = images_of(comparison, experiment), comparison.split
    shown = [picture for picture in pictures if picture.content in found]
    images = [found[picture.content] for picture in shown]
    names = [name for _, name in sorted(comparison.datasets[0].dataset.categories.items())]
    runs = [
        _run(_RunOnImages(run, split_of(run, experiment, split), names, settings, split), c, images)
        for c in comparison.ranked()
        for run in c.runs
    ]
    colours = colours_of(comparison)
    for run in runs:
        run["colour"] = colours[run["letter"]]
    part: BrowserPart = {
        "split": split,
        "classes": names,
        "kinds": list(error_kinds.KINDS[:-1]) if experiment.task == "detect" else [],
        "iou": comparison.iou,
        "confidences": confidences(settings.html_conf),
        "total": len(found),
        "images": _images(images, comparison, names),
        "runs": runs,
    }
    fitting = _fitting(part, shown, budget)
    _cut(part, fitting)
    return part, [picture.jpeg for picture in shown[:fitting]]


def confidences(lowest: float) -> list[float]:
    """The confidences at which the slider stands."""
    steps = np.arange(round(lowest / STEP), round(1 / STEP))
    values = [float(step) for step in np.round(steps * STEP, 4)]
    return [lowest, *(value for value in values if value > lowest)]


def _fitting(part: BrowserPart, pictures: Sequence[PagePicture], budget: float) -> int:
    """How many of the images fit, with what runs made of them."""
    whole = {key: value for key, value in part.items() if key not in ("images", "runs")}
    fixed = [
        {key: value for key, value in run.items() if key not in ("marks", "pairs")}
        for run in part["runs"]
    ]
    left = budget - RESERVE - PACKED * (len(json.dumps(whole)) + len(json.dumps(fixed)))
    for number, picture in enumerate(pictures):
        of_runs = [[run["marks"][number], run["pairs"][number]] for run in part["runs"]]
        text = len(json.dumps(of_runs)) + len(json.dumps(part["images"][number]))
        left -= len(picture.jpeg) + PACKED * text
        if left < 0:
            return number
    return len(pictures)


def _cut(part: BrowserPart, images: int) -> None:
    del part["images"][images:]
    for run in part["runs"]:
        del run["marks"][images:], run["pairs"][images:]


def _images(
    images: Sequence[Image], comparison: Comparison, names: list[str]
) -> list[BrowserImage]:
    """Images by their first data set; the ground truth is equal in all of them."""
    truths: dict[str, tuple[dict[int, str], list[Annotation]]] = {}
    for description in comparison.datasets:
        dataset = description.dataset
        by_image = dataset.by_image()
        for image in dataset.images:
            truths.setdefault(content_id(image), (dataset.categories, by_image[image.id]))
    return [_image(image, *truths[content_id(image)], names) for image in images]


def _image(
    image: Image, categories: dict[int, str], annotations: list[Annotation], names: list[str]
) -> BrowserImage:
    objects = [*objects_of(annotations), *(a for a in annotations if a.iscrowd)]
    return {
        "file": image.file_name,
        "width": image.width,
        "height": image.height,
        "group": image.group or "",
        "truth": [
            [
                names.index(categories[a.category_id]),
                *([*a.bbox, float(a.iscrowd)] if a.bbox else []),
            ]
            for a in objects
        ],
    }


def _run(of: _RunOnImages, configuration: Configuration, images: Sequence[Image]) -> BrowserRun:
    run = of.run
    marked = _boxes(of) if run.task == "detect" else _classes(of)
    ids = [of.ids.get(content_id(image)) for image in images]
    return {
        "name": run.name,
        "names": [run.name],
        "letter": configuration.letter,
        "label": configuration.full_label,
        "seed": run.seed,
        "colour": 0,
        "confidence": run.confidence,
        "folds": 0,
        "own": [],
        "marks": [None if i is None else marked.marks[i] for i in ids],
        "pairs": [None if i is None else marked.pairs[i] for i in ids],
        "matrix": _matrix(of),
        "counts": marked.counts,
    }


@dataclass(frozen=True)
class _Marked:
    """What a run made of its split: entries by image id, counts of all."""

    marks: Mapping[int, Flat]
    pairs: Mapping[int, list[int]]
    counts: BrowserCounts


def _matrix(of: _RunOnImages) -> list[list[int]]:
    """The scorer's confusion matrix."""
    counts = of.run.confusion.get(of.split, {})
    names = [*of.names, BACKGROUND] if of.run.task == "detect" else of.names
    return [[counts.get((truth, predicted), 0) for predicted in names] for truth in names]


def _boxes(of: _RunOnImages) -> _Marked:
    """Of each box its class, kind of error (-1: right), object, confidence, x, y, width, height."""
    detections = detections_of(of.run, of.truth, of.split)
    marks = {
        image_id: [
            value
            for box in boxes
            if box.detection.confidence >= of.settings.html_conf
            for value in (
                of.numbers[box.detection.category_id],
                box.kind,
                box.target,
                box.detection.confidence,
                *(round(side, 1) for side in box.detection.bbox),
            )
        ]
        for image_id, boxes in judged(of.truth, detections).items()
    }
    own = of.run.confidence
    pairs = confusion.pairs_by_image(
        of.truth, detections, 1.1 if own is None else own, of.run.iou or 0.5
    )
    numbers = {**of.numbers, confusion.BACKGROUND: len(of.names)}
    flat = {i: [numbers[c] for pair in found for c in pair] for i, found in pairs.items()}
    return _Marked(marks, flat, _box_counts(of, detections))


def _box_counts(of: _RunOnImages, detections: Sequence[ImageDetection]) -> BrowserCounts:
    """By the scorer's matches at the IoU of precision and recall."""
    thresholds = np.array(_thresholds(of))
    matches = match(of.truth, detections, ious=[of.run.iou or 0.5], max_det=of.settings.max_det)
    counts: BrowserCounts = {"objects": [], "right": [], "false": []}
    for number in _order(of, matches.category_ids.tolist()):
        inside = matches.of_class(number)
        counted = ~matches.ignored[0, inside]
        found = matches.confidence[inside][counted]
        places = np.searchsorted(-found, -thresholds, side="right")
        hits = np.concatenate(([0], np.cumsum(matches.matched[0, inside][counted])))[places]
        counts["objects"].append(int(matches.objects[:, number].sum()))
        counts["right"].append(hits.tolist())
        counts["false"].append((places - hits).tolist())
    return counts


def _order(of: _RunOnImages, category_ids: list[int]) -> list[int]:
    """The rows of the classes in `category_ids`, in the order of the browser's classes."""
    by_class = {of.numbers[category]: row for row, category in enumerate(category_ids)}
    return [by_class[number] for number in range(len(of.names))]


def _thresholds(of: _RunOnImages) -> list[float]:
    own = of.run.confidence
    return [*confidences(of.settings.html_conf), 1.1 if own is None else own]


def _classes(of: _RunOnImages) -> _Marked:
    """Of each image the likeliest classes, a class and its probability, the likeliest first, and
    last the probability of its own class."""
    rows = of.run.probabilities(of.split)
    order = [of.numbers[category] for category in sorted(of.truth.categories)]
    truths = {a.image_id: of.numbers[a.category_id] for a in of.truth.annotations}
    scores = np.array([row["scores"] for row in rows], dtype=float).reshape(len(rows), len(order))
    first = np.argsort(-scores, axis=1, kind="stable")[:, :FIRST_CLASSES]
    marks: dict[int, Flat] = {}
    pairs: dict[int, list[int]] = {}
    for row, places, image_id in zip(scores, first, (r["image_id"] for r in rows), strict=True):
        truth = truths[image_id]
        likeliest = [v for p in places for v in (order[p], round(float(row[p]), 4))]
        marks[image_id] = [*likeliest, round(float(row[order.index(truth)]), 4)]
        pairs[image_id] = [truth, order[places[0]]]
    return _Marked(marks, pairs, _class_counts(of, marks, truths))


def _class_counts(
    of: _RunOnImages, marks: Mapping[int, Flat], truths: Mapping[int, int]
) -> BrowserCounts:
    """Images whose likeliest class is right, or wrong, with at least each confidence."""
    thresholds = [*confidences(of.settings.html_conf), 0.0]
    answers = [(truths[i], int(mark[0]), mark[1]) for i, mark in marks.items()]
    counts: BrowserCounts = {"objects": [], "right": [], "false": []}
    for number in range(len(of.names)):
        right = np.array([p for t, a, p in answers if a == number == t])
        false = np.array([p for t, a, p in answers if a == number != t])
        counts["objects"].append(sum(truth == number for truth in truths.values()))
        counts["right"].append([int((right >= t).sum()) for t in thresholds])
        counts["false"].append([int((false >= t).sum()) for t in thresholds])
    return counts
