"""Networks of torch as exported files: by their own runtime they give what they gave before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fairtrial.backends import ultralytics
from fairtrial.settings.stages import PredictDetectSettings
from fairtrial.use.exporting import write_exported
from fairtrial.use.runtimes import open_exported
from tests.use.tiny_model import metadata

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
    about = metadata(
        classes=exportable.classes, preparation=exportable.preparation, output=exportable.output
    )
    write_exported(exportable, about, tmp_path / "a.onnx")
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
