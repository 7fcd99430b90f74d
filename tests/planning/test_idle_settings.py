"""What an experiment sets and what cannot act is refused; what acts anywhere is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from facts import missing_facts, refused
from fairtrial import SettingsError
from fairtrial.files.yamlfile import read_yaml
from fairtrial.planning import idle_settings
from fairtrial.planning.idle_settings import idle_in_some, refuse_idle, refuse_idle_sections
from fairtrial.planning.runs import resolve
from fairtrial.planning.studies import studies
from fairtrial.planning.unused_settings import refuse_unused
from fairtrial.plugins import plugin, plugins
from fairtrial.settings.dataset import DatasetSettings
from fairtrial.settings.experiment import ExperimentSettings
from tests.ids import short

FILE = "config/experiments/asked.yaml"
PARAMS = read_yaml(Path(__file__).parents[2] / "params.yaml")
NETWORK = {"backend": "networks", "model": "cnn", "imgsz": 32}
RETINANET = {"backend": "retinanet"}
RTDETR = {"model": "rtdetr-l"}
START = {"pretrained": "weights/yolov8n.pt"}


def plan(params: dict[str, Any] | None = None, **experiment: Any) -> None:
    """Judge an experiment; `params`: changed for this call, as by `dvc exp run -S`."""
    settings = ExperimentSettings(title="Asked", **experiment)
    changed = PARAMS | (params or {})
    runs = resolve(changed, settings, FILE)
    refuse_idle(runs, studies(changed, settings, FILE), settings, set(params or {}), FILE)


IDLE = [  # what a run sets, the setting that cannot act, and what its reason names
    ({"epochs": 3, "mosaic": 1.0}, "mosaic", "close_mosaic"),
    ({"epochs": 10, "mixup": 0.5}, "mixup", "close_mosaic"),
    ({"epochs": 10, "cutmix": 0.5}, "cutmix", "close_mosaic"),
    ({"close_mosaic": 5}, "close_mosaic", "mixup"),
    ({"warmup_epochs": 12.0}, "warmup_epochs", "epochs"),
    ({"warmup_epochs": 0.0, "warmup_bias_lr": 0.1}, "warmup_bias_lr", "warmup_epochs"),
    ({"warmup_epochs": 0.0, "warmup_momentum": 0.5, "optimizer": "SGD"}, "warmup_momentum", "warm"),
    ({"warmup_momentum": 0.5}, "warmup_momentum", "SGD"),
    ({"patience": 12}, "patience", "epochs"),
    ({"patience": 11}, "patience", "epochs"),
    ({"epochs": 1, "warmup_epochs": 0.0, "lrf": 0.1}, "lrf", "second epoch"),
    ({"lrf": 1.0, "cos_lr": True}, "cos_lr", "lrf"),
    ({"epochs": 2, "cos_lr": True}, "cos_lr", "three epochs"),
    ({"nbs": 9, "weight_decay": 0.0}, "nbs", "weights decay"),
    ({"imgsz": 160, **RTDETR, "dfl": 2.0}, "dfl", "RT-DETR"),
    ({"imgsz": 160, **RTDETR, "cls_pw": 1.0}, "cls_pw", "RT-DETR"),
    ({"cls_remap": True}, "cls_remap", "pretrained"),
    ({**START, "epochs": 0, "lr0": 0.1}, "lr0", "epochs"),
    ({**RETINANET, "patience": 30}, "patience", "epochs"),
    ({**RETINANET, "lrf": 1.0, "cos_lr": True}, "cos_lr", "lrf"),
    ({**RETINANET, "epochs": 1, "lrf": 0.5}, "lrf", "second epoch"),
    ({**NETWORK, "optimizer": "Adagrad", "momentum": 0.8}, "momentum", "Adagrad"),
    ({**NETWORK, "augment_val_leak": True}, "augment_val_leak", "augment"),
    ({**NETWORK, "scheduler": "none", "lrf": 0.5}, "lrf", "scheduler"),
    ({**NETWORK, "lrf": 1.0, "scheduler": "step"}, "scheduler", "lrf"),
    ({**NETWORK, "scheduler": "exponential", "lr_factor": 0.9, "lrf": 0.5}, "lrf", "lr_factor"),
    ({**NETWORK, "scheduler": "cosine", "lr_factor": 0.9}, "lr_factor", "exponential"),
    ({**NETWORK, "scheduler": "exponential", "milestones": [3]}, "milestones", "step"),
    ({**NETWORK, "scheduler": "step", "milestones": [12]}, "milestones", "within `epochs`"),
    ({**RETINANET, "scheduler": "step", "step_size": 12}, "step_size", "within `epochs`"),
    ({**RETINANET, "step_size": 2}, "step_size", "`scheduler`"),
    ({**RETINANET, "scheduler": "none", "lrf": 0.5}, "lrf", "scheduler"),
    ({**RETINANET, "lrf": 1.0, "scheduler": "cosine"}, "scheduler", "lrf"),
    ({**RETINANET, "scheduler": "step", "cos_lr": True}, "cos_lr", "scheduler"),
    ({**NETWORK, "model": "resnet18", "activation": "elu"}, "activation", "widths"),
    ({**NETWORK, "widths": [], "dropout": 0.5}, "dropout", "widths"),
    ({**NETWORK, "model": "mlp", "widths": [], "activation": "elu"}, "activation", "widths"),
]


@pytest.mark.parametrize(("changed", "name", "fact"), IDLE, ids=short)
def test_a_setting_without_effect_is_refused(changed: dict[str, Any], name: str, fact: str) -> None:
    with refused(SettingsError, f"{FILE}: runs.asked: `{name}`", "cannot act", fact):
        plan(runs={"asked": changed})


ACTING = [
    {"epochs": 3, "mosaic": 0.0},
    {"epochs": 11, "mosaic": 1.0},
    {"epochs": 3, "mosaic": 1.0, "close_mosaic": 0},
    {"mixup": 0.5, "close_mosaic": 5},
    {"patience": 0},
    {"patience": 10},
    {"warmup_epochs": 11.0},
    {"warmup_momentum": 0.5, "optimizer": "SGD"},
    {"nbs": 64},
    {"nbs": 9},
    {"nbs": 8},
    {"lrf": 1.0, "cos_lr": False},
    {**START, "cls_remap": True},
    {**START, "epochs": 0},
    {**NETWORK, "model": "resnet18", "widths": [64], "activation": "elu", "dropout": 0.5},
    {**NETWORK, "activation": "elu", "scheduler": "step"},
    {**NETWORK, "scheduler": "none"},
    {**NETWORK, "augment": ["flip"], "augment_val_leak": True},
    {**NETWORK, "scheduler": "step", "lr_factor": 0.1},
    {**NETWORK, "scheduler": "step", "milestones": [11]},
    {**RETINANET, "scheduler": "step", "milestones": [3, 30], "lr_factor": 0.1},
    {**RETINANET, "scheduler": "step", "step_size": 3, "cos_lr": False},
    {**RETINANET, "scheduler": "exponential", "lrf": 0.1},
]


@pytest.mark.parametrize("changed", ACTING, ids=short)
def test_a_setting_that_acts_or_is_switched_off_is_not(changed: dict[str, Any]) -> None:
    plan(runs={"asked": changed})


def test_the_scheduler_of_params_is_that_of_networks_alone() -> None:
    """RetinaNet's, which came later, would else change what was trained before."""
    changed = PARAMS | {"scheduler": "step"}
    asked = ExperimentSettings(title="Asked", base=RETINANET)
    (run,) = resolve(changed, asked, FILE).values()
    assert "scheduler" not in run.settings
    with refused(SettingsError, "`scheduler`", "no run of this experiment uses it"):
        refuse_unused(changed, PARAMS, asked, {run.name: run}, FILE)
    own = ExperimentSettings(title="Asked", base={**RETINANET, "scheduler": "exponential"})
    (run,) = resolve(changed, own, FILE).values()
    assert run.settings["scheduler"] == "exponential"
    networks = ExperimentSettings(title="Asked", base=NETWORK)
    (run,) = resolve(changed, networks, FILE).values()
    assert run.settings["scheduler"] == "step"


