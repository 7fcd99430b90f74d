"""Which images share a batch, in which order answers come, and when each is predicted alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from fairtrial.data.dataset import Detection, Image
from fairtrial.files.threads import taken_ahead
from fairtrial.training.batches import Batched, agree, answers, batches, image_model

SIZES = [(40, 30), (30, 40), (40, 30), (40, 30), (30, 40), (40, 30), (20, 20)]
IMAGES = [Image(n, f"{n}.png", *size) for n, size in enumerate(SIZES, 1)]


class Model:
    """Finds one box as wide as the image; `off`: by how much boxes in a batch are wider."""

    def __init__(self, off: float = 0.0) -> None:
        self.off, self.sizes = off, list[int]()

    def predict(self, images: Sequence[Image]) -> list[tuple[list[Detection], dict[str, float]]]:
        self.sizes.append(len(images))
        assert len({(image.width, image.height) for image in images}) == 1
        off = self.off if len(images) > 1 else 0.0
        boxes = [[Detection(i.id, (0.0, 0.0, i.width + off, 1.0), 0.5)] for i in images]
        return [(box, {"inference": 1.0}) for box in boxes]

    def batched(self) -> Batched[Image, Image, list[Detection]]:
        return Batched(lambda i: i, lambda i: (i.width, i.height), lambda *size: size, self.predict)


def test_images_of_one_shape_share_batches_and_answers_keep_their_place() -> None:
    model = Model()
    of_images = image_model(model.batched(), lambda image: image)
    assert batches(IMAGES, 3, of_images) == [[0, 2, 3], [1, 4], [5], [6]]
    assert batches(IMAGES, 1, of_images) == [[n] for n in range(7)]
    found = dict(answers(of_images, IMAGES, 3, threads=2))
    assert {n: answer[0].category_id for n, answer in found.items()} == {
        n: image.id for n, image in enumerate(IMAGES)
    }
    assert model.sizes == [3, 1, 1, 1, 2, 1, 1], "the first batch once more, each image alone"


def test_where_a_batch_changes_boxes_each_image_is_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = Model(off=1e-3)
    of_images = image_model(model.batched(), lambda image: image)
    found = dict(answers(of_images, IMAGES, 3, threads=1))
    assert {n: answer[0].bbox[2] for n, answer in found.items()} == {
        n: image.width for n, image in enumerate(IMAGES)
    }
    assert model.sizes == [3, *[1] * 7]
    assert "batch of 3" in capsys.readouterr().err


def test_images_that_are_not_of_the_shape_that_was_expected_are_alone() -> None:
    """A file that is turned, say: the data set has another width than what was read."""
    model = Model()
    assert len(model.batched().several(IMAGES[:3])) == 3
    assert model.sizes == [1, 1, 1]


def test_a_plain_function_of_one_image_is_never_given_several() -> None:
    of_images = image_model(lambda image: ([image.id], {}), lambda image: image)
    assert batches(IMAGES, 8, of_images) == [[n] for n in range(7)]
    assert [answer for _, answer in answers(of_images, IMAGES, 8, 1)] == [[n] for n in range(1, 8)]


def box(category: int, x: float, confidence: float) -> Detection:
    return Detection(category, (x, 0.0, 10.0, 10.0), confidence)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ([box(1, 5, 0.5), box(2, 5, 0.5)], [box(2, 5, 0.5), box(1, 5, 0.5)], True),
        ([box(1, 5, 0.5)], [box(1, 5.00009, 0.5000009)], True),
        ([box(1, 5, 0.5)], [box(1, 5.00011, 0.5)], False),
        ([box(1, 5, 0.5)], [box(1, 5, 0.5000011)], False),
        ([box(1, 5, 0.5)], [box(2, 5, 0.5)], False),
        ([box(1, 5, 0.5)], [], False),
        ([box(1, 5, 0.5)] * 2, [box(1, 5, 0.5), box(1, 6, 0.5)], False),
        ([0.25, 0.75], [0.2500009, 0.7499991], True),
        ([0.25, 0.75], [0.2500011, 0.7499989], False),
    ],
    ids=[
        "another order",
        "within a millionth",
        "a box that is moved",
        "another confidence",
        "another class",
        "one box fewer",
        "a box that stands twice",
        "probabilities within a millionth",
        "other probabilities",
    ],
)
def test_answers_agree_to_a_millionth(one: object, other: object, equal: bool) -> None:
    """Of confidence, and of the longer side, here 100 pixels."""
    assert agree(one, other, 100) is equal
    assert agree(other, one, 100) is equal


def test_reading_ahead_is_bounded() -> None:
    """Of images of 40 bytes each, two wait where 100 bytes may."""
    begun, lock = [], threading.Lock()

    def read(number: int) -> int:
        with lock:
            begun.append(number)
        return number

    with taken_ahead(read, range(9), lambda _: 40, 100, threads=4) as items:
        seen = [(item, len(begun)) for item in items]
    assert [item for item, _ in seen] == [*range(9)]
    assert all(count <= item + 3 for item, count in seen), "what is taken, and two that wait"


def test_an_image_that_costs_more_than_may_wait_is_read_all_the_same() -> None:
    with taken_ahead(str, range(3), lambda _: 500, 100, threads=1) as items:
        assert list(items) == ["0", "1", "2"]


def test_an_error_of_reading_is_raised_in_its_turn() -> None:
    def read(number: int) -> float:
        return 1 / (number - 2)

    with taken_ahead(read, range(9), lambda _: 1, 100, threads=3) as items:
        assert [next(items), next(items)] == [-0.5, -1.0]
        with pytest.raises(ZeroDivisionError):
            next(items)
