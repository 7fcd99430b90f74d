"""What `search:` of an experiment may hold, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from facts import refused
from fairtrial import SettingsError
from fairtrial.files.modelfile import write_model
from fairtrial.planning.plan import Plan
from fairtrial.planning.studies import PlannedStudy
from fairtrial.settings.choice import ChosenSettings, ChosenWeights, Reference
from fairtrial.settings.study import ChoicesSpec, RangeSpec

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


def plan_of(text: str) -> Plan:
    Path("config/experiments/t.yaml").write_text(text)
    return Plan.read("t")


def study_of(text: str) -> PlannedStudy:
    (study,) = plan_of(text).chosen.studies.values()
    return study


def test_a_space_is_resolved_with_its_settings(project: Path) -> None:
    study = study_of(SEARCH)
    assert (study.name, study.engine, study.seed) == ("tpe-seed0", "tpe", 0)
    assert study.space == {
        "lr0": RangeSpec(low=0.0001, high=0.01, log=True, step=None, integer=False),
        "batch": RangeSpec(low=4, high=16, log=False, step=4, integer=True),
        "optimizer": ChoicesSpec(choices=("SGD", "AdamW")),
        "freeze": ChoicesSpec(choices=(None, 10)),
    }


def test_a_number_is_of_the_kind_that_its_setting_has(project: Path) -> None:
    """1 and 1.0 would be two entries of the store."""
    study = study_of(SEARCH.replace("lr0: {min: 1e-4, max: 1e-2, log: true}", "box: [1, 7.5]"))
    box = study.space["box"]
    assert isinstance(box, ChoicesSpec)
    low, high = box.choices
    assert (type(low), high) == (float, 7.5)


def test_without_runs_there_are_the_start_and_the_winner(project: Path) -> None:
    plan = plan_of(SEARCH + "seeds: [3, 4]\n")
    assert list(plan.chosen.runs) == ["base-s3", "base-s4", "tuned-s3", "tuned-s4"]
    assert plan.chosen.studies["tpe-seed0"].start.settings["seed"] == 10000
    assert plan.chosen.runs["tuned-s4"].origin.trial == ("t", "tpe-seed0", None)
    assert plan.chosen.runs["base-s3"].origin.all == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("seeds: [3, 8]\n", id="among the seeds"),
        pytest.param("runs: {a: {seed: 8, from: t/tpe-seed0}}\n", id="of one run"),
        pytest.param("base: {seed: 8}\n", id="of all runs"),
    ],
)
def test_the_seed_of_trials_is_no_seed_of_a_run(text: str, project: Path) -> None:
    """Else a tuned run would be the luckiest trial itself."""
    search = SEARCH + "  trial_seed: 8\n"
    with refused(SettingsError, "`trial_seed` is 8", "seed of run"):
        plan_of(search + text)
    study = study_of(search + text.replace("8", "9"))
    assert study.of_worker().start["seed"] == 8
    assert study.seed == 0, "the engine's seed is another one"


def test_a_run_may_set_a_searched_key_itself(project: Path) -> None:
    text = SEARCH.replace("trials: 5", "trials: 18")
    plan = plan_of(
        text + "runs: {a: {from: t/tpe-seed0, best: 17, batch: 2, lr0: 1e-3, epochs: 50}}\n"
    )
    assert plan.chosen.runs["a-s0"].origin.trial == ("t", "tpe-seed0", 17)
    assert json.loads(plan.settings("choose", "tpe-seed0@17"))["study"]["best"] == 17
    assert plan.awaits("train", "a-s0", "t")
    chosen(
        Reference("t", "tpe-seed0", 17), batch=16, lr0=5e-4, freeze=10, optimizer="SGD", epochs=3
    )
    assert not plan.awaits("train", "a-s0", "t")
    settings = json.loads(plan.settings("train", "a-s0"))["settings"]
    names = ("batch", "epochs", "lr0", "freeze", "optimizer")
    assert [settings[name] for name in names] == [2, 50, 1e-3, 10, "SGD"]


def chosen(reference: Reference, **settings: object) -> None:
    """What the stage `choose` would write."""
    trial = 3 if reference.name.endswith("seed0") else None
    backend = str(settings.pop("backend", "ultralytics"))
    name = str(settings.pop("name", reference.name))
    choice = ChosenSettings(
        experiment=reference.experiment, name=name, trial=trial, backend=backend, settings=settings
    )
    reference.start.parent.mkdir(parents=True, exist_ok=True)
    write_model(reference.start, choice)
    write_model(reference.weights, ChosenWeights(experiment=reference.experiment, runs=[]))


def test_trials_may_stand_in_a_sweep_and_in_a_grid(project: Path) -> None:
    plan = plan_of(SEARCH + "sweep: {from: [null, t/tpe-seed0]}\n")
    assert [run.origin.trial for run in plan.chosen.runs.values()] == [
        None,
        ("t", "tpe-seed0", None),
    ]
    assert json.loads(plan.settings("report"))["sweeps"] == []
    plan = plan_of(SEARCH + "grid: {from: [t/tpe-seed0], best: [1, recall], batch: [4, 8]}\n")
    assert [run.origin.trial and run.origin.trial.best for run in plan.chosen.runs.values()] == [
        *(1, 1, "recall", "recall")
    ]
    plan = plan_of(SEARCH + "grid: {how: {as_set: {}, tuned: {from: t/tpe-seed0}}}\n")
    assert list(plan.chosen.runs) == ["how=as_set-s0", "how=tuned-s0"]


def test_a_checkpoint_of_the_start_alone_is_downloaded(project: Path) -> None:
    text = (
        'base: {model: yolov8n, pretrained: "yolov8/{model}.pt"}\nruns: {a: {pretrained: null}}\n'
    )
    plan = plan_of(SEARCH + text)
    assert plan.chosen.pretrained_manifest("a-s0") == []
    assert plan.chosen.pretrained_manifest("tpe-seed0") == ["data/raw/yolov8.sha256"]
    assert '"kind":' in plan.settings("download", "yolov8")
    with refused(SettingsError, "study tpe-seed0", "`pretrained`", "no `no.pt`"):
        _ = plan_of(SEARCH + text.replace("{model}.pt", "no.pt")).sources


def test_the_budget_and_workers_are_no_part_of_the_start(project: Path) -> None:
    few, many = study_of(SEARCH), study_of(SEARCH.replace("trials: 5", "hours: 2\n  workers: 3"))
    assert few.start == many.start


def test_lists_make_a_study_of_each_combination(project: Path) -> None:
    text = SEARCH + "  engine: [ga, tpe]\n  seed: [0, 1]\n  datasets: [shapes, bccd]\n"
    plan = plan_of(text)
    assert len(plan.chosen.studies) == 8
    assert list(plan.chosen.studies)[:2] == ["shapes-ga-seed0", "shapes-ga-seed1"]
    assert plan.chosen.studies["bccd-tpe-seed1"].start.dataset == "bccd"
    assert list(plan.chosen.runs) == ["base-s0"], "which study would the winner be of?"
    assert set(plan.datasets) == {"bccd", "shapes"}


def test_several_objectives_reach_the_stages_and_switch_pruning_off(project: Path) -> None:
    run = "runs: {a: {from: t/tpe-seed0, best: parameters}}\n"
    plan = plan_of(SEARCH + "  objectives: [AP, parameters]\n" + run)
    study = plan.chosen.studies["tpe-seed0"]
    for told in (study.of_worker(), study.of_study(), study.chosen_from("parameters")):
        assert told.objectives == ("AP", "parameters")
    assert (study.of_worker().pruning, study.of_worker().predict) == ("off", None)
    assert "objectives" not in plan_of(SEARCH).settings("search", "tpe-seed0")


def test_a_time_among_the_objectives_is_measured_as_predict_does(project: Path) -> None:
    plan = plan_of(SEARCH + "  objectives: [AP, ms]\nruns: {a: {}}\n")
    search = json.loads(plan.settings("search", "tpe-seed0"))
    assert search["predict"] == json.loads(plan.settings("predict", "a-s0"))
    assert "backends.ultralytics:detector" in plan.entries("search", "tpe-seed0")
    assert "backends.ultralytics:detector" not in plan_of(SEARCH).entries("search", "tpe-seed0")


LR0 = "lr0: {min: 1e-4, max: 1e-2, log: true}"
REFUSED: dict[str, tuple[str, ...]] = {
    "an unknown parameter": (LR0, "lr0_: [1, 2]", "space: `lr0_`", "did you mean `lr0`"),
    "imgsz": (LR0, "imgsz: [96, 160]", "`imgsz` cannot be searched", "predict"),
    "pretrained": (LR0, "pretrained: [null, a/b.pt]", "`pretrained` cannot be searched"),
    "dataset": (LR0, "dataset: [shapes, bccd]", "`dataset` cannot be searched"),
    "train_share": (LR0, "train_share: [0.5, 1.0]", "`train_share` cannot be searched"),
    "backend": (LR0, "backend: [ultralytics]", "`backend` cannot be searched"),
    "epochs": (LR0, "epochs: [10, 20]", "`epochs` cannot be searched", "pruning"),
    "seed": (LR0, "seed: [0, 1]", "`seed` cannot be searched", "chance"),
    "predict": (LR0, "predict: [1, 2]", "`predict` cannot be searched"),
    "min above max": ("min: 1e-4", "min: 1", "lr0", "`min` (1)", "below `max` (0.01)"),
    "log from 0": ("min: 1e-4", "min: 0", "lr0", "`log`", "`min` above 0"),
    "log and step": ("log: true}", "log: true, step: 0.1}", "`log`", "`step`", "exclude"),
    "no max": (", max: 1e-2", "", "lr0: `max`", "missing"),
    "a text": ("min: 1e-4", "min: small", 'space.lr0: `min` is "small"', "a number"),
    "out of the setting's range": (LR0, "momentum: {min: 0.5, max: 1.5}", "momentum", "is 1.5"),
    "a value out of range": ("[SGD, AdamW]", "[SGD, Adamm, AdamW]", "optimizer", '"Adamm"'),
    "a range of texts": ("[SGD, AdamW]", "{min: 1, max: 2}", "optimizer", "a range", "a number"),
    "a single value": ("[SGD, AdamW]", "[AdamW]", "optimizer", "two different"),
    "a value twice": ("[SGD, AdamW]", "[AdamW, AdamW]", "optimizer", "two different"),
    "neither": ("[SGD, AdamW]", "AdamW", "optimizer is 'AdamW'", "a list of values"),
    "half an integer": ("step: 4}", "step: 0.5}", "batch", "a whole number", "`step`"),
    "the start outside": (LR0, "lr0: {min: 0.1, max: 1}", "lr0 (0.002)", "not in the space"),
    "the start between steps": ("step: 4}", "step: 3}", "batch (8)", "not in the space"),
    "an unknown engine": (
        *("trials: 5", "trials: 5\n  engine: anneal"),
        *('`search.engine.0` is "anneal"', "'ga', 'mutate', 'tpe', 'cmaes', 'gp' or 'random'"),
    ),
    "no budget": ("trials: 5", "workers: 1", "either `trials` or `hours`"),
    "two budgets": ("trials: 5", "trials: 5\n  hours: 1", "either `trials` or `hours`"),
    "a negative trial_seed": (
        *("trials: 5", "trials: 5\n  trial_seed: -1"),
        *("`search.trial_seed`", "-1"),
    ),
    "one objective": (
        *("trials: 5", "trials: 5\n  objectives: [AP]"),
        *("`objectives`", "two at least", "`fitness`"),
    ),
    "an objective twice": ("trials: 5", "trials: 5\n  objectives: [AP, AP]", "twice", "AP"),
    "an unknown objective": (
        *("trials: 5", "trials: 5\n  objectives: [AP, size]"),
        *("`search.objectives.1`", '"size"', "parameters"),
    ),
    "an objective of another task": (
        *("trials: 5", "trials: 5\n  objectives: [accuracy, parameters]"),
        *("`objectives`", "`accuracy`", "possible: fitness, precision", "ms"),
    ),
    "objectives and pruning": (
        *("trials: 5", "trials: 5\n  objectives: [AP, ms]\n  pruning: halving"),
        *("`pruning: halving`", "one value", "`objectives`", "off"),
    ),
    "objectives of an engine of one": (
        *("trials: 5", "trials: 5\n  objectives: [AP, ms]\n  engine: [ga, mutate]"),
        *("`engine: mutate`", "one objective", "ga (NSGA-II)"),
    ),
    "best of what is no objective": (
        *("title: t", "title: t\nruns: {a: {from: t/tpe-seed0, best: parameters}}"),
        *("`runs.a`", "`best`", "`parameters`"),
    ),
    "no trials": ("trials: 5", "trials: 0", "`search.trials` is 0"),
    "no space": (SEARCH.partition("  space:")[2].partition("  trials")[0], " {}\n", "space"),
    "cmaes in one dimension": (
        "    batch: {min: 4, max: 16, step: 4}\n",
        "",
        "cmaes needs two ranges",
    ),
    "no epochs": (
        "title: t",
        "title: t\nbase: {epochs: 0, pretrained: weights/yolov8n.pt}",
        "`epochs`",
    ),
    "the former word": (
        *("title: t", "title: t\nruns: {a: {from_search: recall}}"),
        *("`runs.a`", "`from_search`", "`from: t/<study>`", "`best: "),
    ),
    "an unknown metric": (
        *("title: t", "title: t\nruns: {a: {from: t/tpe-seed0, best: recal}}"),
        *("`runs.a`", "`best`", "`recal`", "recall"),
    ),
    "a metric of another task": (
        *("title: t", "title: t\nruns: {a: {from: t/tpe-seed0, best: accuracy}}"),
        *("`runs.a`", "`best`", "`accuracy`"),
    ),
    "a number below 0": (
        *("title: t", "title: t\nruns: {a: {from: t/tpe-seed0, best: -1}}"),
        *("`runs.a`", "`best` is -1", "a trial's number"),
    ),
    "true is no number": (
        *("title: t", "title: t\nruns: {a: {from: t/tpe-seed0, best: true}}"),
        *("`runs.a`", "`best` is True", "a trial's number"),
    ),
    "a number beyond the budget": (
        *("title: t", "title: t\nruns: {a: {from: t/tpe-seed0, best: 5}}"),
        *("`runs.a`: `from` is t/tpe-seed0, best: 5", "5 trials, 0 to 4"),
    ),
    "the own study in base": (
        *("title: t", "title: t\nbase: {from: t/tpe-seed0}"),
        *("`from`", "in `base` the search would"),
    ),
    "no such study of its own": (
        *("title: t", "title: t\nruns: {a: {from: t/tpe-seed1}}"),
        *("`runs.a`", "t/tpe-seed1", "did you mean `t/tpe-seed0`"),
    ),
    "the experiment itself": (
        *("title: t", "title: t\nruns: {a: {from: t}}"),
        *("`runs.a`", "a trial only", "t/tpe-seed0"),
    ),
    "best without from": (
        *("title: t", "title: t\nruns: {a: {best: recall}}"),
        *("`runs.a`", "`best`", "`from`", "missing"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_in_a_search_is_named(name: str, project: Path) -> None:
    old, new, *facts = REFUSED[name]
    assert old in SEARCH
    text = SEARCH.replace(old, new) + ("  engine: cmaes\n" if "cmaes" in name else "")
    with refused(SettingsError, "config/experiments/t.yaml: ", *facts) as error:
        plan_of(text)
    assert len(str(error.value).splitlines()) <= 2


def test_the_own_trial_needs_a_search(project: Path) -> None:
    run = "runs: {a: {from: t/tpe-seed0}}\n"
    with refused(SettingsError, "`runs.a`", "`from`", "no `search:`"):
        plan_of("title: t\n" + run)
    plan = plan_of(SEARCH + "  engine: [ga, tpe]\n" + run)
    assert plan.chosen.runs["a-s0"].origin.trial == ("t", "tpe-seed0", None), "one of two studies"


def test_equal_spaces_are_equal_however_they_are_written(project: Path) -> None:
    def search_settings(text: str) -> str:
        return plan_of(text).settings("search", "tpe-seed0")

    other = SEARCH.replace("1e-4", "0.0001").replace("[SGD, AdamW]", "['SGD', 'AdamW']  # two")
    assert search_settings(SEARCH) == search_settings(other)


def test_a_data_set_of_folds_is_a_study_on_each(project: Path) -> None:
    Path("config/datasets/folds.yaml").write_text(
        "source: shapes\nsplit: {method: kfold, folds: 3}\n"
    )
    text = SEARCH + "  datasets: [folds]\n"
    studies = plan_of(text + "  engine: [ga, tpe]\n").chosen.studies
    assert list(studies)[:2] == ["folds.fold1-ga-seed0", "folds.fold2-ga-seed0"]
    assert len(studies) == 6
    assert studies["folds.fold3-tpe-seed0"].start.dataset == "folds.fold3"
    with refused(SettingsError, "3 folds"):
        plan_of(text)
    assert list(plan_of(text.replace("folds]", "folds.fold2]")).chosen.studies) == [
        "folds.fold2-tpe-seed0"
    ]
