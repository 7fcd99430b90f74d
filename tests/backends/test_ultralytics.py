"""The names of Ultralytics' detectors, and what else its Settings promise."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from facts import missing_facts, refused
from fairtrial import BackendError
from fairtrial.backends import _ultralytics_defaults as defaults
from fairtrial.backends import ultralytics
from fairtrial.backends._ultralytics_audit import audit
from fairtrial.backends._ultralytics_files import workplace
from fairtrial.backends._ultralytics_settings import Settings, architectures
from fairtrial.files.yamlfile import read_yaml
from fairtrial.settings.stages import predict_settings
from fairtrial.training.contract import AfterEpoch, FitResult
from tests.backends.test_every_backend import unequal
from tests.backends.tiny import draw
from tests.ids import short

ROOT = Path(__file__).parents[2]
FAMILIES = ["yolov5n", "yolov6n", "yolov8n", "yolov9t", "yolov10n", "yolo11n", "yolo12n", "yolo26n"]
SMALLEST = sorted(n for n in architectures() if re.search(r"\d[nt]($|-)", n))


def settings(**changed: Any) -> Settings:
    params = read_yaml(ROOT / "params.yaml")
    own = {name: params[name] for name in Settings.model_fields}
    return Settings.model_validate(own | changed)


def test_every_family_is_there_in_every_size() -> None:
    assert set(FAMILIES) <= architectures()
    assert {f"yolov8{scale}" for scale in "nsmlx"} <= architectures()
    assert {f"yolo26{scale}-p6" for scale in "nsmlx"} <= architectures()
    assert {f"rtdetr-{scale}" for scale in ("l", "x", "resnet50", "resnet101")} <= architectures()


@pytest.mark.parametrize(
    ("written", "meant"),
    [("yolov8n.yaml", "yolov8n"), ("yolov5nu", "yolov5n"), ("rtdetr-l.yaml", "rtdetr-l")],
)
def test_other_names_of_a_model_are_one_setting(written: str, meant: str) -> None:
    assert settings(model=written, imgsz=640).model == meant


def test_models_of_other_tasks_are_not_among_them() -> None:
    """A segmentation model trains here without an error, and its masks are lost."""
    others = "seg|pose|obb|cls|world|.rtdetr|yoloe|u$"
    assert [name for name in architectures() if re.search(others, name)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALLEST)
def test_a_name_is_a_model_that_can_be_built(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("YOLO_OFFLINE", "1")
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    from ultralytics.nn.tasks import DetectionModel

    model = DetectionModel(f"{name}.yaml", nc=3, verbose=False)
    assert type(model.model[-1]).__name__.endswith("Detect")
    small = sum(parameter.numel() for parameter in model.parameters())
    assert 1e6 < small < 6e6, "another scale than its name says"


@pytest.mark.parametrize(
    ("changed", "facts"),
    [
        ({"model": "yolo8n"}, ("near: yolov8",)),
        ({"model": "yolov8"}, ("near: yolov8",)),
        ({"optimizer": "auto"}, ("lr0 and momentum",)),
        ({"optimizer": "adam"}, ("'Adam', 'AdamW'",)),
        ({"epochs": 0}, ("without `pretrained`", "an epoch")),
        ({"pretrained": "yolov8n.pt"}, ("<source>/<file>",)),
        ({"pretrained": "/yolov8n.pt"}, ("<source>/<file>",)),
        ({"imgsz": 100}, ("multiple of 32",)),
        ({"imgsz": 96, "model": "rtdetr-l"}, ("RT-DETR", "128 or more")),
        ({"batch": 0}, ("greater than or equal to 1",)),
        ({"batch": -1}, ("greater than or equal to 1",)),
        ({"amp": 1}, ("valid boolean",)),
        ({"mosaic": 1.5}, ("less than or equal to 1",)),
        ({"lr0": 1.5}, ("less than or equal to 1",)),
        ({"seed": 2**32}, ("less than or equal to 4294967295",)),
        ({"epochs": 10**23}, ("less than or equal to",)),
        ({"epochs": 5.0}, ("valid integer",)),
        ({"freeze": 23}, ("below 23", "yolov8n")),
        ({"momentum": 0.0, "optimizer": "SGD"}, ("above 0", "SGD")),
        ({"momentum": 1.0}, ("below 1", "AdamW")),
        ({"imgsz": 96, "model": "yolov8n-p6"}, ("multiple of 64",)),
    ],
    ids=short,
)
def test_a_wrong_value_is_refused(changed: dict[str, Any], facts: tuple[str, ...]) -> None:
    with refused(ValidationError, *changed, *facts):
        settings(**changed)


PROBES = [-1, -0.1, 0, 0.0, 1e-9, 0.5, 1, 1.0, 1.001, 2, 8, 180, 181.0, 640, 2**31, 2**32, 1e23]


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - ultralytics.OURS))
def test_what_passes_the_plan_passes_ultralytics_own_check(name: str) -> None:
    with workplace():
        from ultralytics.cfg import check_cfg

    passed = []
    for value in [*PROBES, True, False, None, "SGD", "fp32"]:
        try:
            own = settings(**{name: value})
        except ValidationError:
            continue
        check_cfg(ultralytics._arguments(own), hard=True)
        passed.append(value)
    assert passed, "no probe was in range"


@pytest.mark.parametrize("name", Settings.model_fields["optimizer"].annotation.__args__)
@pytest.mark.parametrize("momentum", [0.0, 1.0])
def test_a_momentum_that_passes_the_plan_makes_an_optimizer(name: str, momentum: float) -> None:
    with workplace():
        from ultralytics.engine.trainer import BaseTrainer
    try:
        own = settings(optimizer=name, momentum=momentum)
    except ValidationError:
        return
    trainer = object.__new__(BaseTrainer)
    BaseTrainer.build_optimizer(
        trainer, torch.nn.Linear(1, 1), name=own.optimizer, lr=own.lr0, momentum=own.momentum
    )


def installed() -> dict[str, object]:
    with workplace():
        from ultralytics.utils import DEFAULT_CFG_DICT
    return dict(DEFAULT_CFG_DICT)


def test_every_default_of_ultralytics_is_known_by_name_and_value() -> None:
    """An upgrade that adds, removes or changes one fails here: decide what it is to fairtrial."""
    groups = (defaults.OURS, defaults.OF_THE_JOB, defaults.PASSED, defaults.IDLE)
    assert sum(map(len, groups)) == len(defaults.KNOWN), "one stands in two groups"
    assert installed() == defaults.KNOWN
    assert set(Settings.model_fields) - set(defaults.OURS) == {
        "fitness",
        "replicate",
        "train_share",
    }
    assert defaults.unknown_defaults(installed()) == []


def test_a_default_of_a_newer_release_is_named_in_the_record() -> None:
    newer = installed() | {"sparkle": 0.3, "dropout": 0.2, "lr0": 0.5, "bgr": 0.1}
    del newer["angle"]
    assert defaults.unknown_defaults(newer) == ["dropout = 0.2", "sparkle = 0.3"], (
        "lr0 and bgr are passed, so their defaults do not matter"
    )


@pytest.mark.slow
def test_ultralytics_gets_every_setting_that_acts_and_unknown_ones_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workplace():
        from fairtrial.backends import _ultralytics_trainer as trainer

    given: dict[str, Any] = {}
    own_start = trainer.Trainer.__init__

    def start(self: Any, arguments: dict[str, Any], *rest: Any) -> None:
        given.update(arguments)
        own_start(self, arguments, *rest)

    monkeypatch.setattr(trainer.Trainer, "__init__", start)
    monkeypatch.delitem(defaults.IDLE, "dropout")
    monkeypatch.delitem(defaults.KNOWN, "dropout")
    data = draw(tmp_path / "data", images=6)
    own = settings(imgsz=32, batch=4, epochs=1)
    result = ultralytics.fit(own, data, None, tmp_path, 1, lambda row: None)
    assert set(defaults.KNOWN) - set(defaults.IDLE) <= set(given)
    (caution,) = result.cautions
    assert missing_facts(caution, "dropout = 0.0", "Ultralytics 8.") == []


@pytest.mark.slow
def test_mosaic_that_is_closed_from_the_first_epoch_changes_no_weight(tmp_path: Path) -> None:
    """Why such a setting is refused: the weights are equal to the bit."""
    data = draw(tmp_path / "data", images=6)

    def weights(**changed: Any) -> Path:
        folder = tmp_path / short(changed)
        folder.mkdir()
        own = settings(imgsz=32, batch=4, epochs=1, **changed)
        ultralytics.fit(own, data, None, folder, 1, lambda row: None)
        return folder / "weights.pt"

    closed = weights(mosaic=1.0, close_mosaic=1)
    assert unequal(weights(mosaic=0.0, close_mosaic=1), closed) == []
    assert unequal(weights(mosaic=1.0, close_mosaic=0), closed) != []


def test_the_checkpoint_of_another_number_of_classes_fits_its_model(tmp_path: Path) -> None:
    """A model of five classes has a narrower class branch than one of eighty."""
    with workplace():
        from ultralytics.nn.tasks import DetectionModel

        five, file = DetectionModel("yolov8n.yaml", nc=5, verbose=False), tmp_path / "weights.pt"
        five.names = dict(enumerate("abcde"))
        ultralytics.save_weights(five, file)
        ultralytics._refuse_other_architecture("yolov8n", file)
        with refused(BackendError, "not a checkpoint of yolov8s", "weights.pt"):
            ultralytics._refuse_other_architecture("yolov8s", file)


def test_without_cls_remap_the_names_of_classes_reach_no_weight(tmp_path: Path) -> None:
    with workplace():
        from ultralytics.nn.tasks import DetectionModel

        from fairtrial.backends._ultralytics_trainer import Trainer

        torch.manual_seed(0)
        coco = DetectionModel("yolov8n.yaml", nc=8, verbose=False)
        coco.names = dict(enumerate("abcdefgh"))

        def weights(names: str, remap: bool) -> dict[str, torch.Tensor]:
            trainer = object.__new__(Trainer)
            trainer.args = SimpleNamespace(cls_remap=remap)
            trainer.data = {"nc": 3, "channels": 3, "names": dict(enumerate(names))}
            torch.manual_seed(1)
            return dict(trainer.get_model("yolov8n.yaml", coco, verbose=False).state_dict())

        def differ(remap: bool) -> bool:
            one, other = weights("abc", remap), weights("xyz", remap)
            return any(not torch.equal(one[name], other[name]) for name in one)

        assert differ(remap=True)
        assert not differ(remap=settings().cls_remap)


def test_a_checkpoint_as_it_is_needs_no_epoch() -> None:
    assert settings(epochs=0, pretrained="weights/yolov8n.pt").epochs == 0


# --------------------------------------------------------------------------- mixed precision


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of our trainer, where Ultralytics' own check of AMP must not be reached."""
    with workplace():
        from fairtrial.backends import _ultralytics_trainer as trainer

    def check(model: Any) -> bool:
        raise AssertionError("it fetches a checkpoint and may switch AMP off")

    monkeypatch.setattr(trainer.engine, "check_amp", check)
    return trainer


