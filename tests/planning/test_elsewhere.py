"""Which runs with predictions from elsewhere an experiment may ask for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fairtrial import SettingsError
from fairtrial.planning.config_files import read_params
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.jobs import STAGES
from fairtrial.planning.plan import Plan
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.planning.runs import resolve
from fairtrial.planning.unused_settings import shipped_settings
from fairtrial.settings.experiment import ExperimentSettings
from tests.facts import refused

FILE = "config/experiments/compare.yaml"
FILES = {"val": "theirs/val.json", "test": "theirs/test"}
THEIRS: dict[str, Any] = {"predictions": {0: FILES}, "class_ids": {0: "cell", 1: None}}


def runs(theirs: Any = THEIRS, **experiment: Any) -> dict[str, PlannedRun]:
    """The runs of an experiment with the configuration `theirs`, by name."""
    content = {"seeds": [0, 1], "runs": {"ours": {}, "theirs": theirs}} | experiment
    settings = ExperimentSettings(title="An experiment", **content)
    shipped_settings(read_params(), settings, {}, FILE)
    return resolve(read_params(), settings, FILE)


def test_they_are_runs_beside_trained_ones_for_the_seeds_that_they_have() -> None:
    planned = runs(base={"epochs": 7, "dataset": "cells"})
    assert list(planned) == ["ours-s0", "ours-s1", "theirs-s0"]
    theirs = planned["theirs-s0"]
    assert (theirs.is_elsewhere, theirs.dataset) == (True, "cells")
    assert theirs.prediction_files == ["theirs/val.json", "theirs/test"]
    assert "epochs" not in theirs.settings


def test_replicates_repeat_trainings_alone() -> None:
    assert list(runs(replicate=2, seeds=[0])) == ["ours-s0", "ours-s0r2", "theirs-s0"]


def test_the_stage_gets_the_files_and_the_classes() -> None:
    settings = ExperimentSettings(title="An experiment")
    experiment = PlannedExperiment("compare", read_params(), settings, runs(), {})
    job = STAGES["receive"](experiment, "theirs-s0")
    assert job.settings.model_dump() == {
        "predictions": FILES,
        "class_ids": {0: "cell", 1: None},
    }


@pytest.mark.parametrize(
    ("theirs", "facts"),
    [
        pytest.param(THEIRS | {"lr0": 0.1}, ["`lr0`", "`predictions`"], id="model settings"),
        pytest.param({"predictions": {5: FILES}}, ["5", "0, 1"], id="another seed"),
        pytest.param({"predictions": {0: {}}}, ["`test`", "`val`"], id="neither val nor test"),
        pytest.param(
            {"predictions": {0: {"val": "val.json"}}}, ["<source>/<file>"], id="no source"
        ),
        pytest.param({"predictions": {0: {"val": "a/../b"}}}, ["<source>/<file>"], id="outside"),
        pytest.param({"predictions": {}}, ["predictions"], id="no seed"),
        pytest.param({"predictions": None}, ["predictions"], id="nothing"),
        pytest.param(THEIRS | {"class_ids": {"a": "cell"}}, ["class_ids"], id="class id"),
        pytest.param(
            {"predictions": {0: FILES}, "continues": "ours"}, ["`predictions`"], id="continues"
        ),
        pytest.param(THEIRS | {"dataset": ["a", "b"]}, ["dataset"], id="data sets"),
    ],
)
def test_what_is_no_run_of_them_is_refused(theirs: dict[str, Any], facts: list[str]) -> None:
    with refused(SettingsError, FILE, "theirs", *facts):
        runs(theirs)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({"base": THEIRS}, id="base"),
        pytest.param({"grid": {"who": {"we": {}, "they": THEIRS}}}, id="grid"),
    ],
)
def test_they_stand_in_runs_alone(place: dict[str, Any]) -> None:
    with refused(SettingsError, FILE, "`predictions`", "`runs`"):
        runs({}, **place)


def test_no_run_continues_them() -> None:
    with refused(SettingsError, "runs.longer", "`predictions`"):
        runs(runs={"theirs": THEIRS, "longer": {"continues": "theirs", "epochs": 9}})


@pytest.mark.parametrize(
    ("path", "elsewhere", "trained"),
    [
        pytest.param("results/e/runs/theirs-s0/record.json", True, False, id="theirs"),
        pytest.param("results/e/runs/theirs-s01/record.json", False, True, id="a longer name"),
        pytest.param("results/e/runs/ours-s0/record.json", False, True, id="ours"),
    ],
)
def test_a_rule_knows_its_runs_by_name(path: str, elsewhere: bool, trained: bool) -> None:
    settings = ExperimentSettings(title="An experiment")
    planned = Plan({"e": PlannedExperiment("e", read_params(), settings, runs(), {})}, ("e",))
    for expected, kind in ((elsewhere, True), (trained, False)):
        pattern = f"results/e/runs/(?P<run>{planned.pattern(elsewhere=kind)})/record.json"
        assert bool(re.fullmatch(pattern, path)) is expected
