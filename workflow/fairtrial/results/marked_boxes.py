"""The boxes of one image as a picture shows them: which detections are right, what is wrong with
the others, and which objects were missed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fairtrial.data.boxes import Box
from fairtrial.data.dataset import Annotation, Dataset
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.image_outcomes import (
    JudgedDetection,
    detections_of,
    judged,
    objects_of,
    split_of,
)
from fairtrial.results.run import FinishedRun
from fairtrial.scoring import error_kinds
from fairtrial.scoring.error_kinds import KINDS, MISSED, NONE

RIGHT = "right"


@dataclass(frozen=True)
class MarkedBox:
    """A detection or a missed object. `kind`: RIGHT or one of error_kinds.KINDS; `truth`: the class
    of the object at which a detection of a wrong class aims; `aims_at`: the box of the object that
    a badly placed one aims at; `confidence`: None for a missed object."""

    box: Box
    kind: str
    name: str
    truth: str = ""
    aims_at: Box | None = None
    confidence: float | None = None


def marked_boxes(
    run: FinishedRun, experiment: ExperimentResults, split: str, image_ids: Collection[int]
) -> dict[int, list[MarkedBox]]:
    """The boxes of some images of a split by image id: detections from the chosen confidence on,
    the best first, then missed objects."""
    whole = split_of(run, experiment, split)
    truth = whole.on_images(sorted(image_ids))
    detections = [d for d in detections_of(run, whole, split) if d.image_id in image_ids]
    by_image, least = truth.by_image(), run.confidence or 0.0
    return {
        image_id: _marked(
            [d for d in found if d.detection.confidence >= least],
            objects_of(by_image[image_id]),
            truth,
        )
        for image_id, found in judged(truth, detections).items()
    }


def _marked(
    shown: Sequence[JudgedDetection], objects: Sequence[Annotation], truth: Dataset
) -> list[MarkedBox]:
    names = truth.categories
    marked = [_detection(detection, objects, names) for detection in shown]
    reached = {detection.target for detection in shown}
    return marked + [
        MarkedBox(o.bbox, MISSED, names[o.category_id])
        for place, o in enumerate(objects)
        if place not in reached and o.bbox
    ]


def _detection(
    judged: JudgedDetection, objects: Sequence[Annotation], names: dict[int, str]
) -> MarkedBox:
    detection = judged.detection
    kind = RIGHT if judged.kind == error_kinds.RIGHT else KINDS[judged.kind]
    target = objects[judged.target] if judged.target != NONE else None
    return MarkedBox(
        box=detection.bbox,
        kind=kind,
        name=names[detection.category_id],
        truth=names[target.category_id] if target and kind == error_kinds.CLASSIFICATION else "",
        aims_at=target.bbox if target and kind == error_kinds.LOCALISATION else None,
        confidence=detection.confidence,
    )
