"""A plan of several experiments."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fairtrial.planning.plan import Plan

PROJECT = Path(__file__).parents[2]
EXPERIMENT = "title: {name}\nbase: {{epochs: {epochs}, dataset: {dataset}}}\nseeds: [0]\n"


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Two experiments, each with a run called base-s0, on two views of one source."""
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, epochs, dataset in (("one", 3, "shapes"), ("two", 4, "other")):
        text = EXPERIMENT.format(name=name, epochs=epochs, dataset=dataset)
        Path(f"config/experiments/{name}.yaml").write_text(text)
    Path("config/datasets/other.yaml").write_text("source: shapes\nsplit: {method: random}\n")
    return Plan.read("one", "two")


def test_each_experiment_has_its_own_runs(plan: Plan) -> None:
    assert plan.chosen is plan.experiments["one"]
    assert [list(each.runs) for each in plan.experiments.values()] == [["base-s0"], ["base-s0"]]
    trainings = [json.loads(plan.settings("train", "base-s0", name)) for name in ("one", "two")]
    assert [training["settings"]["epochs"] for training in trainings] == [3, 4]
    report = json.loads(plan.settings("report", experiment="two"))
    assert (report["experiment"], report["title"], report["runs"]) == ("two", "two", ["base-s0"])


def test_data_belong_to_all_experiments(plan: Plan) -> None:
    assert (list(plan.datasets), list(plan.sources)) == (["shapes", "other"], ["shapes"])
    assert json.loads(plan.settings("split", "other"))["split"]["method"] == "random"
    assert json.loads(plan.settings("download", "shapes"))["kind"] == "shapes"


def test_an_experiment_that_is_named_twice_is_one(plan: Plan) -> None:
    assert list(Plan.read("two", "two").experiments) == ["two"]


def test_what_is_the_same_for_every_run_is_no_function_of_it(plan: Plan) -> None:
    one = Plan.read("one")
    assert one.same_of_runs(lambda e, run: e.images(run)) == "data/clean/shapes/images"
    assert one.same_of_runs(lambda e, run: e.own_checkpoint(run)) == [], "not None"
    assert plan.same_of_runs(lambda e, run: e.images(run)) == "data/clean/shapes/images"
    assert plan.same_of_runs(lambda e, run: e.runs[run].dataset) is None, "shapes and other"
    assert one.same_of_runs(lambda e, run: [f"raw/{{{run}}}.pt"]) is None, "no wildcard of a rule"


def test_what_a_run_begins_with_is_asked_again_where_it_is_chosen(plan: Plan) -> None:
    """It may be the same for all runs today, and another when the choice is made."""
    text = "title: next\nbase: {epochs: 2, from: one}\n"
    Path("config/experiments/next.yaml").write_text(text)
    following = Plan.read("next")
    assert not plan.begins_with_choices
    assert following.begins_with_choices
    assert following.same_of_runs(lambda e, run: e.images(run)) is None


TRUST = "kind: local\npath: own\ncheckpoints: {a.pt: {sha256: %s, trust: true}}\n"


@pytest.mark.parametrize("epochs", [0, 3])
def test_only_jobs_that_open_a_trusted_checkpoint_are_told_so(epochs: int, plan: Plan) -> None:
    """Elsewhere the key is absent, so that no job's settings changed when it came."""
    sha256 = "ab" * 32
    Path("config/sources/own.yaml").write_text(TRUST % sha256)
    runs = "runs:\n  plain: {pretrained: own/b.pt}\n  trusted: {pretrained: own/a.pt}\n"
    text = EXPERIMENT.format(name="three", epochs=epochs, dataset="shapes")
    Path("config/experiments/three.yaml").write_text(text + runs)
    three = Plan.read("three")
    told = {
        (stage, run): json.loads(three.settings(stage, f"{run}-s0")).get("trusted")
        for stage in ("train", "predict")
        for run in ("plain", "trusted")
    }
    assert told == {
        ("train", "plain"): None,
        ("train", "trusted"): sha256,
        ("predict", "plain"): None,
        ("predict", "trusted"): True if epochs == 0 else None,
    }
    assert "trusted" not in three.settings("train", "plain-s0")