def test_shipped_values_are_never_refused() -> None:
    plan(base={"epochs": 1})
    plan(base={**START, "epochs": 0})
    plan(base={**NETWORK, "optimizer": "Adadelta", "epochs": 1})


def test_each_value_of_a_sweep_and_each_combination_of_a_grid_is_judged() -> None:
    with refused(SettingsError, f"{FILE}: sweep.mosaic", "`mosaic` is 1.0"):
        plan(base={"epochs": 3}, sweep={"mosaic": [0.0, 1.0]})
    grid = {"optimizer": ["SGD", "Adagrad"], "momentum": [0.8, 0.9]}
    with refused(SettingsError, f"{FILE}: grid", "`momentum` is 0.8", "`momentum` is 0.9"):
        plan(base=NETWORK, grid=grid)


def test_all_problems_are_named_at_once() -> None:
    runs = {"a": {"patience": 50}, "b": {"close_mosaic": 3}}
    with refused(SettingsError, "runs.a: `patience`", "runs.b: `close_mosaic`"):
        plan(runs=runs)


def test_base_must_act_in_one_of_its_runs() -> None:
    base = {"imgsz": 160, "dfl": 2.0}
    plan(base=base, runs={"yolo": {}, "detr": RTDETR})
    with refused(SettingsError, f"{FILE}: base: `dfl`"):
        plan(base=base, runs={"detr": RTDETR})


