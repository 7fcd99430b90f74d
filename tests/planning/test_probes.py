"""Which probes and first batches an experiment needs, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairtrial import SettingsError
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.jobs import STAGES
from fairtrial.planning.plan import Plan
from fairtrial.planning.probes import refuse_gallery_without_train
from tests.facts import refused

ROOT = Path(__file__).parents[2]


@pytest.fixture
def quickstart(monkeypatch: pytest.MonkeyPatch) -> PlannedExperiment:
    monkeypatch.chdir(ROOT)
    return Plan.read("quickstart").chosen


def changed(experiment: PlannedExperiment, section: str, **values: Any) -> PlannedExperiment:
    params = experiment.params | {section: experiment.params[section] | values}
    return replace(experiment, params=params)


def test_as_shipped_there_are_none(quickstart: PlannedExperiment) -> None:
    assert quickstart.probes == []
    assert quickstart.batches == []


def test_a_run_is_not_predicted_again_at_its_own_size(quickstart: PlannedExperiment) -> None:
    sizes = {name: run.settings["imgsz"] for name, run in quickstart.runs.items()}
    own = sorted(set(sizes.values()))
    probes = changed(quickstart, "predict", sizes=(own[0], 320)).probes
    expected = {f"{name}@320" for name in sizes}
    expected |= {f"{name}@{own[0]}" for name, size in sizes.items() if size != own[0]}
    assert {str(probe) for probe in probes} == expected
    assert len(probes) == len(expected)


def test_train_is_predicted_by_every_run(quickstart: PlannedExperiment) -> None:
    experiment = changed(quickstart, "predict", splits=("train", "val", "test"))
    assert [str(probe) for probe in experiment.probes] == [f"{n}@train" for n in experiment.runs]
    settings = STAGES["probe"](experiment, str(experiment.probes[0])).settings
    assert settings.model_dump()["predict"]["imgsz"] in {96, 160}


def test_a_size_that_the_backend_cannot_have_is_refused(quickstart: PlannedExperiment) -> None:
    experiment = changed(quickstart, "predict", sizes=(100,))
    run = next(iter(experiment.runs))
    with refused(SettingsError, "params.yaml: `predict.sizes`", run, "32"):
        STAGES["probe"](experiment, f"{run}@100")


def test_first_batches_are_those_of_the_first_seeds(quickstart: PlannedExperiment) -> None:
    batches = changed(quickstart, "plot", first_batch=True).batches
    configurations = {run.run_name.configuration for run in quickstart.runs.values()}
    assert len(batches) == len(configurations)
    assert {quickstart.runs[name].settings["seed"] for name in batches} == {0}


def test_a_gallery_of_train_needs_predictions_on_train(quickstart: PlannedExperiment) -> None:
    experiment = changed(quickstart, "plot", gallery_splits=("test", "train"))
    with refused(SettingsError, "`plot.gallery_splits`", "`predict.splits`"):
        refuse_gallery_without_train(experiment.params)
    refuse_gallery_without_train(
        changed(experiment, "predict", splits=("train", "val", "test")).params
    )
