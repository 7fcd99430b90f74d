"""Networks of torch as exported files: by their own runtime they give what they gave before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fairtrial.backends import networks, retinanet, ultralytics
from fairtrial.settings.stages import PredictClassifySettings, PredictDetectSettings
from fairtrial.use.exporting import Exportable, write_exported
from fairtrial.use.model import Model
from fairtrial.use.runtimes import open_exported, torch_network
from tests.backends.test_exportable import (
    about,
    classifier_weights,
    pictures,
    retinanet_weights,
)

pytestmark = pytest.mark.slow
DETECT = PredictDetectSettings(
    backend="ultralytics", imgsz=320, conf=0.01, iou=0.7, max_det=300, speed_images=100
)


@pytest.mark.data
def test_an_exported_detector_of_ultralytics_finds_the_same_boxes(
    tmp_path: Path, real_data: Path
) -> None:
    weights = real_data / "weights/yolov8n_coco.pt"
    exportable = ultralytics.exportable(weights, DETECT)
    write_exported(exportable, about(exportable), tmp_path / "a.onnx")
    exported = open_exported(tmp_path / "a.onnx", 1)
    names = dict(enumerate(exportable.classes, 1))
    with ultralytics.detector(weights, names, DETECT, 1) as detect:
        for name in ("bus", "zidane"):
            Image.open(real_data / f"demo_images/{name}.jpg").save(tmp_path / f"{name}.png")
            expected = detect(tmp_path / f"{name}.png")[0]
            assert len(expected) > 10
            pixels = np.asarray(Image.open(tmp_path / f"{name}.png"))
            (found,), _ = exported.predict([pixels], DETECT.conf)
            assert len(found.detections) == len(expected)
            for ours, theirs in zip(found.detections, expected, strict=True):
                assert ours.confidence == pytest.approx(theirs.confidence, abs=1e-4)
                assert ours.category_id == theirs.category_id
                assert ours.bbox == pytest.approx(theirs.bbox, abs=0.1)
    assert str(tmp_path).encode() not in (tmp_path / "a.onnx").read_bytes()
    assert b"site-packages" not in (tmp_path / "a.onnx").read_bytes(), "paths of the machine"


CLASSES = {"task": "classify", "confidence": None}


def classifier(tmp_path: Path) -> Exportable:
    settings = PredictClassifySettings(backend="networks", imgsz=32, speed_images=100)
    return networks.exportable(classifier_weights(tmp_path / "w.pt"), settings)


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".pt2"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_classifier_is_the_same_in_every_format(
    tmp_path: Path, suffix: str, precision: str
) -> None:
    exportable = classifier(tmp_path)
    images = [np.asarray(Image.open(file)) for file in pictures(tmp_path)]
    original = Model(about(exportable, **CLASSES), torch_network(exportable.module, 1))
    expected, _ = original.predict(images, 0.0)
    written = about(exportable, precision=precision, **CLASSES)
    write_exported(exportable, written, tmp_path / f"a{suffix}")
    exported = open_exported(tmp_path / f"a{suffix}", 1)
    assert exported.metadata == written
    assert b"site-packages" not in (tmp_path / f"a{suffix}").read_bytes(), "paths of the machine"
    found, _ = exported.predict(images, 0.0)
    for ours, theirs in zip(found, expected, strict=True):
        close = 1e-5 if precision == "fp32" else 5e-3
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=close)
    if precision == "fp16" and suffix != ".xml":
        content = (tmp_path / f"a{suffix}").read_bytes()
        weight = exportable.module[0].body[4].parametrizations.weight.original
        assert weight.numpy().tobytes() in content, "its weights are stored in half precision"


def test_a_fixed_batch_takes_so_many_images(tmp_path: Path) -> None:
    exportable = classifier(tmp_path)
    write_exported(exportable, about(exportable, batch=3, **CLASSES), tmp_path / "a.onnx")
    exported = open_exported(tmp_path / "a.onnx", 1)
    images = [np.asarray(Image.open(file)) for file in pictures(tmp_path)]
    together, _ = exported.predict(images * 2, 0.0)
    assert [exported.predict([image], 0.0)[0][0] for image in images] == together[:3]
    with pytest.raises(Exception, match=r"(?i)dimension"):
        exported.network(np.zeros((2, 3, 32, 32), np.float32))


def test_retinanet_is_the_same_by_openvino(tmp_path: Path) -> None:
    settings = DETECT.model_copy(update={"backend": "retinanet", "imgsz": 96, "conf": 0.05})
    exportable = retinanet.exportable(retinanet_weights(tmp_path / "w.pt"), settings)
    original = Model(about(exportable), torch_network(exportable.module, 1))
    write_exported(exportable, about(exportable), tmp_path / "a.xml")
    exported = open_exported(tmp_path / "a.xml", 1)
    images = [np.asarray(Image.open(file)) for file in pictures(tmp_path)]
    found, expected = (model.predict(images, 0.05)[0] for model in (exported, original))
    for ours, theirs in zip(found, expected, strict=True):
        assert len(ours.detections) == len(theirs.detections) > 10
        for one, other in zip(ours.detections, theirs.detections, strict=True):
            assert one.bbox == pytest.approx(other.bbox, abs=0.05)
