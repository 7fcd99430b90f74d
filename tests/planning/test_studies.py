"""What `search:` of an experiment may say, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from fairtrial import SettingsError
from fairtrial.planning.plan import Plan
from fairtrial.planning.studies import PlannedStudy
from fairtrial.settings.stages import ChoicesSpec, RangeSpec

PROJECT = Path(__file__).parents[2]
SEARCH = """\
title: t
search:
  space:
    lr0: {min: 1e-4, max: 1e-2, log: true}
    batch: {min: 4, max: 16, step: 4}
    optimizer: [SGD, AdamW]
    freeze: [null, 10]
  trials: 5
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(text: str) -> Plan:
    Path("config/experiments/t.yaml").write_text(text)
    return Plan.read("t")


def study(text: str) -> PlannedStudy:
    (found,) = plan(text).chosen.studies.values()
    return found


def test_a_space_is_resolved_with_its_settings(project: Path) -> None:
    found = study(SEARCH)
    assert (found.name, found.engine, found.seed) == ("tpe-seed0", "tpe", 0)
    assert found.space == {
        "lr0": RangeSpec(low=0.0001, high=0.01, log=True, step=None, integer=False),
        "batch": RangeSpec(low=4, high=16, log=False, step=4, integer=True),
        "optimizer": ChoicesSpec(choices=("SGD", "AdamW")),
        "freeze": ChoicesSpec(choices=(None, 10)),
    }


def test_a_number_is_of_the_kind_that_its_setting_has(project: Path) -> None:
    """1 and 1.0 would be two entries of the store."""
    found = study(SEARCH.replace("lr0: {min: 1e-4, max: 1e-2, log: true}", "box: [1, 7.5]"))
    box = found.space["box"]
    assert isinstance(box, ChoicesSpec)
    low, high = box.choices
    assert (type(low), high) == (float, 7.5)


def test_without_runs_there_are_the_start_and_the_winner(project: Path) -> None:
    found = plan(SEARCH + "seeds: [3, 4]\n")
    assert list(found.chosen.runs) == ["base-s3", "base-s4", "tuned-s3", "tuned-s4"]
    assert found.chosen.studies["tpe-seed0"].start.settings["seed"] == 3
    assert found.chosen.runs["tuned-s4"].from_search == (
        "tpe-seed0", None, ("batch", "freeze", "lr0", "optimizer"),
    )  # fmt: skip
    assert found.chosen.runs["base-s3"].from_search is None


def test_a_run_may_set_a_searched_key_itself(project: Path) -> None:
    text = SEARCH.replace("trials: 5", "trials: 18")
    found = plan(text + "runs: {a: {from_search: 17, batch: 2, epochs: 50}}\n")
    run = found.chosen.runs["a-s0"]
    assert run.from_search is not None
    assert run.from_search.file == "17.json"
    assert run.from_search.names == ("freeze", "lr0", "optimizer")
    assert (run.settings["batch"], run.settings["epochs"]) == (2, 50)
    assert '"chosen":[17]' in found.settings("study", "tpe-seed0")


def test_trials_may_stand_in_a_sweep_and_in_a_grid(project: Path) -> None:
    found = plan(SEARCH + "sweep: {from_search: [false, 1, true]}\n")
    assert {
        name: run.from_search and run.from_search.file for name, run in found.chosen.runs.items()
    } == {
        "from_search=False-s0": None,
        "from_search=1-s0": "1.json",
        "from_search=True-s0": "best.json",
    }
    assert json.loads(found.settings("report"))["sweeps"] == []
    found = plan(SEARCH + "grid: {from_search: [1, 2], batch: [4, 8]}\n")
    assert list(found.chosen.runs)[:2] == ["batch=4+from_search=1-s0", "batch=8+from_search=1-s0"]
    assert found.chosen.runs["batch=8+from_search=1-s0"].from_search == (
        "tpe-seed0", 1, ("freeze", "lr0", "optimizer"),
    )  # fmt: skip
    found = plan(SEARCH + "grid: {how: {as_set: {}, tuned: {from_search: true}}}\n")
    assert list(found.chosen.runs) == ["how=as_set-s0", "how=tuned-s0"]


