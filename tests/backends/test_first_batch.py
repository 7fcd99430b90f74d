"""The batch that is shown is the one that was learned from, and showing it changes no training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fairtrial.backends import _networks_loop, _retinanet_loop, _ultralytics_trainer
from fairtrial.data.dataset import SplitDataset
from fairtrial.files.modelfile import write_model
from fairtrial.plugins import plugin
from fairtrial.training.first_batch import BatchImage, kept, read_batch
from tests.backends.test_every_backend import settings, task
from tests.backends.tiny import draw, draw_classes

pytestmark = pytest.mark.slow

AUGMENTED: dict[str, dict[str, Any]] = {
    "ultralytics": {"imgsz": 32, "epochs": 2, "mosaic": 1.0, "close_mosaic": 1, "fliplr": 0.5},
    "retinanet": {"imgsz": 32, "epochs": 1, "fliplr": 0.5, "scale": 0.5},
    "networks": {"epochs": 1},
}
Pixels = list[Any]


def record(monkeypatch: pytest.MonkeyPatch) -> list[Pixels]:
    """The pixels of every batch that a network is given from now on."""
    seen: list[Pixels] = []
    trainer, retinanet = _ultralytics_trainer.Trainer, _retinanet_loop.RetinaNetTraining
    network = _networks_loop.NetworkTraining

    def noted(function: Callable[..., Any], pixels: Callable[..., Pixels]) -> Callable[..., Any]:
        def call(self: Any, *arguments: Any) -> Any:
            result = function(self, *arguments)
            seen.append(pixels(result, *arguments))
            return result

        return call

    def of_ultralytics(result: Any, batch: Any) -> Pixels:
        whole = (result["img"].cpu() * 255).round().byte().permute(0, 2, 3, 1)
        return [image.numpy().copy() for image in whole]

    def of_tensors(result: Any, images: Any, *rest: Any) -> Pixels:
        return [image.permute(1, 2, 0).numpy().copy() for image in images]

    for owner, name, pixels in (
        (trainer, "preprocess_batch", of_ultralytics),
        (retinanet, "_step", of_tensors),
        (network, "_step", of_tensors),
    ):
        monkeypatch.setattr(owner, name, noted(getattr(owner, name), pixels))
    return seen


def data_of(backend: str, folder: Path) -> SplitDataset:
    return (
        draw(folder / "shapes") if task(backend) == "detect" else draw_classes(folder / "colours")
    )


def weights_of(backend: str, data: SplitDataset, folder: Path) -> dict[str, bytes]:
    """The last state of a training, to the bit."""
    folder.mkdir()
    own = settings(backend, **AUGMENTED[backend])
    plugin("backends", backend).fit(own, data, None, folder, 1, lambda row: None)
    state = torch.load(folder / "state.pt", weights_only=True)
    tensors = state["model"] if "model" in state else state["net"]
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


@pytest.mark.parametrize("backend", AUGMENTED)
def test_it_is_what_was_learned_from_and_disturbs_nothing(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_of(backend, tmp_path)
    own = settings(backend, **AUGMENTED[backend])
    with monkeypatch.context() as patch:
        batches = record(patch)
        alone = weights_of(backend, data, tmp_path / "alone")
    shown: list[BatchImage] = plugin("backends", backend).first_batch(own, data, 1)
    assert len(shown) == len(batches[0]) == own.batch
    for image, learned in zip(shown, batches[0], strict=True):
        np.testing.assert_array_equal(image.pixels, learned)
    assert weights_of(backend, data, tmp_path / "after") == alone
    other = plugin("backends", backend).first_batch(own.model_copy(update={"seed": 1}), data, 1)
    assert any(
        a.pixels.shape != b.pixels.shape or (a.pixels != b.pixels).any()
        for a, b in zip(shown, other, strict=True)
    )


@pytest.mark.parametrize("backend", ["ultralytics", "retinanet"])
def test_boxes_lie_on_the_objects_of_the_augmented_image(backend: str, tmp_path: Path) -> None:
    """Without augmentation: the boxes of the data set, scaled."""
    data = data_of(backend, tmp_path)
    plain = {"mosaic": 0.0, "fliplr": 0.0, "scale": 0.0, "translate": 0.0, "imgsz": 32}
    names = {**AUGMENTED[backend], **plain} if backend == "ultralytics" else plain
    own = settings(backend, **{k: v for k, v in names.items() if k in settings_keys(backend)})
    found = {
        (name, *(round(v) for v in box))
        for image in plugin("backends", backend).first_batch(own, data, 1)
        for box, name in zip(image.boxes, image.names, strict=True)
    }
    categories = data.dataset.categories
    expected = {
        (categories[a.category_id], *(round(v / 2) for v in a.bbox))
        for a in data.dataset.annotations
        if a.bbox
    }
    assert found
    near = {
        box
        for box in found
        if any(b[0] == box[0] and np.allclose(b[1:], box[1:], atol=1.01) for b in expected)
    }
    assert near == found


def settings_keys(backend: str) -> set[str]:
    return set(plugin("backends", backend).Settings.model_fields)


def test_the_file_keeps_some_images_small_with_their_boxes(tmp_path: Path) -> None:
    image = BatchImage(np.zeros((600, 960, 3), np.uint8), ((96.0, 60.0, 192.0, 120.0),), ("cell",))
    write_model(tmp_path / "a.json", kept([image] * 20, "cpu"))
    batch = read_batch(tmp_path / "a.json")
    assert (batch.size, len(batch.images), batch.device) == (20, 16, "cpu")
    assert batch.images[0].boxes == ((48.0, 30.0, 96.0, 60.0),)
