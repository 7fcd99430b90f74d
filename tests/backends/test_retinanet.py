"""RetinaNet: its loss, its batches, its files, and that an interruption leaves no trace."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
import torchvision
from PIL import Image as Pillow
from pydantic import ValidationError
from torch.nn.functional import softplus
from torchvision.models.detection.retinanet import RetinaNetClassificationHead

from facts import refused
from fairtrial import BackendError
from fairtrial.backends import _retinanet_images as pictures
from fairtrial.backends import _retinanet_loop as loop
from fairtrial.backends import _retinanet_model as model
from fairtrial.backends import _retinanet_processes as processes
from fairtrial.backends import retinanet
from fairtrial.data.dataset import Annotation, Dataset, Image, SplitDataset
from fairtrial.files.yamlfile import read_yaml
from fairtrial.planning.config_files import of_params
from fairtrial.settings.stages import predict_settings
from fairtrial.sources import shapes
from fairtrial.training.contract import FitResult
from tests.ids import short

pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).parents[2]
SECTION = {"conf": 0.001, "iou": 0.7, "max_det": 300, "speed_images": 100}
PREDICT = predict_settings("detect", SECTION, "retinanet", imgsz=64)


def settings(**changed: Any) -> retinanet.Settings:
    params = read_yaml(ROOT / "params.yaml")
    small = {"imgsz": 64, "batch": 2, "epochs": 2, "lr0": 0.0005}
    own = {name: params[name] for name in of_params(retinanet.Settings)} | small
    return retinanet.Settings.model_validate(own | changed)


def drawn_dataset(folder: Path, images: int, train: int) -> SplitDataset:
    """Drawn images of 96 × 96 pixels, the first `train` to learn from, the others val."""
    folder.mkdir()
    drawn = shapes.Settings(images=images, size=96, per_scene=1, file_type="png", objects=2)
    shapes.fetch(drawn, "shapes", folder, folder)
    content = json.loads((folder / "annotations.json").read_text())
    dataset = Dataset(
        [Image(i["id"], f"images/{i['file_name']}", 96, 96) for i in content["images"]],
        [
            Annotation(a["image_id"], a["category_id"], tuple(a["bbox"]), a["area"])
            for a in content["annotations"]
        ],
        {c["id"]: c["name"] for c in content["categories"]},
    ).canonical()
    ids = [image.id for image in dataset.images]
    return SplitDataset(dataset, {"train": ids[:train], "val": ids[train:], "test": []}, folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> SplitDataset:
    return drawn_dataset(tmp_path_factory.mktemp("drawn") / "shapes", images=5, train=3)


def network(classes: int = 3, **changed: Any) -> Any:
    torch.manual_seed(0)
    return model.build(spec(frozen_norm=False, **changed), classes)


def spec(frozen_norm: bool, **changed: Any) -> model.ModelSpec:
    return model.ModelSpec.of(settings(**changed), frozen_norm)


def sizes(*shapes: tuple[int, int]) -> list[Image]:
    return [Image(n, f"{n}.png", *shape) for n, shape in enumerate(shapes, 1)]


# --------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("changed", "facts"),
    [
        ({"depth": 20}, ("18, 34, 50, 101 or 152",)),
        ({"optimizer": "RAdam"}, ("'SGD', 'Adam' or 'AdamW'",)),
        ({"pretrained": "resnet18.pth"}, ("<source>/<file>",)),
        ({"epochs": 0}, ("without `pretrained`", "an epoch")),
        ({"imgsz": 100}, ("multiple of 32",)),
        ({"prior": 0.0}, ("greater than 0",)),
        ({"alpha": 1.0}, ("less than 1",)),
        ({"gamma": -1.0}, ("greater than or equal to 0",)),
        ({"clip": 0.0}, ("greater than 0",)),
        ({"freeze": 6}, ("less than or equal to 5",)),
        ({"mosaic": 0.0}, ("not permitted",)),
    ],
    ids=short,
)
def test_a_wrong_value_is_refused(changed: dict[str, Any], facts: tuple[str, ...]) -> None:
    with refused(ValidationError, *changed, *facts):
        settings(**changed)


# --------------------------------------------------------------------------- loss


def plain_focal_loss(logit: float, truth: int, alpha: float, gamma: float) -> float:
    """Lin et al. 2017, equation 5: -α_t (1 - p_t)^γ log p_t."""
    p = 1 / (1 + math.exp(-logit))
    p_t, alpha_t = (p, alpha) if truth else (1 - p, 1 - alpha)
    return -alpha_t * (1 - p_t) ** gamma * math.log(p_t)


OUTPUTS = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0)) * 3  # image, anchor
TARGETS = [{"labels": torch.tensor([2, 0])}, {"labels": torch.tensor([], dtype=torch.int64)}]
MATCHED = [torch.tensor([0, -1, -2, 1, -1, 1, -2]), torch.full((7,), -1)]  # -2: neither


def by_formula(alpha: float, gamma: float) -> float:
    images = []
    for outputs, target, matched in zip(OUTPUTS, TARGETS, MATCHED, strict=True):
        labels = [int(target["labels"][m]) if m >= 0 else None for m in matched]
        losses = [
            plain_focal_loss(float(outputs[a, c]), int(c == labels[a]), alpha, gamma)
            for a in range(7)
            if matched[a] != -2
            for c in range(3)
        ]
        images.append(sum(losses) / max(1, sum(label is not None for label in labels)))
    return sum(images) / len(images)


@pytest.mark.parametrize(
    ("alpha", "gamma"), [(0.25, 2.0), (0.5, 0.0), (0.9, 1.5), (0.1, 5.0)], ids=short
)
def test_focal_loss_equals_the_plain_formula(alpha: float, gamma: float) -> None:
    head = model.FocalHead(3, 9, 0.01, alpha, gamma)
    loss = float(head.compute_loss(TARGETS, {"cls_logits": OUTPUTS}, MATCHED))
    assert loss == pytest.approx(by_formula(alpha, gamma), rel=1e-6)


def test_focal_loss_equals_torchvisions() -> None:
    arguments = (TARGETS, {"cls_logits": OUTPUTS}, MATCHED)
    theirs = RetinaNetClassificationHead(256, 9, 3).compute_loss(*arguments)
    ours = model.FocalHead(3, 9, 0.01, 0.25, 2.0).compute_loss(*arguments)
    assert float(ours) == pytest.approx(float(theirs), abs=1e-6)


def test_without_focus_it_is_half_the_cross_entropy() -> None:
    """γ = 0 and α = 0.5: no example weighs more than another."""
    head = model.FocalHead(3, 9, 0.01, 0.5, 0.0)
    loss = head.compute_loss(TARGETS[1:], {"cls_logits": OUTPUTS[1:]}, MATCHED[1:])
    assert float(loss) == pytest.approx(float(softplus(OUTPUTS[1]).sum()) / 2, rel=1e-6)


def losses(**changed: Any) -> dict[str, float]:
    net = network(**changed)
    images = [torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))]
    target = {"boxes": torch.tensor([[4.0, 4.0, 40.0, 44.0]]), "labels": torch.tensor([1])}
    with torch.no_grad():
        return {name: float(value) for name, value in net(images, [target]).items()}


@pytest.mark.slow
def test_alpha_and_gamma_change_the_class_loss_alone() -> None:
    usual = losses()
    for changed in ({"alpha": 0.5}, {"gamma": 1.0}):
        other = losses(**changed)
        assert other["bbox_regression"] == usual["bbox_regression"]
        assert other["classification"] != pytest.approx(usual["classification"], rel=1e-3)
    ours, theirs = network().state_dict(), network(alpha=0.5, gamma=1.0).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_prior_changes_the_first_bias_alone() -> None:
    ours, theirs = network(prior=0.01).state_dict(), network(prior=0.1).state_dict()
    changed = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert changed == ["head.classification_head.cls_logits.bias"]
    assert torch.sigmoid(theirs[changed[0]]).numpy() == pytest.approx(0.1, rel=1e-5)


# --------------------------------------------------------------------------- batches

MIXED = sizes(*[(640, 480)] * 5, *[(480, 640)] * 4, *[(640, 200)] * 2)


def test_an_epoch_sees_each_image_once_and_like_shapes_together() -> None:
    parts = pictures.batches(MIXED, settings(batch=2), epoch=0)
    assert sorted(index for part in parts for index in part) == list(range(len(MIXED)))
    assert Counter(map(len, parts)) == {2: 5, 1: 1}
    mixed = [part for part in parts if len({MIXED[i].width / MIXED[i].height for i in part}) > 1]
    assert len(mixed) <= 3, "one where two groups meet"
    assert parts == pictures.batches(MIXED, settings(batch=2), epoch=0)
    assert parts != pictures.batches(MIXED, settings(batch=2), epoch=1)
    assert parts != pictures.batches(MIXED, settings(batch=2, seed=1), epoch=0)


def test_drop_last_leaves_out_what_is_not_full_and_nothing_else() -> None:
    left_out = set()
    for epoch in range(20):
        whole = pictures.batches(MIXED, settings(), epoch)
        dropped = pictures.batches(MIXED, settings(drop_last=True), epoch)
        assert dropped == [part for part in whole if len(part) == 2]
        left_out |= {index for part in whole if len(part) == 1 for index in part}
    assert len(left_out) > 5, "always the same ones"


def test_drop_last_that_leaves_nothing_is_an_error(data: SplitDataset, tmp_path: Path) -> None:
    with refused(BackendError, "drop_last", "no batch of 4", "train"):
        fit(data, tmp_path, batch=4, drop_last=True, ema=None, optimizer="SGD")


@pytest.mark.parametrize("batch", [[5, 3, 8, 1], [5, 3, 8], [5]], ids=["even", "odd", "one"])
def test_processes_see_disjoint_parts_that_weigh_as_the_whole(batch: list[int]) -> None:
    parts = [pictures.shared(batch, rank, 2) for rank in range(2)]
    seen = [index for part, weight in parts if weight for index in part]
    assert sorted(seen) == sorted(batch)
    weights = {i: weight / len(part) / 2 for part, weight in parts if weight for i in part}
    assert list(weights.values()) == pytest.approx([1 / len(batch)] * len(batch))


def test_a_batch_is_shared_evenly_by_as_many_gpus_as_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert [processes.world_size(batch) for batch in (1, 2, 3, 6, 8)] == [1, 2, 3, 3, 4]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert processes.world_size(8) == 1


# --------------------------------------------------------------------------- images


@pytest.mark.parametrize("seed", range(12))
def test_boxes_follow_the_pixels(seed: int) -> None:
    """A white rectangle on black: where it is after zoom, shift and flips is where its box is."""
    picture = Pillow.new("RGB", (120, 80))
    picture.paste((255, 255, 255), (30, 20, 90, 50))
    boxes = np.array([[30, 20, 90, 50]], np.float32)
    chosen = settings(scale=0.6, fliplr=0.5, flipud=0.5)
    rng = np.random.default_rng(seed)
    canvas, moved, kept = pictures.augmented(picture, boxes, (96, 64), chosen, rng)
    assert canvas.size == (96, 64) and kept.tolist() == [True]
    bright = np.asarray(canvas.convert("L")) > 190  # the grey around is below
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert moved[0] == pytest.approx(seen, abs=1.5)


def test_a_box_that_is_hardly_seen_is_dropped() -> None:
    picture, boxes = Pillow.new("RGB", (100, 100)), np.array([[0, 0, 5, 5]], np.float32)
    chosen = settings(scale=0.9, fliplr=0.0)
    left = [
        pictures.augmented(picture, boxes, (64, 64), chosen, np.random.default_rng(n))[2].any()
        for n in range(40)
    ]
    assert 5 < sum(left) < 40


def test_without_augmentation_boxes_come_back_as_they_were(data: SplitDataset) -> None:
    images = pictures.Images(data, "val", settings(), augment=False)
    truth = data.dataset.by_image()
    for index in range(len(images)):
        pixels, target = images[0, index]
        assert pixels.shape == (3, 64, 64) and pixels.dtype == torch.uint8
        wide = target["boxes"].double() * torch.tensor(target["to_file"] * 2)
        expected = [
            (x, y, x + w, y + h) for x, y, w, h in (a.bbox for a in truth[images.images[index].id])
        ]
        assert wide.numpy() == pytest.approx(np.array(expected), abs=1e-4)


# --------------------------------------------------------------------------- files


def state(name: str, tmp_path: Path) -> Path:
    """The state_dict of a torchvision network, with random weights."""
    path = tmp_path / f"{name}.pth"
    torch.save(getattr(torchvision.models, name)(weights=None).state_dict(), path)
    return path


def test_a_backbone_is_taken_over(tmp_path: Path) -> None:
    path = state("resnet18", tmp_path)
    net = network()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    model.start_from(net, path, ["a", "b", "c"])
    theirs = torch.load(path, weights_only=True)
    after = net.state_dict()
    body = [name for name in after if name.startswith(model.BODY)]
    assert all(torch.equal(after[n], theirs[n.removeprefix(model.BODY)]) for n in body)
    assert all(torch.equal(after[n], before[n]) for n in after if n not in body)


def test_a_backbone_of_another_depth_is_refused(tmp_path: Path) -> None:
    with refused(BackendError, "resnet18.pth", "not a checkpoint of this network", "`depth`"):
        model.start_from(network(depth=34), state("resnet18", tmp_path), ["a", "b", "c"])


@pytest.mark.parametrize("names", [["a", "b", "c"], ["a", "c", "b"]], ids=["equal", "other"])
def test_of_a_detector_the_last_layer_counts_for_equal_classes_only(
    names: list[str], tmp_path: Path
) -> None:
    theirs, path = network().state_dict(), tmp_path / "weights.pt"
    model.save({"depth": 18, "names": ["a", "b", "c"], "model": theirs}, path)
    torch.manual_seed(1)
    net = model.build(spec(frozen_norm=True), 3)
    model.start_from(net, path, names)
    other = {n for n, v in net.state_dict().items() if not torch.equal(v, theirs[n])}
    assert other <= {model.LAST_LAYER + "weight", model.LAST_LAYER + "bias"}
    assert bool(other) == (names != ["a", "b", "c"])


def test_the_names_of_torchvisions_older_checkpoints_are_understood() -> None:
    renamed = model._with_new_names(
        {"head.regression_head.conv.6.bias": 1, "head.x.conv.1.0.bias": 2}
    )
    assert renamed == {"head.regression_head.conv.3.0.bias": 1, "head.x.conv.1.0.bias": 2}


def test_torchvisions_detector_is_ours() -> None:
    """The same tensors and the same size as torchvision's own checkpoint of RetinaNet-50."""
    weights = torchvision.models.detection.RetinaNet_ResNet50_FPN_Weights.COCO_V1
    with torch.device("meta"):
        net = model.build(spec(frozen_norm=True, depth=50), 91)
        theirs = torchvision.models.detection.retinanet_resnet50_fpn(
            weights=None, weights_backbone=None, num_classes=91
        ).state_dict()
    ours = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    plain = {n: tuple(v.shape) for n, v in theirs.items() if "num_batches" not in n}
    assert ours == plain
    assert sum(p.numel() for p in net.parameters()) == weights.meta["num_params"]
    assert model.names_in(net.state_dict()) == weights.meta["categories"]


