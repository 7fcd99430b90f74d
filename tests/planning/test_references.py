"""Experiments that begin with the results of others: as they are planned, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from facts import refused
from fairtrial import SettingsError
from fairtrial.files.modelfile import write_model
from fairtrial.planning.finished import jobs_of
from fairtrial.planning.plan import Plan
from fairtrial.settings.choice import (
    ChosenSettings,
    ChosenWeights,
    Reference,
    TrainedWeights,
)

PROJECT = Path(__file__).parents[2]
A = """\
title: Which optimizer?
base: {epochs: 7, imgsz: 96}
runs: {sgd: {optimizer: SGD, momentum: 0.8}, adam: {optimizer: AdamW}}
seeds: [0, 1]
"""
SEARCH = "search: {space: {lr0: {min: 1e-4, max: 1e-2}}, trials: 5}\n"
B = "title: t\nbase: {from: a}\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def experiment(name: str, text: str) -> None:
    Path(f"config/experiments/{name}.yaml").write_text(text)


def plan_of(b: str, a: str = A) -> Plan:
    experiment("a", a)
    experiment("b", b)
    return Plan.read("b")


def choose(reference: Reference, name: str = "", trial: int | None = None, **settings: Any) -> None:
    """What the stage `choose` would write."""
    backend = settings.pop("backend", "ultralytics")
    start = ChosenSettings(
        experiment=reference.experiment,
        name=name or reference.name,
        trial=trial,
        backend=backend,
        settings=settings,
    )
    runs = [
        TrainedWeights(run=f"{name}-s{seed}", dataset="shapes", seed=seed, sha256="0" * 64)
        for seed in (0, 1)
        if trial is None
    ]
    reference.folder.mkdir(parents=True, exist_ok=True)
    write_model(reference.start, start)
    weights = ChosenWeights(experiment=reference.experiment, runs=runs)
    write_model(reference.weights, weights)


def trained(plan: Plan, run: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(plan.settings("train", run, "b"))
    return content["settings"]


def test_what_was_chosen_goes_before_params_and_behind_what_is_set() -> None:
    plan = plan_of(B.replace("from: a", "from: a, imgsz: 128") + "runs: {x: {momentum: 0.7}}\n")
    assert plan.awaits("train", "x-s0", "b")
    assert list(plan.chosen.runs) == ["x-s0"]
    choose(Reference("a"), "adam", optimizer="AdamW", momentum=0.8, imgsz=96, epochs=7, lr0=0.5)
    assert not plan.awaits("train", "x-s0", "b")
    names = ("optimizer", "momentum", "imgsz", "epochs", "lr0", "seed")
    values = [trained(plan, "x-s0")[name] for name in names]
    assert values == ["AdamW", 0.7, 128, 7, 0.5, 0]
    assert json.loads(plan.settings("predict", "x-s0", "b"))["imgsz"] == 128


def test_what_a_record_leaves_out_at_its_default_is_carried_too() -> None:
    """Else the winner would be trained anew with another value of params.yaml."""
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("batch_norm: true", "batch_norm: false"))
    network = "base: {backend: networks, dataset: cifar10, imgsz: 32, model: cnn"
    plan = plan_of(
        "title: t\nbase: {from: a, dataset: cifar10}\nruns: {x: {flatten: true}}\n",
        f"title: t\n{network}, batch_norm: true}}\nsweep: {{lr0: [0.1, 0.01]}}\n",
    )
    choose(Reference("a"), "lr0=0.1", backend="networks", model="cnn", lr0=0.1, imgsz=32)
    settings = trained(plan, "x-s0")
    assert "batch_norm" not in settings, "true, its default"
    assert settings["flatten"] is True


def test_another_choice_changes_settings_and_no_name() -> None:
    plan = plan_of(B + "sweep: {momentum: [0.7, 0.8]}\n")
    names = list(plan.chosen.runs)
    for optimizer in ("SGD", "AdamW"):
        choose(Reference("a"), "adam", optimizer=optimizer, momentum=0.8)
        assert list(plan.chosen.runs) == names == ["momentum=0.7-s0", "momentum=0.8-s0"]
        assert trained(plan, names[1])["optimizer"] == optimizer


def test_runs_that_are_equal_only_by_chance_stay_two() -> None:
    """The winner has the momentum that one of them sets: their names and number stay."""
    plan = plan_of(B + "runs: {x: {}, y: {momentum: 0.8}}\n")
    choose(Reference("a"), "sgd", optimizer="SGD", momentum=0.8)
    assert list(plan.chosen.runs) == ["x-s0", "y-s0"]


def test_a_checkpoint_is_named_anew_for_another_model() -> None:
    a = A.replace("imgsz: 96", 'model: yolov8n, pretrained: "yolov8/{model}.pt"')
    plan = plan_of(B + "runs: {x: {}, y: {model: yolov8s}}\n", a)
    choose(Reference("a"), "adam", model="yolov8n", pretrained="yolov8/yolov8n.pt")
    assert [trained(plan, name)["pretrained"] for name in ("x-s0", "y-s0")] == [
        *("yolov8/yolov8n.pt", "yolov8/yolov8s.pt")
    ]


def test_what_another_experiment_has_of_its_own_is_not_carried() -> None:
    plan = plan_of(B + "seeds: [5]\n", A.replace("imgsz: 96", "dataset: bccd, fitness: {map50: 1}"))
    assert (plan.chosen.runs["base-s5"].dataset, list(plan.datasets)) == (
        "shapes",
        ["shapes", "bccd"],
    )
    assert plan.chosen.runs["base-s5"].settings["fitness"] is None
    choice = json.loads(plan.settings("choose", "@best", "a"))
    assert choice["runs"] == ["sgd-s0", "sgd-s1", "adam-s0", "adam-s1"]


def test_best_alone_changes_that_of_base() -> None:
    plan = plan_of(
        B.replace("from: a", "from: a/tpe-seed0")
        + "runs: {x: {}, y: {best: 3}, z: {from: null}}\n",
        A + SEARCH,
    )
    starts = [run.origin.start for run in plan.chosen.runs.values()]
    assert starts == [("a", "tpe-seed0", None), ("a", "tpe-seed0", 3), None]


def test_a_chain_is_planned_from_its_end() -> None:
    experiment("c", "title: t\nbase: {from: b}\nsweep: {lr0: [0.1, 0.2]}\n")
    plan_of(B)
    plan = Plan.read("c")
    assert list(plan.experiments) == ["c", "b", "a"]
    assert [r.experiment for r in plan.references] == ["b", "a"]
    assert plan.awaits("train", "base-s0", "b")
    choose(Reference("a"), "sgd", optimizer="SGD")
    assert not plan.awaits("train", "base-s0", "b")
    assert plan.awaits("train", "lr0=0.1-s0", "c")


def test_weights_are_those_of_the_same_seed() -> None:
    plan = plan_of("title: t\nbase: {imgsz: 96, pretrained: {from: a}}\nseeds: [1, 2]\n")
    assert plan.awaits("train", "base-s1", "b")
    choose(Reference("a"), "adam", optimizer="AdamW", lr0=0.5)
    paths = [plan.chosen.pretrained(run) for run in plan.chosen.runs]
    assert paths == [f"results/a/runs/adam-s{seed}/weights.pt" for seed in (1, 0)]
    assert trained(plan, "base-s1")["lr0"] != 0.5, "weights alone"
    assert [plan.chosen.pretrained_manifest(run) for run in plan.chosen.runs] == [[], []]


def test_weights_of_another_fold_are_refused() -> None:
    a = A.replace("imgsz: 96", "imgsz: 96, dataset: shapes_folds.fold1")
    b = "title: t\nbase: {pretrained: {from: a/sgd}, dataset: shapes_folds.fold1}\n"
    plan_of(b, a)
    with refused(SettingsError, "b.yaml", "a/sgd", "shapes_folds.fold1", "shapes_folds.fold2"):
        plan_of(b.replace("fold1", "fold2"), a)


def test_a_setting_acts_if_it_does_with_any_winner() -> None:
    """`momentum` acts with SGD only, and the first candidate is AdamW."""
    a = A.replace("runs: {sgd:", "runs: {first: {optimizer: AdamW, lr0: 1e-3}, sgd:")
    plan_of(B + "sweep: {momentum: [0.7, 0.8]}\n", a)


REFUSED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "an unknown experiment": ("base: {from: aa}", A, ("base", "`from`", "`aa`")),
    "an unknown run": ("base: {from: a/adan}", A, ("base", "a/adan", "did you mean `adam`")),
    "an unknown study": ("runs: {x: {from: a/tpe-seed1}}", A + SEARCH, ("`runs.x`", "tpe-seed0")),
    "a metric of another task": ("base: {from: a, best: accuracy}", A, ("`accuracy`", "recall")),
    "a number for no study": ("base: {from: a, best: 3}", A, ("a trial",)),
    "a number beyond the budget": (
        *("base: {from: a/tpe-seed0, best: 5}", A + SEARCH),
        ("5 trials, 0 to 4",),
    ),
    "best of a single run": ("base: {from: a/sgd, best: AP}", A, ("a/sgd", "leave `best` out")),
    "several data sets": (
        *("base: {from: a}", A.replace("adam: {", "adam: {dataset: bccd, ")),
        ("bccd, shapes", "name a run"),
    ),
    "a circle": ("base: {from: a}", A.replace("imgsz: 96", "from: b"), ("b → a → b",)),
    "first trials of a run": (
        *(SEARCH.replace("trials: 5", "trials: 5, from: a/sgd"), A + SEARCH),
        ("search: `from` is a/sgd", "a study", "a/tpe-seed0"),
    ),
    "first trials of its own": (
        *(SEARCH.replace("trials: 5", "trials: 5, from: b/tpe-seed0"), A),
        ("search: `from`", "another experiment"),
    ),
    "no text": ("base: {from: 3}", A, ("`from` is 3", "<experiment>")),
    "a key that the winner's backend lacks": (
        *("base: {from: a, box: 3.0}", A.replace("adam: {", "adam: {backend: retinanet, ")),
        ("`box`", "no such key"),
    ),
    "weights of a study": (
        *("base: {pretrained: {from: a/tpe-seed0}}", A + SEARCH),
        ("`pretrained`", "no weights", "name a run"),
    ),
    "weights of another backend": (
        *("base: {pretrained: {from: a}}", A.replace("adam: {", "adam: {backend: retinanet, ")),
        ("`pretrained`", "retinanet", "ultralytics"),
    ),
    "weights by their path": (
        *("base: {pretrained: results/a/runs/sgd-s0/weights.pt}", A),
        ("results/a/runs", "`pretrained: {from: "),
    ),
    "a wrong key of weights": ("base: {pretrained: {form: a}}", A, ("`form`", "`from`")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_reference_is_refused_before_anything_runs(name: str) -> None:
    b, a, facts = REFUSED[name]
    with refused(SettingsError, ".yaml: ", *facts):
        plan_of(f"title: t\n{b}\n", a)


def test_a_name_is_trained_or_made_elsewhere() -> None:
    theirs = "runs: {sgd: {predictions: {0: {test: theirs/test.json}}}, x: {from: a}}\n"
    with refused(SettingsError, "b.yaml", "sgd-s0", "a.yaml", "rename one"):
        plan_of("title: t\n" + theirs)


def test_the_trials_of_another_study_come_first() -> None:
    plan = plan_of(
        "title: t\n" + SEARCH.replace("trials: 5", "trials: 5, from: a/tpe-seed0"), A + SEARCH
    )
    assert plan.chosen.studies["tpe-seed0"].first == ("a", "tpe-seed0", None)
    jobs = [(job.stage, job.name) for job in jobs_of(plan) if job.experiment == "a"]
    assert jobs[-1] == ("search", "tpe-seed0")
    assert not plan.awaits("search", "tpe-seed0", "b")


def test_elsewhere_has_no_settings() -> None:
    theirs = "runs: {theirs: {predictions: {0: {test: theirs/test.json}}}}\n"
    with refused(SettingsError, "a.yaml trains no run"):
        plan_of(B, "title: t\n" + theirs)
    with refused(SettingsError, "a/theirs", "made elsewhere"):
        plan_of(B.replace("from: a", "from: a/theirs"), "title: t\n" + theirs)


JOBS = {
    "a single run": ("a/sgd", {"train sgd-s0", "train sgd-s1", "choose sgd"}),
    "a study": ("a/tpe-seed0", {"search tpe-seed0", "choose tpe-seed0"}),
    "the best": (
        "a",
        {
            *(f"{stage} {run}-s{seed}" for stage in ("train", "predict", "validate")
              for run in ("sgd", "adam") for seed in (0, 1)),
            "choose @best",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", JOBS)
def test_of_another_experiment_only_that_is_demanded_on_which_the_choice_rests(name: str) -> None:
    """The report would miss records of jobs that nobody asked for."""
    reference, expected = JOBS[name]
    plan = plan_of(B.replace("from: a", f"from: {reference}"), A + SEARCH)
    jobs = [job for job in jobs_of(plan) if job.experiment == "a" and "data/" not in job.made]
    assert {f"{job.stage} {job.name}" for job in jobs} == expected
    assert len({job.made for job in jobs_of(plan)} & {job.made for job in jobs}) == len(jobs)
