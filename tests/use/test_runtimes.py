"""Exported files: opened by their runtime alone, and refused in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from facts import refused
from fairtrial import DataError, FairtrialError
from fairtrial.use import runtimes
from fairtrial.use.runtimes import open_exported
from tests.use.tiny_model import classifier_metadata, metadata, write_onnx

ROOT = Path(__file__).parents[2]
BOXES = [[0, 8, 32, 40, 0.9, 1], [16, 8, 64, 56, 0.4, 0], [0, 0, 9, 9, 0.2, 0]]


def test_a_detector_gives_boxes_in_pixels_of_the_image(tmp_path: Path) -> None:
    model = open_exported(write_onnx(tmp_path / "a.onnx", BOXES), 1)
    assert model.metadata == metadata()
    wide = np.zeros((48, 128, 3), np.uint8)  # scaled to half, with 4 pixels above
    (prediction,), times = model.predict([wide], 0.3)
    first, second = prediction.detections
    assert (first.category_id, first.bbox) == (2, (0.0, 8.0, 64.0, 40.0)), "cut at the lower edge"
    assert second.bbox == (32.0, 8.0, 96.0, 40.0)
    assert first.confidence == pytest.approx(0.9)
    assert set(times) == {"preprocess", "inference", "postprocess"}
    (of_dogs,), _ = model.predict([wide], 0.0, ["dog"])
    assert [d.category_id for d in of_dogs.detections] == [2]


def test_images_of_several_sizes_are_predicted_together(tmp_path: Path) -> None:
    model = open_exported(write_onnx(tmp_path / "a.onnx", BOXES), 1)
    shapes = [(64, 64), (64, 64), (32, 64), (64, 64)]
    images = [np.zeros((*shape, 3), np.uint8) for shape in shapes]
    predictions, _ = model.predict(images, 0.3)
    assert [model.predict([image], 0.3)[0][0] for image in images] == predictions


def test_a_batch_of_fixed_size_is_filled_up(tmp_path: Path) -> None:
    file = write_onnx(tmp_path / "a.onnx", BOXES, metadata(batch=4))
    predictions, _ = open_exported(file, 1).predict([np.zeros((64, 64, 3), np.uint8)] * 5, 0.3)
    assert len(predictions) == 5


def test_a_classifier_gives_probabilities_that_add_up_to_one(tmp_path: Path) -> None:
    model = open_exported(
        write_onnx(tmp_path / "a.onnx", [0.25, 0.7500001], classifier_metadata()), 1
    )
    (prediction,), _ = model.predict([np.zeros((9, 20, 3), np.uint8)], 0.5)
    assert prediction.probabilities == pytest.approx((0.25, 0.75), abs=1e-6)
    assert sum(prediction.probabilities) == pytest.approx(1, abs=1e-15)


def test_nothing_but_the_runtime_is_imported_for_an_exported_file(tmp_path: Path) -> None:
    """So that a server can do without torch, snakemake and dvc."""
    file = write_onnx(tmp_path / "a.onnx", BOXES)
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from fairtrial.use.runtimes import open_exported\n"
        f"model = open_exported(Path({str(file)!r}), 1)\n"
        "assert model.predict([np.zeros((48, 64, 3), np.uint8)], 0.3)[0][0].detections\n"
        "import json; print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))\n"
    )
    env = {"PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    heavy = {"torch", "torchvision", "ultralytics", "snakemake", "dvc", "matplotlib", "pandas"}
    loaded = set(json.loads(done.stdout))
    assert "onnxruntime" in loaded
    assert loaded & heavy == set()


def test_onnx_runtime_keeps_no_record_of_what_it_is_used_for(tmp_path: Path) -> None:
    """By default it notes events for Microsoft, with the name of the model's file."""
    file = write_onnx(tmp_path / "a.onnx", BOXES)
    (tmp_path / "home").mkdir()
    code = (
        "from pathlib import Path; from fairtrial.use.runtimes import open_exported\n"
        f"open_exported(Path({str(file)!r}), 1)\n"
    )
    env = {"PYTHONPATH": str(ROOT / "workflow"), "HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    assert list((tmp_path / "home").rglob("*")) == []


@pytest.mark.parametrize(
    ("name", "about", "facts"),
    [
        ("missing.onnx", None, ["missing.onnx", "no such file"]),
        ("model.txt", None, ["model.txt", ".onnx"]),
        ("foreign.onnx", "", ["foreign.onnx", "metadata", "export-model"]),
        ("newer.onnx", '{"format": 2}', ["newer.onnx", "`format`"]),
        ("broken.onnx", None, ["broken.onnx", "cannot be opened"]),
    ],
)
def test_a_file_that_is_no_model_is_named(
    tmp_path: Path, name: str, about: str | None, facts: list[str]
) -> None:
    if about is not None:
        write_onnx(tmp_path / name, BOXES, about)
    if name in ("model.txt", "broken.onnx"):
        (tmp_path / name).write_text("no model")
    with refused(DataError, *facts):
        open_exported(tmp_path / name, 1)


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_onnx(tmp_path / "a.onnx", BOXES)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with refused(FairtrialError, "`onnxruntime`", "make venv EXTRAS=export"):
        open_exported(file, 1)
    assert runtimes.is_exported(file)


def test_a_size_that_a_torch_program_does_not_take_is_said() -> None:
    def refuses(values: np.ndarray) -> np.ndarray:
        raise AssertionError("Guard failed: 1 + (-1 + images.size()[2]) // 128 != 1")

    network = runtimes._saying_which_sizes(refuses, Path("model.pt2"))
    with refused(DataError, "model.pt2", "160×128", "`--fixed`", "`onnx`"):
        network(np.zeros((1, 3, 128, 160), np.float32))
