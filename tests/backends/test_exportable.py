"""The networks that backends give away, with what is said of their input and output, find what the
backends themselves find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fairtrial.backends import _networks_model as networks_model
from fairtrial.backends import _retinanet_model as retinanet_model
from fairtrial.backends import networks, retinanet
from fairtrial.backends._networks_settings import Architecture
from fairtrial.settings.stages import PredictClassifySettings, PredictDetectSettings
from fairtrial.use.exporting import Exportable
from fairtrial.use.metadata import ModelMetadata
from fairtrial.use.model import Model
from fairtrial.use.runtimes import torch_network
from tests.use.tiny_model import metadata

SIZES = [(40, 90), (120, 64), (77, 77)]  # height and width


def pictures(folder: Path) -> list[Path]:
    """Noise of several sizes."""
    rng, files = np.random.default_rng(0), []
    for number, size in enumerate(SIZES):
        files.append(folder / f"{number}.png")
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(files[-1])
    return files


def about(exportable: Exportable, **changed: Any) -> ModelMetadata:
    return metadata(
        classes=exportable.classes,
        preparation=exportable.preparation,
        output=exportable.output,
        **changed,
    )


def retinanet_weights(path: Path) -> Path:
    """An untrained RetinaNet of three classes that is sure of something at many places."""
    torch.manual_seed(0)
    net = retinanet_model.build(retinanet_model.ModelSpec(18, 96, True, prior=0.2), 3)
    torch.nn.init.normal_(net.head.classification_head.cls_logits.weight, std=0.05)
    torch.nn.init.normal_(net.head.regression_head.bbox_reg.weight, std=0.02)
    content = {"depth": 18, "names": ["a", "b", "c"], "model": net.state_dict()}
    retinanet_model.save(content, path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("imgsz", [96, 100])
def test_retinanet(tmp_path: Path, imgsz: int) -> None:
    weights = retinanet_weights(tmp_path / "w.pt")
    settings = PredictDetectSettings(
        backend="retinanet", imgsz=imgsz, conf=0.05, iou=0.5, max_det=40, speed_images=100
    )
    exportable = retinanet.exportable(weights, settings)
    model = Model(about(exportable), torch_network(exportable.module, 1))
    with retinanet.detector(weights, {1: "c", 2: "a"}, settings, 1) as detect:
        for file in pictures(tmp_path):
            expected = detect(file)[0]
            pixels = np.asarray(Image.open(file))
            (found,), _ = model.predict([pixels], settings.conf, ["a", "c"])
            assert len(found.detections) == len(expected) > 10
            for ours, theirs in zip(found.detections, expected, strict=True):
                assert ours.confidence == pytest.approx(theirs.confidence, abs=1e-5)
                assert {1: 2, 3: 1}[ours.category_id] == theirs.category_id
                assert ours.bbox == pytest.approx(theirs.bbox, abs=0.01)


def test_a_classification_network(tmp_path: Path) -> None:
    weights = classifier_weights(tmp_path / "w.pt")
    settings = PredictClassifySettings(backend="networks", imgsz=32, speed_images=100)
    exportable = networks.exportable(weights, settings)
    model = Model(about(exportable, task="classify"), torch_network(exportable.module, 1))
    names = {1: "red", 2: "green", 3: "blue"}
    with networks.classifier(weights, names, settings, 1) as classify:
        images = [np.asarray(Image.open(file)) for file in pictures(tmp_path)]
        predictions, _ = model.predict(images, 0.5)
        for pixels, prediction in zip(images, predictions, strict=True):
            assert prediction.probabilities == pytest.approx(classify(pixels)[0], abs=1e-6)
            assert max(prediction.probabilities) > 0.4


def classifier_weights(path: Path) -> Path:
    """An untrained convolutional network of three classes."""
    torch.manual_seed(0)
    architecture = Architecture(
        model="cnn", imgsz=32, widths=None, blocks=[8, 16], activation="relu", dropout=0.0
    )
    net = networks_model.build(architecture, 3, torch.full((3,), 120.0), torch.full((3,), 60.0))
    torch.nn.init.normal_(net.body[-1].weight, std=2)
    content = {
        "settings": architecture.model_dump(),
        "names": ["red", "green", "blue"],
        "model": net.state_dict(),
    }
    torch.save(content, path)
    return path
