"""Classification networks: what their settings change, and what must never reach val and test."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from pydantic import ValidationError

from facts import refused
from fairtrial import BackendError
from fairtrial.backends import _networks_images as pictures
from fairtrial.backends import _networks_loop as loop
from fairtrial.backends import _networks_model as model
from fairtrial.backends import networks
from fairtrial.backends._networks_settings import MODELS, architecture_of
from fairtrial.data.dataset import Annotation, Dataset, Image, SplitDataset
from fairtrial.files import packed
from fairtrial.files.yamlfile import read_yaml
from fairtrial.planning.plan import Plan
from tests.backends.tiny import draw_classes
from tests.ids import short

PARAMS = Path(__file__).parents[2] / "params.yaml"
TINY = {"backend": "networks", "model": "mlp", "imgsz": 16, "batch": 4, "epochs": 2, "widths": [8]}


def settings(**changed: Any) -> networks.Settings:
    params = read_yaml(PARAMS) | TINY | changed
    own = {name: params[name] for name in networks.Settings.model_fields}
    return networks.Settings.model_validate(own)


def built(**changed: Any) -> model.Network:
    return network(settings(**changed), 3)


def network(own: networks.Settings, classes: int) -> model.Network:
    return model.build(architecture_of(own), classes, torch.zeros(3), torch.ones(3))


def widths(net: model.Network) -> list[int]:
    layers = [part for part in net.modules() if isinstance(part, torch.nn.Linear)]
    return [layers[0].in_features, *(part.out_features for part in layers)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ([64, 32], [64, 32]),
        ({"first": 64, "layers": 3, "rule": "divide by 2"}, [64, 32, 16]),
        ({"first": 64, "layers": 3, "rule": "divide by 4"}, [64, 16, 4]),
        ({"first": 64, "layers": 3, "rule": "alternating"}, [64, 32, 64]),
        ([], []),
    ],
    ids=["a list", "divide by 2", "divide by 4", "alternating", "none"],
)
def test_widths_by_a_list_or_a_rule(written: Any, meant: list[int]) -> None:
    assert settings(widths=written).widths == meant
    assert widths(built(widths=written)) == [3 * 16 * 16, *meant, 3]


def test_a_cnn_has_its_blocks_and_a_network_of_torchvision_its_head() -> None:
    net = built(model="cnn", blocks=[4, 6], widths=[5])
    convolutions = [part for part in net.modules() if isinstance(part, torch.nn.Conv2d)]
    assert [part.out_channels for part in convolutions] == [4, 6]
    assert widths(net) == [6, 5, 3]
    assert widths(built(model="resnet18", widths=[7], imgsz=32)) == [512, 7, 3]


def test_a_plain_cnn_is_flattened_and_has_no_batch_norm() -> None:
    """64 channels of 8 × 8 from pictures of 32; of an odd side the rest counts as a pixel."""
    plain = {"model": "cnn", "batch_norm": False, "flatten": True, "widths": [16]}
    net = built(**plain, blocks=[32, 64], imgsz=32)
    assert widths(net) == [64 * 8 * 8, 16, 3]
    kinds = [type(part) for part in net.modules()]
    assert torch.nn.BatchNorm2d not in kinds
    assert net.body[0].bias is not None
    odd = built(**plain, blocks=[4, 4, 4], imgsz=18)
    assert odd(torch.zeros(2, 3, 18, 18)).shape == (2, 3)


def test_an_ordinary_cnn_has_the_settings_and_the_key_of_a_release_without_these() -> None:
    assert not {"batch_norm", "flatten"} & settings(model="cnn").model_dump().keys()


@pytest.mark.parametrize(
    "name",
    [
        name if name == "yolo11n-cls" else pytest.param(name, marks=pytest.mark.slow)
        for name in MODELS
        if name.endswith("n-cls")
    ],
)
def test_a_network_of_ultralytics_has_our_head_and_gives_scores_in_both_modes(name: str) -> None:
    net = built(model=name, widths=[7], imgsz=32)
    assert widths(net) == [1280, 7, 3]
    for mode in (True, False):
        assert net.train(mode)(torch.zeros(2, 3, 32, 32)).shape == (2, 3)
    scores = net(torch.rand(2, 3, 32, 32) * 255)
    assert not torch.allclose(scores.sum(1), torch.ones(2))  # probabilities would add up to 1


@pytest.mark.slow
def test_every_scale_of_ultralytics_is_its_own_network() -> None:
    sizes = [
        sum(p.numel() for p in built(model=f"yolo11{scale}-cls", imgsz=32).parameters())
        for scale in "nsm"
    ]
    assert sizes == sorted(set(sizes))


def test_weights_are_drawn_from_the_first_layer_to_the_last() -> None:
    """Another order would change every result of a seed."""
    torch.manual_seed(0)
    net = built(model="cnn", blocks=[8])
    torch.manual_seed(0)
    first = torch.nn.Conv2d(3, 8, 3, padding=1, bias=False)
    assert torch.equal(net.body[0].weight, first.weight)


@pytest.mark.parametrize("name", model.ACTIVATIONS)
def test_activation_and_dropout_are_those_of_the_settings(name: str) -> None:
    net = built(activation=name, dropout=0.25, widths=[8, 4])
    kinds = [type(part) for part in net.modules()]
    assert kinds.count(model.ACTIVATIONS[name]) == 2
    assert [p.p for p in net.modules() if isinstance(p, torch.nn.Dropout)] == [0.25, 0.25]


@pytest.mark.parametrize("name", loop.OPTIMIZERS)
def test_the_optimizer_is_that_of_the_settings(name: str) -> None:
    own = settings(optimizer=name, momentum=0.7, weight_decay=0.01, lr0=0.02)
    optimizer = loop.optimizer(built(), own)
    group = optimizer.param_groups[0]
    assert type(optimizer).__name__ == name
    assert (group["lr"], group["weight_decay"]) == (0.02, 0.01)
    assert group.get("momentum", group.get("betas", (0.7,))[0]) == 0.7


@pytest.mark.parametrize(
    ("scheduler", "rates"),
    [
        ("none", [1.0, 1.0, 1.0]),
        ("exponential", [1.0, 0.1, 0.01]),
        ("step", [1.0, 0.1, 0.01]),
        ("cosine", [1.0, 0.505, 0.01]),
    ],
    ids=short,
)
def test_schedules_go_from_lr0_to_lr0_times_lrf(scheduler: str, rates: list[float]) -> None:
    own = settings(scheduler=scheduler, lr0=1.0, lrf=0.01, epochs=3)
    assert [loop.learning_rate(own, n) for n in range(3)] == pytest.approx(rates)


@pytest.mark.parametrize(
    ("changed", "facts"),
    [
        ({"model": "yolov8n"}, ("known: mlp, cnn, resnet18",)),
        ({"blocks": [8]}, ("`model: cnn`",)),
        ({"epochs": 0}, ("1 or more",)),
        ({"batch": 1}, ("2 or more",)),
        ({"batch": 0}, ("greater than or equal to 1",)),
        ({"fitness": {"map50": 1.0}}, ("`map50`", "known: accuracy, top5")),
        ({"activation": "tanh"}, ("'relu', 'leaky_relu'",)),
        ({"augment": ["mosaic"]}, ("'flip' or 'crop'",)),
        ({"dropout": 1.0}, ("less than 1",)),
    ],
    ids=short,
)
def test_a_wrong_value_is_refused(changed: dict[str, Any], facts: tuple[str, ...]) -> None:
    with refused(ValidationError, *changed, *facts):
        settings(**changed)


def test_equal_widths_and_augmentations_are_equal_settings() -> None:
    rule = {"first": 8, "layers": 2, "rule": "divide by 2"}
    assert settings(widths=rule) == settings(widths=[8, 4])
    assert settings(augment=["flip", "crop"]) == settings(augment=["crop", "flip", "flip"])


def test_augmentation_sees_train_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever augmentation does, val and predictions see the images as they are."""
    data, seen = draw_classes(tmp_path / "data"), []
    whole = pictures.SplitImages(data, 16, "train").take(np.arange(len(data.split("train"))))

    def spoil(batch: torch.Tensor, names: list[str], random: torch.Generator) -> torch.Tensor:
        assert names == ["crop", "flip"]
        assert all(any(torch.equal(one, image) for image in whole) for one in batch)
        seen.append(len(batch))
        return torch.zeros_like(batch)

    own = settings(augment=["flip", "crop"], batch=3, lr0=1e-9, weight_decay=0.0)
    outputs = {}
    for name in ("plain", "spoilt"):
        if name == "spoilt":
            monkeypatch.setattr(pictures, "augmented", spoil)
        (tmp_path / name).mkdir()
        rows: list[dict[str, Any]] = []
        networks.fit(own, data, None, tmp_path / name, 1, rows.append)
        weights, names = tmp_path / name / "weights.pt", data.dataset.categories
        picture = packed.pixels(data.folder, data.split("val")[0].file_name)
        with networks.classifier(weights, names, own, 1) as classify:
            probabilities = classify(picture)[0]
        outputs[name] = [*probabilities, *(row["val/cross_entropy_loss"] for row in rows)]
    assert sum(seen) == 2 * len(data.split("train"))
    assert outputs["spoilt"] == pytest.approx(outputs["plain"], abs=1e-4)


