"""Time, memory and energy of several images at once."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from fairtrial.data.dataset import Image
from fairtrial.files import memory, nvml
from fairtrial.training import measuring
from fairtrial.training.batches import Batched, image_model
from fairtrial.training.measuring import batch_speeds

IMAGES = [Image(1, "a", 30, 40), Image(2, "b", 40, 30), Image(3, "c", 40, 30)]


class Model:
    """Takes two milliseconds an image alone, and less in company; more than `most` do not fit."""

    def __init__(self, most: int = 99) -> None:
        self.most, self.seen = most, list[list[str]]()

    def predict(self, images: Sequence[Image]) -> list[tuple[list[float], dict[str, float]]]:
        self.seen.append([image.file_name for image in images])
        if len(images) > self.most:
            raise RuntimeError("CUDA out of memory. Tried to allocate 9 GiB.")
        times = {"preprocess": 1.0, "inference": 1.0 / len(images)}
        return [([0.5], times) for _ in images]

    def of_images(self) -> Any:
        batched = Batched[Image, Image, list[float]](
            lambda i: i, lambda i: (i.width, i.height), lambda *size: size, self.predict
        )
        return image_model(batched, lambda image: image)


@pytest.fixture(autouse=True)
def cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_gpu", lambda: None)


def test_images_of_the_commonest_shape_fill_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "peak", lambda: 3_210_000_000)
    model = Model()
    small, large = batch_speeds(model.of_images(), IMAGES, (4, 1), 10)
    assert set(map(tuple, model.seen)) == {("b",), ("b", "c", "b", "c")}
    assert (small.batch, small.images, small.median) == (1, 10, 2.0)
    assert (large.batch, large.images, large.median) == (4, 12, 1.25), "whole batches"
    assert (large.memory_of, large.peak_mb, large.joules) == ("process", 3210.0, None)


def test_what_does_not_fit_has_no_figures_and_others_have_them() -> None:
    small, large = batch_speeds(Model(most=2).of_images(), IMAGES, (1, 8), 10)
    assert small.median == 2.0
    assert (large.batch, large.images, large.median, large.peak_mb) == (8, 0, None, None)


def test_another_error_is_passed_on() -> None:
    def fail(images: object) -> Any:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    model = Model()
    model.predict = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="illegal memory access"):
        batch_speeds(model.of_images(), IMAGES, (2,), 10)


def test_a_model_of_one_image_is_not_measured_with_several() -> None:
    model = image_model(lambda image: ([0.5], {"inference": 1.0}), lambda image: image)
    assert batch_speeds(model, IMAGES, (1, 8), 10) == ()


@pytest.mark.parametrize(
    ("counter", "joules"),
    [([5.0, 29.0], 24.0 / 12), ([None], None), ([5.0, None], None)],
    ids=["counted", "no counter", "a counter that fails"],
)
def test_a_gpu_tells_its_memory_and_perhaps_its_energy(
    counter: list[float | None], joules: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = SimpleNamespace(
        empty_cache=lambda: None,
        reset_peak_memory_stats=lambda: None,
        max_memory_reserved=lambda: 2_500_000_000,
        get_device_properties=lambda number: SimpleNamespace(uuid="0-1"),
    )
    asked: list[str] = []

    def told(uuid: str) -> float | None:
        asked.append(uuid)
        return counter[len(asked) - 1]

    monkeypatch.setattr(measuring, "_gpu", lambda: gpu)
    monkeypatch.setattr(measuring, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(nvml, "joules", told)
    [speed] = batch_speeds(Model().of_images(), IMAGES, (4,), 10)
    assert (speed.memory_of, speed.peak_mb, speed.joules) == ("gpu", 2500.0, joules)
    assert set(asked) == {"GPU-0-1"}
