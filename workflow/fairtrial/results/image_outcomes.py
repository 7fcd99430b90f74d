"""What runs made of each image: judged detections or probabilities, and by them the order in which
images tell most: where configurations disagree, where the best fails, and a plain sample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.ground_truth import content_id
from fairtrial.files.jsonfile import read_json
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import FinishedRun
from fairtrial.scoring import error_kinds, predictions
from fairtrial.scoring.predictions import ImageDetection

COMPARED = 8  # configurations by whose first runs images are chosen: the best on val


class JudgedDetection(NamedTuple):
    """A detection; `kind`: an index of error_kinds.KINDS or RIGHT; `target`: which of the objects
    of its image (`objects_of`) it has matched or aims at, or NONE."""

    detection: ImageDetection
    kind: int
    target: int


@dataclass(frozen=True)
class ImageOutcome:
    """What one run made of one image. `found`: objects, or whether the class is right; `errors`:
    how many, `lost` of which are objects that are not found; `answer`: the predicted class, None
    for boxes; `weight`: how grave its errors are."""

    found: frozenset[int]
    errors: int
    weight: float
    answer: int | None = None
    lost: int = 0


def objects_of(annotations: Sequence[Annotation]) -> list[Annotation]:
    """The objects of an image that count, in the order to which `target` refers."""
    return [a for a in annotations if not a.iscrowd]


def split_of(run: FinishedRun, experiment: ExperimentResults, split: str) -> Dataset:
    """The images of a run's split with their objects."""
    description = experiment.datasets[run.dataset]
    return description.dataset.on_images(description.certificate.splits[split])


def detections_of(run: FinishedRun, truth: Dataset, split: str) -> list[ImageDetection]:
    """The detections of a run on a split, in the order in which they are scored."""
    file = run.predictions_file(split)
    ids = {image.id for image in truth.images}
    return predictions.parse(read_json(file) or [], file, ids, truth.categories)


def judged(
    truth: Dataset, detections: Sequence[ImageDetection]
) -> dict[int, list[JudgedDetection]]:
    """The detections that count, by image id, best first. Which are right does not depend on a
    lowest confidence: a detection never competes with a weaker one."""
    counted = predictions.strongest(detections, error_kinds.MAX_DETECTIONS)
    objects = sorted(objects_of(truth.annotations), key=lambda a: a.image_id)
    kinds, targets = error_kinds.judged(truth, counted, objects)
    first = {a.image_id: place for place, a in reversed(list(enumerate(objects)))}
    by_image: dict[int, list[JudgedDetection]] = {image.id: [] for image in truth.images}
    for detection, kind, target in zip(counted, kinds.tolist(), targets.tolist(), strict=True):
        if kind != error_kinds.IGNORED:
            place = target - first[detection.image_id] if target != error_kinds.NONE else target
            by_image[detection.image_id].append(JudgedDetection(detection, kind, place))
    return by_image


def telling(comparison: Comparison, experiment: ExperimentResults) -> list[Image]:
    """All images of the split that tables show: by turns that on which the configurations differ
    most, that on which the best fails most, and the next by file name."""
    outcomes = Outcomes.of(comparison, experiment, comparison.split)
    images = images_of(comparison, experiment)
    names = sorted(images, key=lambda content: images[content].file_name)
    turns = zip_longest(outcomes.by_difference(names), outcomes.by_weight(names), names)
    order = dict.fromkeys(content for turn in turns for content in turn if content is not None)
    return [images[content] for content in order]