def test_a_checkpoint_of_the_start_alone_is_downloaded(project: Path) -> None:
    text = (
        'base: {model: yolov8n, pretrained: "yolov8/{model}.pt"}\nruns: {a: {pretrained: null}}\n'
    )
    found = plan(SEARCH + text)
    assert found.chosen.pretrained_manifest("a-s0") == []
    assert found.chosen.pretrained_manifest("tpe-seed0") == ["data/raw/yolov8.sha256"]
    assert '"kind":' in found.settings("download", "yolov8")
    with pytest.raises(SettingsError, match=r"run base-s0: `pretrained`: .* names no `no.pt`"):
        _ = plan(SEARCH + text.replace("{model}.pt", "no.pt")).sources


def test_the_budget_and_workers_are_no_part_of_the_start(project: Path) -> None:
    few, many = study(SEARCH), study(SEARCH.replace("trials: 5", "hours: 2\n  workers: 3"))
    assert few.start == many.start


def test_lists_make_a_study_of_each_combination(project: Path) -> None:
    text = SEARCH + "  engine: [ga, tpe]\n  seed: [0, 1]\n  datasets: [shapes, bccd]\n"
    found = plan(text)
    assert len(found.chosen.studies) == 8
    assert list(found.chosen.studies)[:2] == ["shapes-ga-seed0", "shapes-ga-seed1"]
    assert found.chosen.studies["bccd-tpe-seed1"].start.dataset == "bccd"
    assert list(found.chosen.runs) == ["base-s0"], "which study would the winner be of?"
    assert set(found.datasets) == {"bccd", "shapes"}