def test_what_base_sets_in_vain_for_some_runs_is_a_sentence_of_the_report() -> None:
    def said(**experiment: Any) -> list[str]:
        settings = ExperimentSettings(title="Asked", **experiment)
        return idle_in_some(resolve(PARAMS, settings, FILE), {}, settings)

    base = {"imgsz": 160, "dfl": 2.0}
    (sentence,) = said(base=base, runs={"yolo": {}, "detr": RTDETR, "own": {"dfl": 1.0}})
    assert missing_facts(sentence, "dfl changes nothing in detr:", "RT-DETR") == []
    assert said(base=base, runs={"yolo": {}}) == []
    mosaic = {"mosaic": 1.0}
    assert said(base=mosaic, runs={"short": {"epochs": 3}, "long": {}}) == [], "told by epochs"


def test_a_threshold_of_boxes_is_refused_where_all_runs_classify() -> None:
    def change(section: str, key: str, value: Any, run: dict[str, Any]) -> None:
        params = PARAMS | {section: PARAMS[section] | {key: value}}
        runs = resolve(params, ExperimentSettings(title="x", base=run), FILE)
        refuse_idle_sections(params, PARAMS, runs)

    with refused(SettingsError, "params.yaml: `predict.conf`", "classify"):
        change("predict", "conf", 0.1, NETWORK)
    with refused(SettingsError, "params.yaml: `validate.iou`"):
        change("validate", "iou", 0.6, NETWORK)
    change("predict", "speed_images", 200, NETWORK)
    change("predict", "conf", 0.1, {})
    change("validate", "at_recall", (0.9,), NETWORK)


def test_a_parameter_of_a_call_must_act_in_one_of_the_runs() -> None:
    with refused(SettingsError, "params.yaml: `mosaic`", "close_mosaic"):
        plan({"mosaic": 1.0}, base={"epochs": 3})
    plan({"mosaic": 1.0}, runs={"short": {"epochs": 3}, "long": {}})


RANGES = {"lr0": {"min": 1e-4, "max": 1e-2}, "lrf": {"min": 0.01, "max": 1.0}}


def test_a_search_is_judged_by_its_space_as_a_whole() -> None:
    def search(base: dict[str, Any], **space: Any) -> None:
        plan(base=base, search={"space": RANGES | space, "trials": 5, "pruning": "off"})

    mosaic = {"min": 0.0, "max": 1.0}
    with refused(SettingsError, f"{FILE}: search.space: `mosaic`", "close_mosaic"):
        search({"epochs": 5}, mosaic=mosaic)
    search({"epochs": 5}, mosaic=mosaic, close_mosaic={"min": 0, "max": 10})
    search({"epochs": 12}, mosaic=mosaic)
    search({"cos_lr": True})
    with refused(SettingsError, "search.space: `warmup_momentum`", "SGD"):
        search({}, warmup_momentum={"min": 0.5, "max": 0.9})
    search({}, warmup_momentum={"min": 0.5, "max": 0.9}, optimizer=["SGD", "AdamW"])


@pytest.mark.parametrize(
    ("settings", "is_one"),
    [
        ({"single_cls": "cell"}, True),
        ({"classes": ["cell"]}, True),
        ({"classes": {"a": "cell", "b": "cell"}}, True),
        ({"classes": ["a", "b"]}, False),
        ({}, False),
    ],
    ids=short,
)
def test_class_weights_need_two_classes(
    settings: dict[str, Any], is_one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {
        "source": "cells",
        "split": {"method": "random", "train": 0.8, "val": 0.2},
        "seed": 0,
    }
    dataset = DatasetSettings.model_construct(
        **(content | {"single_cls": None, "classes": None} | settings)
    )
    monkeypatch.setattr(idle_settings, "read_dataset", lambda name: dataset)
    if not is_one:
        plan(runs={"asked": {"cls_pw": 1.0}})
        return
    with refused(SettingsError, "`cls_pw`", "two classes"):
        plan(runs={"asked": {"cls_pw": 1.0}})


@pytest.mark.parametrize("backend", plugins("backends"))
def test_effects_name_settings_of_their_backend(backend: str) -> None:
    module = plugin("backends", backend)
    for effect in module.EFFECTS:
        named = {*effect.settings, *effect.needs} - {"classes"}
        assert named <= set(module.Settings.model_fields), effect.when
