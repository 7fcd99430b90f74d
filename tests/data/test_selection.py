"""Classes of a source are kept, renamed and merged, and the map of them is whole."""

from __future__ import annotations

import pytest

from fairtrial import DataError
from fairtrial.data.dataset import Annotation, Dataset
from fairtrial.data.selection import class_map, select
from tests.data.test_splitting import images
from tests.facts import refused

BOX = (0.0, 0.0, 1.0, 1.0)


def source() -> Dataset:
    dataset = images(("a", None, None), ("b", None, None))
    dataset.categories = {1: "cat", 2: "dog", 3: "owl"}
    dataset.annotations = [Annotation(1, k, BOX, 1.0) for k in (1, 2, 3)]
    return dataset


@pytest.mark.parametrize(
    ("classes", "single", "expected"),
    [
        pytest.param(None, None, {"cat": "cat", "dog": "dog", "owl": "owl"}, id="all classes"),
        pytest.param(
            ["owl", "cat"], None, {"cat": "cat", "dog": None, "owl": "owl"}, id="some classes"
        ),
        pytest.param(
            {"owl": "bird", "cat": "pet", "dog": "pet"},
            None,
            {"cat": "pet", "dog": "pet", "owl": "bird"},
            id="renamed and merged",
        ),
        pytest.param(
            None, "animal", dict.fromkeys(("cat", "dog", "owl"), "animal"), id="all as one"
        ),
        pytest.param(
            ["cat", "dog"], "pet", {"cat": "pet", "dog": "pet", "owl": None}, id="some as one"
        ),
    ],
)
def test_the_map_names_every_class_of_the_source(classes, single, expected) -> None:  # type: ignore[no-untyped-def]
    assert class_map(source(), classes, single, "set") == expected


def test_an_unknown_class_is_named_with_those_there_are() -> None:
    for classes in (["cow", "cat", "pig"], {"cow": "x", "cat": "x", "pig": "y"}):
        with refused(DataError, "set: ", "no class cow, pig", "cat, dog, owl"):
            class_map(source(), classes, None, "set")


def test_select_keeps_the_order_asked_for_and_images_without_objects() -> None:
    names = class_map(source(), ["owl", "cat"], None, "set")
    dataset = select(source(), names, ["owl", "cat"])
    assert dataset.categories == {1: "owl", 2: "cat"}
    assert [a.category_id for a in dataset.annotations] == [1, 2]
    assert len(dataset.images) == 2


def test_boxes_of_two_classes_in_one_place_become_one_when_the_classes_do() -> None:
    whole = source()
    whole.annotations.append(Annotation(1, 1, BOX, 1.0))  # the same cat twice: not ours to drop
    whole.annotations.append(Annotation(1, 2, (0.0, 0.0, 2.0, 2.0), 4.0))
    dataset = select(whole, {"cat": "pet", "dog": "pet", "owl": None})
    assert dataset.categories == {1: "pet"}
    assert [a.bbox for a in dataset.annotations] == [BOX, BOX, (0.0, 0.0, 2.0, 2.0)]


def test_images_of_a_class_that_is_left_out_leave_a_set_for_classification() -> None:
    whole = source()
    whole.annotations = [Annotation(1, 1, None), Annotation(2, 2, None)]
    dataset = select(whole, {"cat": "cat", "dog": None, "owl": None})
    assert [image.file_name for image in dataset.images] == ["001.png"]
