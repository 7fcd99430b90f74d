"""Configurations of the questions of docs/cases, trained for real: for an epoch or two on a few
drawn images, in this process. The backends' own audits see whether a setting was lost on the way;
here each must also lead to other losses and weights than its neighbours."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from fairtrial.data.dataset import SplitDataset
from fairtrial.files.yamlfile import read_yaml
from fairtrial.planning.config_files import plugin_settings
from fairtrial.planning.plan import Plan
from fairtrial.plugins import plugin
from fairtrial.training.contract import HistoryRow
from tests.backends.tiny import draw, draw_classes

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
PROJECT = Path(__file__).parents[2]

# What is made small in all configurations of a question.
NETWORKS = {"epochs": 2, "batch": 4}
RETINANET = {"epochs": 1, "imgsz": 32, "batch": 2}
YOLO = {"epochs": 1, "imgsz": 32, "batch": 4, "warmup_epochs": 0.0}
SMALL: dict[str, dict[str, Any]] = {
    "cifar10_architectures": NETWORKS,
    "cifar10_cnn": NETWORKS,
    "cifar10_activations": NETWORKS,
    "cifar10_optimizers": NETWORKS,
    "cifar10_dropout": NETWORKS,
    "cifar10_leak": NETWORKS,
    "cifar10_pretrained": {"epochs": 1, "batch": 4},
    "retinanet_depth": RETINANET,
    "retinanet_focal": RETINANET,
    "sizes": {"epochs": 1, "imgsz": 32, "warmup_epochs": 0.0},
    "coco_person_motorcycle": YOLO,
}
# The larger ones differ from these in their layers alone.
TRAINED = {"retinanet_depth": ("depth", {18, 50}), "sizes": ("model", {"yolov8n", "yolov8s"})}
IMAGES = {"ultralytics": 15, "retinanet": 5}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SplitDataset]:
    """A few images for each backend."""
    root = tmp_path_factory.mktemp("drawn")
    boxes = {name: draw(root / name, number) for name, number in IMAGES.items()}
    return boxes | {"networks": draw_classes(root / "classes")}


def configurations(name: str, folder: Path) -> dict[str, dict[str, Any]]:
    """The settings of the first run of each configuration, as the planner resolves them. A question
    that begins with the winner of another begins here with the first link of CIFAR-10's chain."""
    for part in ("config", "params.yaml"):
        source = PROJECT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    question = read_yaml(PROJECT / f"config/experiments/{name}.yaml")
    if question["base"].pop("from", None):
        first = read_yaml(PROJECT / "config/experiments/cifar10_architectures.yaml")
        question["base"] = first["base"] | first["runs"]["halving"] | question["base"]
        if "optimizer" in next(iter(question.get("grid", {}).get("by", {}).values()), {}):
            del question["base"]["momentum"]  # not every optimizer has one
        path = folder / f"config/experiments/{name}.yaml"
        path.write_text(json.dumps(question))
    runs = Plan.read(name).chosen.runs.values()
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        found.setdefault(run.run_name.configuration, {"backend": run.backend, **run.settings})
    return found


def told_apart(name: str, runs: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those with a value that none before has: each word and whole number is trained once, and of
    decimals one beside the first."""
    key, chosen = TRAINED.get(name, ("", set()))
    kept, seen = {}, set[tuple[str, str]]()
    first = next(iter(runs.values()))
    for run, settings in runs.items():
        values = {
            (k, "other" if isinstance(value, float) and value != first.get(k) else repr(value))
            for k, value in settings.items()
            if k != "dataset"
        }
        if not values <= seen and (not key or settings[key] in chosen):
            kept[run] = settings
            seen |= values
    return kept


def checkpoint(settings: dict[str, Any], folder: Path) -> Path | None:
    """Drawn weights in the layout of the file that the settings name."""
    if not settings.get("pretrained"):
        return None
    file = folder / Path(settings["pretrained"]).name
    torch.manual_seed(1)
    if settings["backend"] == "networks":
        from torchvision.models import resnet50

        torch.save(resnet50().state_dict(), file)
    else:
        from fairtrial.backends._ultralytics_files import save_weights, workplace

        with workplace():
            from ultralytics.nn.tasks import DetectionModel

            save_weights(DetectionModel(f"{settings['model']}.yaml", verbose=False), file)
    return file


def trained(
    settings: dict[str, Any], data: dict[str, SplitDataset], folder: Path
) -> tuple[str, list[HistoryRow]]:
    """What identifies the weights and losses of a training, and its history."""
    folder.mkdir()
    model = plugin_settings("backends", settings["backend"], "")
    own = model.model_validate({k: v for k, v in settings.items() if k != "backend"})
    rows: list[HistoryRow] = []
    start = checkpoint(settings, folder.parent)
    backend = plugin("backends", settings["backend"])
    result = backend.fit(own, data[settings["backend"]], start, folder, 1, rows.append)
    assert result.epochs_run == settings["epochs"]
    content = torch.load(folder / "weights.pt", weights_only=False)["model"]
    state = content.state_dict() if isinstance(content, torch.nn.Module) else content
    sha = hashlib.sha256()
    for tensor in state.values():
        sha.update(tensor.float().numpy().tobytes())
    sha.update(repr([{k: v for k, v in row.items() if k != "lr"} for row in rows]).encode())
    return sha.hexdigest(), rows


@pytest.mark.parametrize("name", SMALL)
def test_each_configuration_trains_as_it_says(
    name: str, drawn: dict[str, SplitDataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = told_apart(name, configurations(name, tmp_path))
    assert len(runs) > 1
    found = {}
    for run, settings in runs.items():
        small = settings | SMALL[name]
        found[run], rows = trained(small, drawn, tmp_path / run.replace("/", "_"))
        assert all(math.isfinite(value) for row in rows for value in row.values()), run
    assert len(set(found.values())) == len(found), found