@dataclass(frozen=True)
class Outcomes:
    """What several configurations, the best first, made of each image, by `content_id`: their
    first runs or, of folds, each image's own."""

    by_configuration: Sequence[Mapping[str, ImageOutcome]]

    @classmethod
    def of(cls, comparison: Comparison, experiment: ExperimentResults, split: str) -> Outcomes:
        """The outcomes of the best configurations on a split."""
        best = comparison.ranked()[:COMPARED]
        return cls([_of_configuration(c, experiment, split) for c in best])

    def of_image(self, content: str) -> list[ImageOutcome]:
        """Those of one image, of the configurations that have it."""
        return [outcomes[content] for outcomes in self.by_configuration if content in outcomes]

    def found_by_some(self, content: str) -> frozenset[int]:
        """The objects of an image that some find and others miss."""
        found = [outcome.found for outcome in self.of_image(content)]
        return frozenset[int]().union(*found) - frozenset.intersection(*found)

    def difference(self, content: str) -> int:
        """How far they differ on an image: objects that some find and others miss, false alarms,
        classes."""
        here = self.of_image(content)
        if len(here) < 2:
            return 0
        errors = [o.errors for o in here]
        some = len(self.found_by_some(content))
        return some + max(errors) - min(errors) + len({o.answer for o in here}) - 1

    def weight(self, content: str) -> float:
        """How much the best fails on an image."""
        return next((outcome.weight for outcome in self.of_image(content)), 0.0)

    def by_difference(self, contents: Iterable[str]) -> list[str]:
        """Images by falling `difference`."""
        return sorted(contents, key=lambda content: -self.difference(content))

    def by_weight(self, contents: Iterable[str]) -> list[str]:
        """Images by falling `weight`."""
        return sorted(contents, key=lambda content: -self.weight(content))


def images_of(comparison: Comparison, experiment: ExperimentResults) -> dict[str, Image]:
    """`content_id` → image, of the split that tables show in any data set of the comparison."""
    images = (i for d in comparison.datasets for i in d.images_of(comparison.split))
    found: dict[str, Image] = {}
    for image in images:
        found.setdefault(content_id(image), image)
    return found


def _of_configuration(
    configuration: Configuration, experiment: ExperimentResults, split: str
) -> Mapping[str, ImageOutcome]:
    """What its first run or, of folds, each fold's run made of each image, by `content_id`."""
    runs = [fold[0] for fold in configuration.repeats]
    of_runs = [
        _outcomes(run, experiment, split) for run in runs[: None if configuration.folds else 1]
    ]
    return {content: outcome for outcomes in of_runs for content, outcome in outcomes.items()}


def _outcomes(
    run: FinishedRun, experiment: ExperimentResults, split: str
) -> Mapping[str, ImageOutcome]:
    """What a run made of each image, by `content_id`."""
    truth = split_of(run, experiment, split)
    found = _of_boxes if experiment.task == "detect" else _of_classes
    contents = {image.id: content_id(image) for image in truth.images}
    return {contents[i]: outcome for i, outcome in found(run, truth, split)}


def _of_boxes(run: FinishedRun, truth: Dataset, split: str) -> Iterator[tuple[int, ImageOutcome]]:
    by_image, least = truth.by_image(), run.confidence or 0.0
    for image_id, detections in judged(truth, detections_of(run, truth, split)).items():
        shown = [d for d in detections if d.detection.confidence >= least]
        found = frozenset(d.target for d in shown if d.kind == error_kinds.RIGHT)
        false_alarms = len(shown) - len(found)
        lost = len(objects_of(by_image[image_id])) - len(found)
        errors = false_alarms + lost
        yield image_id, ImageOutcome(found, errors, float(errors), lost=lost)


def _of_classes(run: FinishedRun, truth: Dataset, split: str) -> Iterator[tuple[int, ImageOutcome]]:
    categories = sorted(truth.categories)
    truths = {a.image_id: categories.index(a.category_id) for a in truth.annotations}
    for row in run.probabilities(split):
        answer = int(np.argmax(row["scores"]))
        wrong = answer != truths[row["image_id"]]
        surest = row["scores"][answer] if wrong else 0.0
        found = frozenset[int]() if wrong else frozenset({0})
        yield row["image_id"], ImageOutcome(found, int(wrong), surest, answer)
