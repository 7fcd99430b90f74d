"""Copies of one picture whose labels contradict each other are named, and can be settled."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as images

from fairtrial.data.contradictions import Contradiction, contradicting, contradictions, left_out
from fairtrial.data.dataset import Annotation, Dataset, Image
from fairtrial.data.defect_actions import Actions
from fairtrial.data.duplicate_search import Thumbnail, thumbnail
from fairtrial.data.duplicates import Duplicates

Place = tuple[float, float, float, float]
CAT, DOG = 1, 2
HALF: Place = (20.0, 30.0, 40.0, 20.0)  # on an image of 200 × 100
SMALL: Place = (150.0, 10.0, 20.0, 20.0)


def scene() -> images.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (6, 8), np.uint8)
    return images.fromarray(pixels).resize((200, 100), images.Resampling.BICUBIC)


class Copies:
    """Images that are copies of one picture, with objects each."""

    def __init__(self) -> None:
        self.data = Dataset(categories={CAT: "cat", DOG: "dog"})
        self.thumbnails: dict[str, Thumbnail] = {}

    def add(
        self,
        *objects: tuple[int, Place | None],
        content: str = "",
        turn: images.Transpose | None = None,
        size: tuple[int, int] = (200, 100),
        crowds: int = 0,
    ) -> Copies:
        number = len(self.data.images) + 1
        name, look = f"{number}.png", scene()
        self.data.images.append(Image(number, name, *size, content or name))
        for place, (kind, box) in enumerate(objects):
            crowd = place < crowds
            self.data.annotations.append(Annotation(number, kind, box, iscrowd=crowd))
        self.thumbnails[name] = thumbnail(look.transpose(turn) if turn is not None else look)
        return self

    def found(self, versions: list[list[str]] | None = None) -> list[Contradiction]:
        names = [image.file_name for image in self.data.images]
        copies = Duplicates(exact=[], near=[names], doubtful=[], versions=versions or [])
        return contradictions(self.data, copies, self.thumbnails)

    def seen(self) -> list[str]:
        return [str(defect) for of_one in self.found() for defect in of_one.defects]


def test_equal_labels_do_not_contradict() -> None:
    assert Copies().add((CAT, HALF), (DOG, SMALL)).add((CAT, HALF), (DOG, SMALL)).seen() == []
    assert Copies().add().add().seen() == []
    assert Copies().add((CAT, None)).add((CAT, None)).seen() == []


def test_another_class_of_the_whole_image_contradicts() -> None:
    copies = Copies().add((CAT, None)).add((CAT, None)).add((DOG, None))
    assert copies.seen() == [
        "1.png: cat; its copy 3.png: dog",
        "2.png: cat; its copy 3.png: dog",
        "3.png: dog; its copy 1.png: cat",
    ]


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="without objects"),
        pytest.param([(DOG, HALF), (CAT, SMALL)], id="other classes"),
        pytest.param(
            [(CAT, (60.0, 60.0, 40.0, 20.0)), (DOG, (0.0, 0.0, 9.0, 9.0))], id="elsewhere"
        ),
    ],
)
def test_boxes_that_do_not_agree_contradict(others: list[tuple[int, Place]]) -> None:
    copies = Copies().add((CAT, HALF), (DOG, SMALL)).add(*others)
    assert len(copies.seen()) == 2
    assert copies.seen()[0].startswith("1.png: cat, dog; its copy 2.png: ")


def test_labels_of_two_people_do_not_contradict() -> None:
    """One of them saw an object more, and drew the other box a little larger."""
    larger: Place = (18.0, 28.0, 46.0, 24.0)
    assert Copies().add((CAT, HALF), (DOG, SMALL)).add((CAT, larger)).seen() == []


def test_a_crowd_is_no_object() -> None:
    assert Copies().add((CAT, HALF), crowds=1).add().seen() == []


def test_boxes_are_compared_on_the_picture_whatever_its_size() -> None:
    scaled: Place = (40.0, 60.0, 80.0, 40.0)
    assert Copies().add((CAT, HALF)).add((CAT, scaled), size=(400, 200)).seen() == []
    assert len(Copies().add((CAT, HALF)).add((CAT, HALF), size=(400, 200)).seen()) == 2


TURNED: list[tuple[images.Transpose, tuple[int, int], Place]] = [
    (images.Transpose.FLIP_LEFT_RIGHT, (200, 100), (140.0, 30.0, 40.0, 20.0)),
    (images.Transpose.FLIP_TOP_BOTTOM, (200, 100), (20.0, 50.0, 40.0, 20.0)),
    (images.Transpose.ROTATE_180, (200, 100), (140.0, 50.0, 40.0, 20.0)),
    (images.Transpose.ROTATE_90, (100, 200), (30.0, 140.0, 20.0, 40.0)),
    (images.Transpose.ROTATE_270, (100, 200), (50.0, 20.0, 20.0, 40.0)),
    (images.Transpose.TRANSPOSE, (100, 200), (30.0, 20.0, 20.0, 40.0)),
    (images.Transpose.TRANSVERSE, (100, 200), (50.0, 140.0, 20.0, 40.0)),
]


@pytest.mark.parametrize(("turn", "size", "box"), TURNED, ids=[turn.name for turn, _, _ in TURNED])
def test_boxes_are_turned_with_the_picture(
    turn: images.Transpose, size: tuple[int, int], box: Place
) -> None:
    assert Copies().add((CAT, HALF)).add((CAT, box), turn=turn, size=size).seen() == []
    x, y, w, h = box
    wrong: Place = (size[0] - x - w, size[1] - y - h, w, h)
    assert len(Copies().add((CAT, HALF)).add((CAT, wrong), turn=turn, size=size).seen()) == 2


def test_versions_of_a_picture_are_not_compared() -> None:
    copies = Copies().add((CAT, HALF)).add((CAT, SMALL))
    assert copies.found(versions=[["1.png", "2.png"]]) == []


@pytest.mark.parametrize(
    ("content", "kind", "action", "dropped"),
    [
        pytest.param("same", "contradicting_labels", "refuse", set(), id="equal files"),
        pytest.param("", "contradicting_copies", "keep", set(), id="near copies"),
        pytest.param("", "contradicting_copies", "drop_image", {1, 2, 3}, id="drop all"),
        pytest.param("", "contradicting_copies", "keep_first", {2, 3}, id="keep the first"),
        pytest.param("same", "contradicting_labels", "keep_first", {2, 3}, id="equal, the first"),
    ],
)
def test_actions(content: str, kind: str, action: str, dropped: set[int]) -> None:
    found = Copies().add((CAT, HALF), content=content).add((CAT, HALF)).add(content=content).found()
    assert {defect.name for of_one in found for defect in of_one.defects} == {kind}
    actions = Actions({kind: action}) if action not in {"refuse", "keep"} else Actions()
    assert actions.of(found[0].kind) == action
    assert left_out(found, actions) == {f"{number}.png" for number in dropped}


@pytest.mark.parametrize(
    "case",
    [
        "a: b.png: 2 cat, dog; its copy c.png: no object",
        "a: b.png: 2 cat, dog; its copy odd: c.png: no object",
    ],
)
def test_a_case_names_both_copies(case: str) -> None:
    """As `report` writes it; only a colon and a blank in the first file's name are too much."""
    found = contradicting(case.removeprefix("a: "))
    assert found is not None
    assert found.files[0] == "b.png"
    assert found.files[1].endswith("c.png")
    assert found.labels == ("2 cat, dog", "no object")
    assert contradicting("b.png: cat [1, 2, 3, 4]") is None