LR0 = "lr0: {min: 1e-4, max: 1e-2, log: true}"
REFUSED: dict[str, tuple[str, str, str]] = {
    "an unknown parameter": (
        LR0,
        "lr0_: [1, 2]",
        r"space: `lr0_`: no such key; did you mean `lr0`",
    ),
    "imgsz": (LR0, "imgsz: [96, 160]", "`imgsz` cannot be searched: predict must know it"),
    "pretrained": (LR0, "pretrained: [null, a/b.pt]", "`pretrained` cannot be searched"),
    "dataset": (LR0, "dataset: [shapes, bccd]", "`dataset` cannot be searched"),
    "backend": (LR0, "backend: [ultralytics]", "`backend` cannot be searched"),
    "epochs": (LR0, "epochs: [10, 20]", "`epochs` cannot be searched: pruning compares trials"),
    "seed": (LR0, "seed: [0, 1]", "`seed` cannot be searched: the best seed is luck"),
    "predict": (LR0, "predict: [1, 2]", "`predict` cannot be searched: it has no part"),
    "min above max": ("min: 1e-4", "min: 1", r"lr0.*`min` \(1\) must be below `max` \(0.01\)"),
    "log from 0": ("min: 1e-4", "min: 0", "lr0.*`log` needs a `min` above 0"),
    "log and step": ("log: true}", "log: true, step: 0.1}", "exclude each other"),
    "no max": (", max: 1e-2", "", r"lr0: `max`: missing"),
    "a text": ("min: 1e-4", "min: small", 'space.lr0: `min` is "small": must be a number$'),
    "out of the setting's range": (LR0, "momentum: {min: 0.5, max: 1.5}", "momentum.*is 1.5"),
    "a value out of range": ("[SGD, AdamW]", "[SGD, Adamm, AdamW]", '"Adamm"'),
    "a range of texts": ("[SGD, AdamW]", "{min: 1, max: 2}", "optimizer: a range needs a number"),
    "a single value": ("[SGD, AdamW]", "[AdamW]", "optimizer: must list two different"),
    "a value twice": ("[SGD, AdamW]", "[AdamW, AdamW]", "optimizer: must list two different"),
    "neither": ("[SGD, AdamW]", "AdamW", "optimizer is 'AdamW': must be a list of values, or"),
    "half an integer": ("step: 4}", "step: 0.5}", "batch is a whole number, and so must `step`"),
    "the start outside": (LR0, "lr0: {min: 0.1, max: 1}", r"its lr0 \(0.002\) is not in the space"),
    "the start between steps": ("step: 4}", "step: 3}", r"its batch \(8\) is not in the space"),
    "an unknown engine": (
        "trials: 5",
        "trials: 5\n  engine: anneal",
        "`search.engine.0` is \"anneal\": must be 'ga', 'tpe', 'cmaes', 'gp' or 'random'$",
    ),
    "no budget": ("trials: 5", "workers: 1", "needs either `trials` or `hours`"),
    "two budgets": ("trials: 5", "trials: 5\n  hours: 1", "needs either `trials` or `hours`"),
    "no trials": ("trials: 5", "trials: 0", "trials"),
    "no space": (SEARCH.partition("  space:")[2].partition("  trials")[0], " {}\n", "space"),
    "cmaes in one dimension": (
        "    batch: {min: 4, max: 16, step: 4}\n",
        "",
        "cmaes needs two ranges at least",
    ),
    "no epochs": (
        "title: t",
        "title: t\nbase: {epochs: 0, pretrained: weights/yolov8n.pt}",
        "epochs",
    ),
    "from_search: text": (
        "title: t",
        "title: t\nruns: {a: {from_search: best}}",
        "a trial's number",
    ),
    "from_search below 0": (
        "title: t",
        "title: t\nruns: {a: {from_search: -1}}",
        "a trial's number",
    ),
    "from_search beyond the budget": (
        "title: t",
        "title: t\nruns: {a: {from_search: 5}}",
        "`runs.a`: `from_search` is 5: the search has 5 trials, 0 to 4",
    ),
    "from_search in base": (
        "title: t",
        "title: t\nbase: {from_search: true}",
        "in `base` it would",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_said(name: str, project: Path) -> None:
    old, new, message = REFUSED[name]
    assert old in SEARCH
    text = SEARCH.replace(old, new) + ("  engine: cmaes\n" if "cmaes" in name else "")
    with pytest.raises(SettingsError, match=message) as error:
        plan(text)
    assert str(error.value).startswith("config/experiments/t.yaml: ")
    assert len(str(error.value).splitlines()) <= 2


def test_from_search_needs_one_search(project: Path) -> None:
    run = "runs: {a: {from_search: true}}\n"
    with pytest.raises(SettingsError, match=re.escape("`runs.a`: `from_search`: no `search:`")):
        plan("title: t\n" + run)
    with pytest.raises(SettingsError, match=r"the search has 2 studies, .*; keep one"):
        plan(SEARCH + "  engine: [ga, tpe]\n" + run)


def test_equal_spaces_are_equal_however_they_are_written(project: Path) -> None:
    def told(text: str) -> Any:
        return plan(text).settings("search", "tpe-seed0")

    other = SEARCH.replace("1e-4", "0.0001").replace("[SGD, AdamW]", "['SGD', 'AdamW']  # two")
    assert told(SEARCH) == told(other)


def test_a_data_set_of_folds_is_a_study_on_each(project: Path) -> None:
    Path("config/datasets/folds.yaml").write_text(
        "source: shapes\nsplit: {method: kfold, folds: 3}\n"
    )
    text = SEARCH + "  datasets: [folds]\n"
    found = plan(text + "  engine: [ga, tpe]\n").chosen.studies
    assert list(found)[:2] == ["folds.fold1-ga-seed0", "folds.fold2-ga-seed0"]
    assert len(found) == 6
    assert found["folds.fold3-tpe-seed0"].start.dataset == "folds.fold3"
    with pytest.raises(SettingsError, match="its data set has 3 folds"):
        plan(text)
    assert list(plan(text.replace("folds]", "folds.fold2]")).chosen.studies) == [
        "folds.fold2-tpe-seed0"
    ]