@pytest.mark.slow
def test_a_training_with_amp_asks_no_other_checkpoint(trainer: Any, tmp_path: Path) -> None:
    data = draw(tmp_path / "data", images=6)
    own = settings(amp=True, imgsz=32, batch=4, epochs=1)
    assert ultralytics.fit(own, data, None, tmp_path, 1, lambda row: None).epochs_run == 1


@pytest.mark.parametrize(
    ("device", "on"), [("cuda", True), ("cpu", False)], ids=["on a GPU", "on the CPU"]
)
def test_requested_amp_is_on_where_there_is_a_gpu(
    device: str, on: bool, trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    amp = []

    def reached(self: Any) -> None:
        amp.append(trainer.engine.check_amp(None))

    monkeypatch.setattr(trainer.DetectionTrainer, "_setup_train", reached)
    own = object.__new__(trainer.Trainer)
    own.device = torch.device(device)
    own._setup_train()
    assert amp == [on]


@pytest.mark.parametrize(
    ("device", "is_error"), [("cuda", True), ("cpu", False)], ids=["on a GPU", "on the CPU"]
)
def test_amp_that_was_switched_off_is_refused(device: str, is_error: bool, tmp_path: Path) -> None:
    own = {"amp": True, "optimizer": "SGD", "lr0": 0.01}
    (tmp_path / "args.yaml").write_text("amp: true\n")
    stepped = torch.optim.SGD([torch.ones(1)], lr=0.01)
    stepped.param_groups[0]["initial_lr"] = 0.01
    used = SimpleNamespace(
        args=SimpleNamespace(amp=True, warmup_epochs=0),
        amp=False,
        device=torch.device(device),
        batch_size=4,
        epochs=1,
        epoch=0,
        optimizer=stepped,
        save_dir=tmp_path,
        last=tmp_path / "last.pt",
    )
    if not is_error:
        audit(used, own)
        return
    with pytest.raises(BackendError, match=r"amp +True +False +its trainer"):
        audit(used, own)


# --------------------------------------------------------------------------- RT-DETR


@pytest.mark.slow
def test_rt_detr_learns_and_detects(tmp_path: Path) -> None:
    """The same path as the YOLO models', with another network, loss and way of detecting."""
    data = draw(tmp_path / "data", images=6)
    own = settings(model="rtdetr-l", imgsz=128, batch=4, epochs=1, lr0=1e-5)
    rows: list[dict[str, Any]] = []
    result = ultralytics.fit(own, data, None, tmp_path, 1, rows.append)
    assert result.model.parameters > 3e7 and result.model.gflops > 0
    assert {"train/giou_loss", "train/l1_loss", "val/AP"} <= set(rows[0])
    section = {"conf": 1e-6, "iou": 0.7, "max_det": 300, "speed_images": 100}
    predict = predict_settings("detect", section, "ultralytics", imgsz=128)
    names, image = data.dataset.categories, data.split("val")[0]
    with ultralytics.detector(tmp_path / "weights.pt", names, predict, 1) as detect:
        detections, _ = detect(data.folder / image.file_name)
    assert detections and {d.category_id for d in detections} <= set(names)
    for x, y, width, height in (d.bbox for d in detections):
        assert x >= 0 and y >= 0 and width >= 0 and height >= 0
        assert x + width <= image.width + 1e-3 and y + height <= image.height + 1e-3


@pytest.mark.slow
def test_rt_detr_stopped_and_gone_on_equals_never_stopped(tmp_path: Path) -> None:
    data = draw(tmp_path / "data", images=6)
    own = settings(model="rtdetr-l", imgsz=128, batch=4, epochs=2, lr0=1e-5)

    def fit(name: str, after_epoch: AfterEpoch) -> FitResult:
        (tmp_path / name).mkdir(exist_ok=True)
        return ultralytics.fit(own, data, None, tmp_path / name, 1, after_epoch)

    def stop(row: dict[str, Any]) -> None:
        raise InterruptedError

    whole = fit("whole", lambda row: None)
    with pytest.raises(InterruptedError):
        fit("parts", stop)
    assert fit("parts", lambda row: None) == whole
    for name in ("weights.pt", "state.pt"):
        assert unequal(tmp_path / "whole" / name, tmp_path / "parts" / name) == []
