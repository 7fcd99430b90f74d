"""The task `classify`: from files of probabilities to the tables of one run."""

import json
from pathlib import Path

import pytest

from fairtrial import DataError
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.scoring import classify
from fairtrial.scoring.resampling import draw
from tests.facts import refused


def truth(*classes: int) -> Dataset:
    """Images 1, 2, … of these classes, out of three with a gap in their ids."""
    return Dataset(
        [Image(n, f"{n}.png", 8, 8) for n, _ in enumerate(classes, 1)],
        [Annotation(n, c, None) for n, c in enumerate(classes, 1)],
        {1: "cat", 3: "dog", 7: "frog"},
    )


def score(folder: Path, val: Dataset, probabilities: object, test: Dataset | None = None):
    for name, content in (("val", probabilities), ("test", [])):
        (folder / name).write_text(json.dumps(content))
    files = {name: folder / name for name in ("val", "test")}
    truths = {"val": val, "test": test or truth()}
    draws = {
        name: draw(split.images, [], "images", f"{n:x}", resamples=20)
        for n, (name, split) in enumerate(truths.items())
    }
    return classify.score(truths, files, draws)


def rows(*probabilities: list[float]) -> list[dict[str, object]]:
    return [{"image_id": n, "scores": scores} for n, scores in enumerate(probabilities, 1)]


def test_classes_are_counted_under_their_own_names(tmp_path: Path) -> None:
    scores = score(
        tmp_path, truth(7, 1, 3), rows([0.1, 0.2, 0.7], [0.8, 0.1, 0.1], [0.6, 0.3, 0.1])
    )
    assert scores.metrics.test is None
    assert scores.metrics.val.accuracy == pytest.approx(2 / 3)
    confusion = {(t, p): n for split, t, p, n in scores.confusion.rows if n}
    assert confusion == {("cat", "cat"): 1, ("dog", "cat"): 1, ("frog", "frog"): 1}
    recall = {row[1]: row[4] for row in scores.per_class.rows}
    assert recall == {"cat": 1.0, "dog": 0.0, "frog": 1.0}


def test_a_class_without_images_has_no_metrics(tmp_path: Path) -> None:
    scores = score(tmp_path, truth(1, 1), rows([1, 0, 0], [1, 0, 0]))
    dog = {row[1]: row[3:] for row in scores.per_class.rows}["dog"]
    assert dog == (None, None, None, 0, None, None, None)  # no units, no standard errors
    assert scores.metrics.val.f1 == 1.0  # and no part in the mean


def test_groups_have_the_accuracy_of_their_images(tmp_path: Path) -> None:
    val = truth(7, 1, 3, 3)
    for image, group in zip(val.images, ("p2", "p1", "p2", None), strict=True):
        image.group = group
    answers = rows([0.1, 0.2, 0.7], [0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0, 1, 0])
    by_group = score(tmp_path, val, list(reversed(answers))).by_group
    assert by_group.header == ("split", "group", "images", "right", "accuracy")
    assert list(by_group.rows) == [("val", "p1", 1, 1, 1.0), ("val", "p2", 2, 1, 0.5)]


def test_the_order_of_the_file_has_no_part_in_it(tmp_path: Path) -> None:
    entries = rows([0.1, 0.2, 0.7], [0.8, 0.1, 0.1])
    first = score(tmp_path, truth(7, 1), entries).metrics
    assert score(tmp_path, truth(7, 1), entries[::-1]).metrics == first


BAD = {
    "no list": ({}, "list"),
    "an image twice": (rows([1, 0, 0])[:1] * 2, "2 images"),
    "an image missing": (rows([1, 0, 0]), "2 images"),
    "two classes of three": (rows([1, 0], [1, 0]), "3 classes"),
    "do not add up": (rows([1, 0.5, 0], [1, 0, 0]), "do not add up to 1"),
    "below zero": (rows([1.5, -0.5, 0], [1, 0, 0]), "below 0"),
    "no scores": ([{"image_id": 1}], "entry 0"),
    "detections": ([{"image_id": 1, "bbox": [0, 0, 1, 1], "score": 0.5}], "entry 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_not_one_row_of_probabilities_an_image_is_refused(
    case: str, tmp_path: Path
) -> None:
    content, fact = BAD[case]
    with refused(DataError, str(tmp_path / "val"), fact):
        score(tmp_path, truth(1, 3), content)


def test_an_image_of_two_classes_is_refused(tmp_path: Path) -> None:
    val = truth(1)
    val.annotations.append(Annotation(1, 3, None))
    with refused(DataError, str(tmp_path / "val"), "image 1", "2 classes"):
        score(tmp_path, val, rows([1, 0, 0]))