class Trap:
    """A pickle that would run code when it is opened."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("trapped"),)


def test_a_file_with_code_in_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Trap()}, tmp_path / "trap.pt")
    with refused(BackendError, "trap.pt", "tensors alone"):
        model.read_weights(tmp_path / "trap.pt")
    assert not Path("trapped").exists()
    with refused(BackendError, "none.pt", "no such checkpoint"):
        model.read_weights(tmp_path / "none.pt")


def test_classes_that_are_not_asked_for_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    net = network().eval()
    model.save({"depth": 18, "names": ["a", "b", "c"], "model": net.state_dict()}, path)
    part, names = model.restore(path, 64, ["c", "a", "z"])
    assert names == ["a", "c"]
    with torch.no_grad():
        features = list(net.backbone(torch.rand(1, 3, 64, 64)).values())
        whole, ours = (each.head.classification_head(features) for each in (net, part))
    assert torch.allclose(ours, whole[..., [0, 2]], atol=1e-6)
    with refused(BackendError, "weights.pt", "none of its classes", "x, y"):
        model.restore(path, 64, ["x", "y"])


# --------------------------------------------------------------------------- training


@pytest.mark.parametrize(
    ("changed", "step", "expected"),
    [
        ({"warmup_epochs": 0.0}, (0, 0), 0.1),
        ({"warmup_epochs": 0.0}, (5, 3), 0.1 * 0.55),
        ({"warmup_epochs": 0.0, "cos_lr": True}, (5, 0), 0.1 * 0.55),
        ({"warmup_epochs": 0.0, "cos_lr": True}, (2, 0), 0.1 * (0.1 + 0.9 * 0.9045085)),
        ({"warmup_epochs": 0.5}, (0, 0), 0.1 / 2),
        ({"warmup_epochs": 0.5}, (0, 1), 0.1),
        ({"warmup_epochs": 0.0, "lrf": 1.0}, (9, 3), 0.1),
    ],
    ids=[
        "at the start",
        "linear",
        "cosine, half-way",
        "cosine, early",
        "first step of warm-up",
        "end of warm-up",
        "constant",
    ],
)
def test_learning_rate(changed: dict[str, Any], step: tuple[int, int], expected: float) -> None:
    chosen = settings(**{"epochs": 10, "lr0": 0.1, "lrf": 0.1} | changed)
    assert loop.learning_rate(chosen, *step, steps=4) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_optimizers(name: str) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    optimizer = loop.optimizer(net, settings(optimizer=name, momentum=0.8, weight_decay=0.1))
    assert type(optimizer) is getattr(torch.optim, name)
    decays = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
    assert [decays[id(p)] for p in net.parameters()] == [0.1, 0.0, 0.0, 0.0]
    group = optimizer.param_groups[0]
    assert (group["momentum"] if name == "SGD" else group["betas"][0]) == 0.8


def fit(
    data: SplitDataset, folder: Path, start: Path | None = None, **own: Any
) -> tuple[FitResult, list[float]]:
    """The result, and the epochs of which `after_epoch` was called."""
    epochs: list[float] = []
    folder.mkdir(exist_ok=True)
    result = retinanet.fit(
        settings(**own), data, start, folder, 1, lambda row: epochs.append(row["epoch"])
    )
    return result, epochs


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def content(folder: Path) -> dict[str, Any]:
    states = {p.name: torch.load(p, weights_only=True) for p in folder.glob("*.pt")}
    return states | {p.name: p.read_text() for p in folder.glob("*.csv")}


@pytest.mark.slow
def test_a_training_cut_short_within_an_epoch_ends_as_an_uninterrupted_one(
    data: SplitDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All files are equal to the last bit; and more epochs go on from there, the best of all
    being kept. (Between epochs, with Adam and averaged weights: test_every_backend.py.)"""
    light = {"optimizer": "SGD", "ema": None, "lrf": 1.0}
    result, epochs = fit(data, tmp_path / "whole", **light)
    assert epochs == [1, 2]
    parts, read = tmp_path / "parts", pictures.read
    for left in (2, 6):  # three images to learn from and two to be judged on: in each epoch
        monkeypatch.setattr(pictures, "read", failing(read, after=left))
        with refused(RuntimeError, "power cut"):
            fit(data, parts, **light)
    monkeypatch.setattr(pictures, "read", read)
    assert fit(data, parts, **light) == (result, [2])
    assert same(content(tmp_path / "whole"), content(parts))

    result, epochs = fit(data, parts, epochs=3, **light)
    assert epochs == [3] and result.epochs_run == 3
    assert len((parts / "history.csv").read_text().splitlines()) == 4
    files = content(parts)
    assert same(files["weights.pt"]["model"], files["state.pt"]["best"])


