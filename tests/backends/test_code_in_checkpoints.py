"""A checkpoint with code in it is opened by nobody: training, prediction, resuming."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from facts import refused
from fairtrial import BackendError
from fairtrial.backends import _networks_model, networks, retinanet, ultralytics
from fairtrial.backends._networks_settings import architecture_of
from fairtrial.backends._ultralytics_files import workplace
from fairtrial.files.yamlfile import read_yaml
from fairtrial.settings.stages import PredictClassifySettings, PredictDetectSettings
from fairtrial.training.checkpoint import last_state
from tests.backends.tiny import draw

PARAMS = read_yaml(Path(__file__).parents[2] / "params.yaml")
TRAP = Path("trap.pt")


class Mark:
    """A pickle that makes a file `ran` when it is opened."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("ran"),)


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint in the layout of Ultralytics; one of its layers has a Mark as attribute."""
    monkeypatch.chdir(tmp_path)
    net = nn.Sequential(nn.Conv2d(3, 3, 1))
    net[0].inner = {"deep": [Mark()]}
    torch.save({"epoch": -1, "model": net, "train_args": {}}, TRAP)


def fit(backend: Any, **changed: Any) -> None:
    values = PARAMS | {"imgsz": 64, "batch": 4, "pretrained": "a/trap.pt"} | changed
    fields = backend.Settings.model_fields
    own = backend.Settings.model_validate({n: values[n] for n in fields if n in values})
    Path("folder").mkdir()
    backend.fit(own, draw(Path("data")), TRAP, Path("folder"), 1, lambda row: None)


def trainers_own_loading() -> None:
    with workplace():
        from ultralytics.engine.trainer import load_checkpoint

        load_checkpoint(str(TRAP))


def detector(backend: Any) -> None:
    section = {"conf": 0.1, "iou": 0.5, "max_det": 9, "speed_images": 100}
    settings = PredictDetectSettings(backend="any", imgsz=64, **section)
    with backend.detector(TRAP, {1: "a"}, settings, 1):
        pass


def classifier() -> None:
    settings = PredictClassifySettings(backend="networks", imgsz=64, speed_images=100)
    with networks.classifier(TRAP, {1: "a"}, settings, 1):
        pass


def start_of_a_classifier() -> None:
    values = PARAMS | {"backend": "networks", "model": "yolov8n-cls", "imgsz": 64}
    own = networks.Settings.model_validate({n: values[n] for n in networks.Settings.model_fields})
    net = _networks_model.build(architecture_of(own), 3, torch.zeros(3), torch.ones(3))
    _networks_model.start_from(net, TRAP, "yolov8n-cls")


DOORS: dict[str, Callable[[], None]] = {
    "ultralytics, training": lambda: fit(ultralytics, epochs=1),
    "ultralytics, as it is": lambda: fit(ultralytics, epochs=0),
    "ultralytics, its own trainer": trainers_own_loading,
    "ultralytics, predicting": lambda: detector(ultralytics),
    "networks, training": start_of_a_classifier,
    "networks, predicting": classifier,
    "retinanet, training": lambda: fit(retinanet, model="retinanet", optimizer="SGD"),
    "retinanet, predicting": lambda: detector(retinanet),
}


@pytest.mark.usefixtures("trap")
@pytest.mark.parametrize("door", DOORS)
def test_no_door_opens_it(door: str) -> None:
    with refused(BackendError, "trap.pt"):
        DOORS[door]()
    assert not Path("ran").exists()


@pytest.mark.usefixtures("trap")
def test_nothing_is_resumed_from_it(capsys: pytest.CaptureFixture[str]) -> None:
    TRAP.rename("state.pt")
    assert last_state(Path()) is None
    assert "training starts anew" in capsys.readouterr().err
    assert not Path("ran").exists()
