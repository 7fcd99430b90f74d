"""Images of an epoch depend on (seed, epoch, image) alone, whoever loads them and after what."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.backends import tiny

torch = pytest.importorskip("torch")

from fairtrial.backends import _ultralytics_loader as loader  # noqa: E402

HELD = 4  # images in Ultralytics' buffer when it is full


class FakeImages:
    """In place of Ultralytics' data set: an image is what was drawn for it, and the images of which
    a mosaic could be made."""

    def __init__(self, count: int) -> None:
        self.count, self.max_buffer_length, self.buffer = count, HELD, []
        self.closed, self.imgsz = False, 10_000

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        drawn = (random.random(), float(np.random.rand()), float(torch.rand(())))
        return index, drawn, list(self.buffer), self.closed

    def close_mosaic(self, hyp: Any) -> None:
        self.closed = True


def drawn(seed: int = 0, count: int = 10, plain_from: int = 9) -> loader.DrawnImages:
    return loader.DrawnImages(FakeImages(count), seed, plain_from, SimpleNamespace())


def test_an_image_is_the_same_whatever_was_loaded_before() -> None:
    places = list(itertools.product(range(3), range(10)))
    images = drawn()
    forwards = {place: images[place] for place in places}
    other = drawn()
    backwards = {place: other[place] for place in reversed(places)}
    assert forwards == backwards
    assert forwards == {place: drawn()[place] for place in places}
    numbers = {n for _, draws, *_ in forwards.values() for n in draws}
    assert len(numbers) == 3 * 30, "no two draws are equal"
    assert drawn(seed=1)[0, 0][1] != forwards[0, 0][1]


def test_each_epoch_has_every_image_once_in_an_order_of_its_own() -> None:
    images = drawn()
    orders = [[images[epoch, n][0] for n in range(10)] for epoch in range(3)]
    assert [sorted(order) for order in orders] == [list(range(10))] * 3
    assert len({tuple(order) for order in orders}) == 3


def test_a_mosaic_is_made_from_the_images_that_come_before_also_in_the_epoch_before() -> None:
    images = drawn()
    passed: list[int] = []
    for place in itertools.product(range(3), range(10)):
        index, _, recent, _ = images[place]
        passed.append(index)
        assert recent == passed[1 - HELD :], "the buffer forgets one when it is full"


def test_mosaic_ends_with_its_epoch_though_another_process_is_behind() -> None:
    images = drawn(plain_from=2)
    assert [images[place][3] for place in ((0, 9), (1, 9), (2, 0), (3, 0))] == [0, 0, 1, 1]


def test_the_batches_are_those_of_ultralytics() -> None:
    images = drawn()
    theirs: Any = torch.utils.data.DataLoader(
        FakeImages(10), batch_size=4, collate_fn=lambda items: [item[0] for item in items]
    )
    batches = loader.TrainLoader(theirs, images, epochs=2)
    assert len(batches) == 3
    for batches.epoch in range(2):
        order = [images[batches.epoch, n][0] for n in range(10)]
        assert list(batches) == [order[:4], order[4:8], order[8:]]


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that Ultralytics reads from now on."""
    from ultralytics.data import base

    read, files = base.imread, []

    def counted(file: str, **options: Any) -> Any:
        files.append(file)
        return read(file, **options)

    monkeypatch.setattr(base, "imread", counted)
    return files


@pytest.mark.slow
@pytest.mark.parametrize("held", [16, 40], ids=lambda count: f"{count}-held")
def test_ultralytics_images_are_held_in_bounded_memory_and_are_never_changed(
    held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more fit than its buffer has, none is read twice, and mosaics are the same."""
    monkeypatch.setattr(loader, "HELD", (held + 1) * 3 * 64 * 64)
    from fairtrial.backends._ultralytics_files import workplace, write_dataset

    with workplace() as place:
        from ultralytics.cfg import get_cfg
        from ultralytics.data.build import build_yolo_dataset
        from ultralytics.data.utils import check_det_dataset

        wanted = {"mosaic": 0.5, "mixup": 0.5, "imgsz": 64, "translate": 0.0, "scale": 0.0}
        arguments = get_cfg(overrides=wanted | {"task": "detect"})
        data = check_det_dataset(str(write_dataset(tiny.draw(tmp_path / "tiny", 60), place)))

        def images() -> tuple[Any, loader.DrawnImages]:
            theirs = build_yolo_dataset(arguments, data["train"], 2, data)
            return theirs, loader.DrawnImages(theirs, 0, 9, arguments)

        theirs, ours = images()
        assert len(theirs) == 40
        reads = count_reads(monkeypatch)
        for place_ in itertools.product(range(2), range(40)):
            last = ours[place_]
            assert sum(image is not None for image in theirs.ims) <= held
        assert len(reads) == 40 or held < 40 < len(reads)
        monkeypatch.setattr(loader, "HELD", 0)
        fewer, alone = images()
        assert fewer.max_buffer_length == 16
        fresh = alone[1, 39]
    assert torch.equal(last["img"], fresh["img"])
    assert torch.equal(last["bboxes"], fresh["bboxes"])