@pytest.mark.parametrize("leak", [False, True], ids=["as it should be", "the leak"])
def test_only_the_leak_learns_from_images_of_val(
    leak: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, seen = draw_classes(tmp_path / "data"), []
    wanted = ("train", "val") if leak else ("train",)
    known = pictures.SplitImages(data, 16, *wanted)
    expected = {image.numpy().tobytes() for image in known.take(np.arange(len(known)))}

    def noted(batch: torch.Tensor, names: list[str], random: torch.Generator) -> torch.Tensor:
        seen.extend(image.numpy().tobytes() for image in batch)
        return batch

    monkeypatch.setattr(pictures, "augmented", noted)
    own = settings(augment=["flip"], augment_val_leak=leak, batch=3, epochs=1)
    training = loop.NetworkTraining(own, data, None, tmp_path, 1)
    training.learn(0)
    assert len(seen) == len(expected) == sum(len(data.split(split)) for split in wanted)
    assert set(seen) == expected
    assert len(training._val) == len(data.split("val"))


def test_augmentation_flips_and_moves_and_nothing_else() -> None:
    batch = torch.arange(2 * 3 * 16 * 16).reshape(2, 3, 16, 16) % 251 + 1
    random = torch.Generator().manual_seed(0)
    for _ in range(8):
        for one, image in zip(pictures.augmented(batch, ["flip"], random), batch, strict=True):
            assert torch.equal(one, image) or torch.equal(one, image.flip(2))
    moved = pictures.augmented(batch, ["crop"], random)
    assert moved.shape == batch.shape and not torch.equal(moved, batch)
    assert set(moved.unique().tolist()) <= {0, *batch.unique().tolist()}
    assert torch.equal(pictures.augmented(batch, [], random), batch)


def test_normalisation_comes_from_train_alone(tmp_path: Path) -> None:
    data = draw_classes(tmp_path / "data")
    own, folder = settings(epochs=1), tmp_path / "run"
    folder.mkdir()
    networks.fit(own, data, None, folder, 1, lambda row: None)
    net, _, _ = model.restore(folder / "weights.pt")
    train = np.stack([packed.pixels(data.folder, i.file_name) for i in data.split("train")])
    middle = train[:, :, 2:18]  # the 16 × 16 pixels that the network sees
    assert net.mean.flatten().tolist() == pytest.approx(middle.mean(axis=(0, 1, 2)), rel=1e-5)
    assert net.deviation.flatten().tolist() == pytest.approx(middle.std(axis=(0, 1, 2)), rel=1e-5)


def test_an_image_of_another_shape_is_its_middle() -> None:
    picture = np.zeros((16, 20, 3), np.uint8)
    picture[:, 2:18] = 7
    assert (pictures.central_square(picture, 16) == 7).all()
    assert pictures.central_square(picture, 8).shape == (8, 8, 3)


def test_the_audit_tells_of_another_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def heavier(own: networks.Settings) -> networks.Settings:
        return own.model_copy(update={"weight_decay": 0.5})

    build = loop.optimizer
    monkeypatch.setattr(loop, "optimizer", lambda net, own: build(net, heavier(own)))
    with pytest.raises(BackendError, match=r"weight_decay +0\.0005 +0\.5 +the optimizer"):
        data = draw_classes(tmp_path / "data")
        networks.fit(settings(), data, None, tmp_path, 1, lambda row: None)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    model.save(tmp_path / "w.pt", settings(), ["a", "b", "c"], built().state_dict())
    other = built(model="cnn")
    with refused(BackendError, "w.pt", "checkpoint of cnn"):
        model.start_from(other, tmp_path / "w.pt", "cnn")


def test_a_checkpoint_brings_all_but_a_head_of_other_classes(tmp_path: Path) -> None:
    trained = built(model="cnn")
    model.save(tmp_path / "w.pt", settings(model="cnn"), ["a", "b", "c"], trained.state_dict())
    net = network(settings(model="cnn"), 5)
    model.start_from(net, tmp_path / "w.pt", "cnn")
    assert torch.equal(net.body[0].weight, trained.body[0].weight)
    assert net.body[-1].out_features == 5


def test_a_checkpoint_of_ultralytics_itself_is_taken(tmp_path: Path) -> None:
    from ultralytics.nn.tasks import ClassificationModel

    theirs = ClassificationModel("yolov8n-cls.yaml", verbose=False)
    torch.save({"epoch": -1, "model": theirs, "train_args": {}}, tmp_path / "yolov8n-cls.pt")
    net = built(model="yolov8n-cls", imgsz=32)
    model.start_from(net, tmp_path / "yolov8n-cls.pt", "yolov8n-cls")
    for name, value in theirs.state_dict().items():
        if ".linear." not in name:
            assert torch.equal(net.state_dict()[f"body.{name}"], value), name


@pytest.mark.slow
@pytest.mark.data
def test_convolutions_beat_a_dense_network_at_equal_epochs(real_data: Path, tmp_path: Path) -> None:
    data = cifar(real_data / "cifar10_subset/train_lossless", tmp_path)
    best = {}
    for name, changed in (("mlp", {}), ("cnn", {"blocks": [16, 32, 64]})):
        own = settings(
            model=name,
            **{"imgsz": 32, "batch": 64, "epochs": 6, "lr0": 0.002, "widths": None} | changed,
        )
        (tmp_path / name).mkdir()
        rows: list[dict[str, Any]] = []
        networks.fit(own, data, None, tmp_path / name, 1, rows.append)
        best[name] = max(row["val/accuracy"] for row in rows)
    assert best["mlp"] > 0.3, "chance is 0.1"
    assert best["cnn"] > best["mlp"] + 0.03, best


def cifar(source: Path, folder: Path) -> SplitDataset:
    """The 4,000 lossless images, packed: the first 3,200 to learn from, the others val."""
    rows = list(csv.DictReader((source / "labels.csv").open()))
    sprites = {
        name: np.asarray(Picture.open(source / name)) for name in {r["sprite"] for r in rows}
    }
    images = [sprites[row["sprite"]][int(row["row"])].reshape(32, 32, 3) for row in rows]
    packed.write(folder, "0.npy", np.stack(images))
    classes = {int(row["label"]) + 1: row["class_name"] for row in rows}
    dataset = Dataset(
        [Image(n, packed.name_of("0.npy", n - 1, len(rows)), 32, 32) for n in range(1, 4001)],
        [Annotation(n, int(row["label"]) + 1, None) for n, row in enumerate(rows, 1)],
        classes,
    )
    splits = {"train": list(range(1, 3201)), "val": list(range(3201, 4001)), "test": []}
    return SplitDataset(dataset, splits, folder)


PROJECT = PARAMS.parent
SHIPPED = sorted(path.stem for path in (PROJECT / "config/experiments").glob("cifar10_*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_every_network_of_the_questions_that_ship_trains(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For an epoch, on a dozen pictures in place of CIFAR-10."""
    monkeypatch.chdir(PROJECT)
    runs = [run for run in Plan.read(name).chosen.runs.values() if run.name.endswith("-s0")]
    assert len(runs) > 1
    data = draw_classes(tmp_path / "data", images=12)
    for run in (run for run in runs if not run.origin.all):
        folder = tmp_path / run.name
        folder.mkdir()
        own = networks.Settings.model_validate(run.settings | {"epochs": 1, "batch": 4})
        result = networks.fit(own, data, None, folder, 1, lambda row: None)
        assert result.epochs_run == 1
