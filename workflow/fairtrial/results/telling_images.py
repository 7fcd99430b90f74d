"""Which images of a split tell most, and why: where configurations disagree, or the best fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from fairtrial.data.dataset import Image
from fairtrial.data.ground_truth import content_id
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.image_outcomes import Outcomes


class Reason(NamedTuple):
    """Why an image was chosen: a sentence, and the same in brief."""

    why: str
    brief: str


NO_ERROR = Reason("No configuration errs here; the next by file name.", "no configuration errs")


@dataclass(frozen=True)
class TellingImage:
    """An image, the data set whose file and split it is in, and why it was chosen: a sentence, and
    the same in brief."""

    image: Image
    dataset: DatasetDescription
    why: str
    brief: str


def telling_images(
    comparison: Comparison, experiment: ExperimentResults, split: str
) -> Iterator[TellingImage]:
    """The images of a split: by turns that on which the configurations disagree most, and that on
    which the best fails most; in the end those on which neither is so, by file name."""
    outcomes = Outcomes.of(comparison, experiment, split)
    places = _places(comparison, split)
    names = sorted(places, key=lambda content: places[content][1].file_name)
    differ = [content for content in outcomes.by_difference(names) if outcomes.difference(content)]
    worst = [content for content in outcomes.by_weight(names) if outcomes.weight(content)]
    best = comparison.ranked()[0].letter
    reasons: dict[str, Reason] = {}
    turns = zip_longest(enumerate(differ, 1), enumerate(worst, 1))
    for disagreement, failure in turns:
        if disagreement is not None:
            number, content = disagreement
            reasons.setdefault(content, _disagreement(number, content, outcomes))
        if failure is not None:
            number, content = failure
            reasons.setdefault(content, _failure(number, content, outcomes, best))
    for content in names:
        reasons.setdefault(content, NO_ERROR)
    for content, (why, brief) in reasons.items():
        dataset, image = places[content]
        yield TellingImage(image, dataset, why, brief)


def _places(comparison: Comparison, split: str) -> dict[str, tuple[DatasetDescription, Image]]:
    """`content_id` → the first data set that has the image in this split, and the image there."""
    places: dict[str, tuple[DatasetDescription, Image]] = {}
    for dataset in comparison.datasets:
        for image in dataset.images_of(split):
            places.setdefault(content_id(image), (dataset, image))
    return places


def _most(number: int) -> str:
    """`most`, `second most`: by its number in an order."""
    return ("most", "second most", "third most")[number - 1] if number <= 3 else f"no. {number}"


def _disagreement(number: int, content: str, outcomes: Outcomes) -> Reason:
    errors = [outcome.errors for outcome in outcomes.of_image(content)]
    some = len(outcomes.found_by_some(content))
    found = "1 object is" if some == 1 else f"{some} objects are"
    span = f"{min(errors)} to {max(errors)}" if min(errors) < max(errors) else f"{errors[0]}"
    why = (
        f"No. {number} of the images on which the configurations disagree most: {found} found by "
        f"some and not by others; false alarms and objects not found: {span} each."
    )
    return Reason(why, f"configurations disagree {_most(number)} ({found} found by some only)")


def _failure(number: int, content: str, outcomes: Outcomes, best: str) -> Reason:
    outcome = outcomes.of_image(content)[0]
    false = outcome.errors - outcome.lost
    alarms = "1 false alarm" if false == 1 else f"{false} false alarms"
    lost = "1 object" if outcome.lost == 1 else f"{outcome.lost} objects"
    failed = f"{alarms}, {lost} not found"
    why = f"No. {number} of the images on which {best} fails most: {failed}."
    return Reason(why, f"{best} fails {_most(number)} ({failed})")
