"""The questions that ship: each can be planned as it is, and asks what it says it asks."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fairtrial.planning.plan import Plan

PROJECT = Path(__file__).parents[2]
SHIPPED = sorted(path.stem for path in (PROJECT / "config/experiments").glob("*.yaml"))
RUNS = {
    "momentum": 11 * 3,
    "lrf": 15 * 3,
    "genetic": 3 * 3,
    "genetic_recall": 3 * 3,
    "genetic_momentum": 11 * 3,
    "genetic_lrf": 15 * 3,
    "classes": 2 * 3,
    "sizes": 4 * 3 * 2 * 3,
    "balance": 3 * 3,
    "longer": 2 * 3,
    "seeds": 5 * 2,
    "coco_person_motorcycle": 4 * 3,
    "retinanet_depth": 5,
    "retinanet_lr": 3,
    "retinanet_schedules": 5 * 3,
    "retinanet_longer": 4,
    "coco_naive": 2 * 3,
    "retinanet_focal": 8 * 3,
    "detectors": 5 * 3,
    "searched": 2 * 3,
    "engines": 1,  # beside 25 studies
    "cifar10_architectures": 5 * 3,
    "cifar10_cnn": 5 * 3,
    "cifar10_activations": 5 * 3,
    "cifar10_pretrained": 4 * 3,
    "cifar10_optimizers": 6 * 3,
    "cifar10_dropout": 3 * 3 * 2,
    "cifar10_search": 2 * 3,
    "cifar10_leak": 2 * 3,
}


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)


def read(name: str) -> Plan:
    """The plan, after everything that a rule asks of it."""
    plan = Plan.read(name)
    for source in plan.sources:
        assert json.loads(plan.settings("download", source))
    for dataset in plan.datasets:
        assert json.loads(plan.settings("split", dataset))
    for run in plan.chosen.runs:
        for stage in ("train", "predict", "validate"):
            assert json.loads(plan.settings(stage, run))
    for stage in ("plot", "report"):
        assert json.loads(plan.settings(stage))["runs"] == list(plan.chosen.runs)
    return plan


@pytest.mark.parametrize("name", SHIPPED)
def test_it_can_be_planned(name: str) -> None:
    plan = read(name)
    assert len(plan.chosen.runs) == RUNS.get(name, len(plan.chosen.runs))
    text = (PROJECT / "docs/questions.md").read_text(encoding="utf-8")
    if name in RUNS:
        assert f"`{name}`" in text.partition("**Image")[0]


def values(plan: Plan, *keys: str) -> Counter[Any]:
    return Counter(tuple(run.settings[key] for key in keys) for run in plan.chosen.runs.values())


def test_sweeps_vary_one_parameter_and_the_report_knows_which() -> None:
    momentum, lrf = read("momentum"), read("lrf")
    assert set(values(momentum, "momentum")) == {
        *((0.45,), (0.47,), (0.5,), (0.55,), (0.57,), (0.6,), (0.65,)),
        *((0.7,), (0.72,), (0.75,), (0.78,)),
    }
    assert len(values(lrf, "lrf")) == 15
    assert (min(values(lrf, "lrf")), max(values(lrf, "lrf"))) == ((1e-5,), (0.1,))
    for plan, key in ((momentum, "momentum"), (lrf, "lrf")):
        assert json.loads(plan.settings("report"))["sweeps"] == [key]
        assert json.loads(plan.settings("plot"))["sweeps"] == [key]


def test_sizes_start_each_model_from_its_own_checkpoint() -> None:
    starts = values(read("sizes"), "model", "pretrained", "freeze")
    expected = {
        start
        for model in ("yolov8n", "yolov8s", "yolov8m", "yolov8l")
        for start in (
            (model, None, None),
            (model, f"yolov8/{model}.pt", None),
            (model, f"yolov8/{model}.pt", 10),
        )
    }
    assert starts == Counter(dict.fromkeys(expected, 2 * 3))


def test_the_longer_run_goes_on_from_the_shorter() -> None:
    runs = read("longer").chosen.runs
    assert runs["long-s1"].continues == "short-s1"
    assert (runs["short-s1"].settings["epochs"], runs["long-s1"].settings["epochs"]) == (20, 40)


def test_each_seed_is_run_twice() -> None:
    repetitions = values(read("seeds"), "seed", "replicate")
    assert repetitions == Counter(
        {(seed, replicate): 1 for seed in range(5) for replicate in (1, 2)}
    )


@pytest.mark.parametrize("name", ["balance", "coco_person_motorcycle"])
def test_balanced_train_leaves_val_and_test_as_they_are(name: str) -> None:
    plan = read(name)
    plain, balanced = (plan.datasets[dataset].model_dump() for dataset in sorted(plan.datasets))
    assert balanced.pop("balance") and plain.pop("balance") is None
    assert plain == balanced
    assert {run.settings["cls_pw"] for run in plan.chosen.runs.values()} >= {0.0, 1.0}


def test_the_experiment_of_dot_test_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the params.yaml that its first `snakemake` writes."""
    shutil.copytree(PROJECT / ".test/config", tmp_path / "config")
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert read("quickstart").chosen.runs


def test_a_checkpoint_that_has_seen_the_images_is_told_to_the_report() -> None:
    """Of COCO's checkpoint on a part of COCO, and of no other data."""
    report = json.loads(read("coco_naive").settings("report"))
    assert report["seen"] == {"weights/yolov8n.pt": ["coco_person_motorcycle"]}
    assert "seen" not in json.loads(read("bccd").settings("report"))