@pytest.mark.slow
def test_any_number_of_loading_processes_gives_the_same_also_when_interrupted(
    data: SplitDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    light = {"optimizer": "SGD", "ema": None, "batch": 1}
    fit(data, tmp_path / "none", **light)
    monkeypatch.setattr(processes.Process, "loading", lambda self, workers: workers)
    fit(data, tmp_path / "two", workers=2, **light)
    assert multiprocessing.active_children() == [], "they end with the training"

    def pruned(row: Any) -> None:
        raise InterruptedError("pruned")

    killed = tmp_path / "killed"
    killed.mkdir()
    with refused(InterruptedError, "pruned"):
        retinanet.fit(settings(workers=2, **light), data, None, killed, 1, pruned)
    assert multiprocessing.active_children() == []
    assert fit(data, killed, workers=1, **light)[1] == [2]
    none = content(tmp_path / "none")
    assert same(content(tmp_path / "two"), none) and same(content(killed), none)


def failing(read: Any, after: int) -> Any:
    left = iter(range(after))

    def fails(path: Path) -> Any:
        if next(left, None) is None:
            raise RuntimeError("power cut")
        return read(path)

    return fails


@pytest.mark.slow
def test_a_checkpoint_as_it_is_detects_and_is_not_trained(
    data: SplitDataset, tmp_path: Path
) -> None:
    names = [*data.dataset.categories.values(), "other"]
    net, path = network(len(names)), tmp_path / "start.pt"
    model.save({"depth": 18, "names": names, "model": net.state_dict()}, path)
    result, epochs = fit(data, tmp_path, path, epochs=0, pretrained="some/start.pt")
    assert result.epochs_run == 0 and result.best_epoch is None and epochs == []
    image = data.split("val")[0]
    with retinanet.detector(tmp_path / "weights.pt", data.dataset.categories, PREDICT, 1) as detect:
        detections, times = detect(data.folder / image.file_name)
    assert 0 < len(detections) <= SECTION["max_det"]
    assert {d.category_id for d in detections} <= set(data.dataset.categories)
    assert all(
        0 <= v <= 96 + 1e-3
        for d in detections
        for v in (d.bbox[0] + d.bbox[2], d.bbox[1] + d.bbox[3])
    )
    assert max(d.bbox[0] + d.bbox[2] for d in detections) > 64, "in the network's pixels"
    assert all(0.001 <= d.confidence <= 1 for d in detections)
    assert set(times) == {"preprocess", "inference", "postprocess"}


def test_other_settings_than_requested_are_refused(data: SplitDataset) -> None:
    training = loop.RetinaNetTraining(settings(), data, None, processes.Process())
    loop.audit(settings(), training)
    training.net.head.classification_head.gamma = 1.0
    training.optimizer.param_groups[0]["weight_decay"] = 0.0
    expected = r"gamma +2\.0 +1\.0 +the network\n +weight_decay +0\.0005 +0\.0 +the optimizer$"
    with pytest.raises(BackendError, match=expected):
        loop.audit(settings(), training)


def test_a_loss_that_is_nan_is_an_error(data: SplitDataset, tmp_path: Path) -> None:
    with refused(BackendError, "NaN", "epoch 1", "lower `lr0`"):
        fit(data, tmp_path, lr0=1e30, warmup_epochs=0.0, optimizer="SGD", clip=None, ema=None)


# --------------------------------------------------------------------------- two processes


def trained(
    settings: retinanet.Settings,
    data: SplitDataset,
    pretrained: Path,
    folder: Path,
    process: processes.Process,
) -> None:
    """One process's training; leaves its weights in `folder`."""
    own = folder / str(process.rank)
    own.mkdir()
    seen = pictures.Images.__getitem__

    def noted(images: Any, place: tuple[int, int]) -> Any:
        if images.augment:
            with (own / "seen").open("a") as file:
                file.write(f"{images.images[place[1]].id}\n")
        return seen(images, place)

    pictures.Images.__getitem__ = noted  # type: ignore[method-assign]
    try:
        training = loop.train(settings, data, pretrained, own, None, process)
    finally:
        pictures.Images.__getitem__ = seen  # type: ignore[method-assign]
    torch.save([training.net.state_dict(), training.rows], own / "end.pt")


@pytest.mark.slow
def test_two_processes_learn_as_one(tmp_path: Path) -> None:
    """Disjoint halves of each batch; equal weights and metrics in the end, those of one process
    but for rounding. (Batch norms are frozen: on the CPU torch cannot share their statistics.)"""
    data = drawn_dataset(tmp_path / "shapes", images=5, train=4)
    start = tmp_path / "start.pt"
    names = list(data.dataset.categories.values())
    model.save({"depth": 18, "names": names, "model": network(len(names)).state_dict()}, start)
    own = settings(epochs=1, batch=4, optimizer="SGD", lr0=0.001, ema=0.9, pretrained="a/start.pt")
    ends = {}
    for world in (1, 2):
        folder = tmp_path / str(world)
        folder.mkdir()
        work = functools.partial(trained, own, data, start, folder)
        with processes.parallel(world, work) as process:
            work(process)
        ends[world] = [torch.load(folder / str(r) / "end.pt") for r in range(world)]
    seen = [(tmp_path / "2" / rank / "seen").read_text().split() for rank in "01"]
    assert len(seen[0]) == len(seen[1]) == 2 and not set(seen[0]) & set(seen[1])
    assert same(*ends[2])
    (one, rows), (two, others) = ends[1][0], ends[2][0]
    assert all(torch.allclose(one[name], two[name], rtol=1e-3, atol=1e-5) for name in one)
    moved = network(len(names)).state_dict()
    assert not torch.equal(
        one["head.regression_head.bbox_reg.bias"], moved["head.regression_head.bbox_reg.bias"]
    )
    for name in ("train/cls_loss", "train/box_loss", "val/cls_loss", "val/box_loss"):
        assert rows[0][name] == pytest.approx(others[0][name], rel=1e-4)


@pytest.mark.slow
def test_the_gpus_that_share_a_batch_are_counted(
    data: SplitDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = contextlib.nullcontext(processes.Process())
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(processes, "parallel", lambda world, work: alone)
    assert fit(data, tmp_path, epochs=1, batch=4)[0].gpus == 2


def other(process: processes.Process, dies: bool) -> None:
    """The part of the second process: to die before the first all-reduce, or wait in the second."""
    if dies:
        os._exit(7)
    process.mean(torch.ones(1))
    process.mean(torch.ones(1))


@pytest.mark.slow
def test_a_process_that_died_is_named() -> None:
    work = functools.partial(other, dies=True)
    with (
        refused(BackendError, "process 1 of the 2", "died", "exit code 7"),
        processes.parallel(2, work) as process,
    ):
        process.mean(torch.ones(1))


@pytest.mark.slow
def test_on_an_error_the_others_end_before_the_group_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else the first may wait for them, and they for it."""
    left, leave = [], torch.distributed.destroy_process_group

    def leaves() -> None:
        left.append(multiprocessing.active_children())
        leave()

    monkeypatch.setattr(torch.distributed, "destroy_process_group", leaves)
    with (
        refused(InterruptedError, "pruned"),
        processes.parallel(2, functools.partial(other, dies=False)) as process,
    ):
        process.mean(torch.ones(1))
        raise InterruptedError("pruned")
    assert left == [[]]


def started(does: str, number: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, ROOT / "tests/backends/two_processes.py", does, number],
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_who_waits_for_a_dead_process_ends(tmp_path: Path) -> None:
    first = started("dies", tmp_path / "number")
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 1
    facts = ("process 1 of the 2", "died", "exit code 9")
    assert [fact for fact in facts if fact not in errors] == []


@pytest.mark.slow
def test_the_others_end_when_the_first_is_killed(tmp_path: Path) -> None:
    first = started("waits", tmp_path / "number")
    end = time.monotonic() + 120
    while not (tmp_path / "number").exists():
        assert first.poll() is None and time.monotonic() < end
        time.sleep(0.1)
    second = psutil.Process(int((tmp_path / "number").read_text()))
    first.kill()
    first.communicate(timeout=60)  # standard error is the other's, too
    with contextlib.suppress(psutil.NoSuchProcess):
        while second.status() != psutil.STATUS_ZOMBIE:  # where nobody collects it
            assert time.monotonic() < end
            time.sleep(0.1)
