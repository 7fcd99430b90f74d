"""How `verify` calls the stages that it computes anew. (All that it finds: test_guard.py.)"""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from fairtrial.commands import _recomputed
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.job_names import JobName
from fairtrial.planning.plan import Plan
from fairtrial.stages.report import report
from fairtrial.stages.study import study
from fairtrial.stages.validate import validate

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("stage", ["validate", "study", "report"])
def test_a_stage_gets_each_of_its_flags(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag that a stage gets later must reach it here, too."""
    monkeypatch.chdir(ROOT)
    plan = Plan.read("cifar10_search" if stage == "study" else "quickstart")
    experiment: PlannedExperiment = plan.chosen
    name = {"validate": next(iter(experiment.runs)), "study": next(iter(experiment.studies), "")}
    job = JobName(stage, name.get(stage, ""), experiment.name)
    files = {flag: Path("new", path) for flag, path in job.files.items()}
    given: dict[str, object] = {}
    monkeypatch.setattr(_recomputed, stage, lambda **flags: given.update(flags))
    getattr(_recomputed, f"compute_{stage}")(plan, job, files)
    function = {"validate": validate, "study": study, "report": report}[stage]
    assert given.keys() == inspect.signature(function).parameters.keys()
    read = {name: path for name, path in given.items() if isinstance(path, Path)}
    assert {name for name, path in read.items() if path.parts[0] == "new"} == files.keys()
