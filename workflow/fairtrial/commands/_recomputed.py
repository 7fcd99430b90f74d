"""Scores, studies, tables, verdicts and the PDF, computed anew from what is stored."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from fairtrial import StoreError
from fairtrial.lineage.guard import Problem
from fairtrial.lineage.made import read_made, versions_for
from fairtrial.planning.finished import jobs_of
from fairtrial.planning.job_names import JobName
from fairtrial.planning.plan import Plan
from fairtrial.settings.stages import ReportSettings, ValidateSettings
from fairtrial.settings.study import StudyStageSettings
from fairtrial.stages.report import report
from fairtrial.stages.study import study
from fairtrial.stages.validate import validate

OF_PDF = {"typst", "matplotlib"}  # which set it, and whose fonts it has; of no other file


@dataclass
class Recomputed:
    """What was computed anew: files with the same bytes, those with others, and what could not be
    compared since other versions of packages made it."""

    same: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def recomputed(plan: Plan) -> Recomputed:
    """Compute the scores of every run and the tables of every study anew, and the report."""
    again = Recomputed()
    for job in jobs_of(plan):
        if compute := COMPUTED.get(job.stage):
            with tempfile.TemporaryDirectory(prefix="fairtrial-") as folder:
                files = {flag: Path(folder, Path(path).name) for flag, path in job.files.items()}
                try:
                    compute(plan, job, files)
                except StoreError as error:  # gc, or another machine: results outlive the store
                    again.notes.append(f"{job.stage} of {job.name} was not done again: {error}")
                else:
                    _compare(job, files, again)
    again.notes = list(dict.fromkeys(again.notes))
    return again


def compute_validate(plan: Plan, job: JobName, files: dict[str, Path]) -> None:
    """Write the scores of a run into `files`, by flag."""
    settings = plan.settings(job.stage, job.name, job.experiment)
    data = Path("data/sets", plan.experiments[job.experiment].runs[job.name].dataset)
    predictions = Path("results", job.experiment, "runs", job.name, "predictions")
    with contextlib.redirect_stdout(io.StringIO()):
        validate(
            settings=TypeAdapter[ValidateSettings](ValidateSettings).validate_json(settings),
            annotations=data / "annotations.json",
            split=data / "split.json",
            val=predictions / "val.json",
            test=predictions / "test.json",
            **files,
        )


def compute_report(plan: Plan, job: JobName, files: dict[str, Path]) -> None:
    """Write the report and its tables into `files`, by flag."""
    settings = plan.settings(job.stage, job.name, job.experiment)
    results = Path("results", job.experiment)
    with contextlib.redirect_stdout(io.StringIO()):
        report(
            settings=ReportSettings.model_validate_json(settings),
            results=results,
            data=Path("data"),
            figures=results / "figures.json",
            pictures=results / "pictures.json",
            **files,
        )


def compute_study(plan: Plan, job: JobName, files: dict[str, Path]) -> None:
    """Write the tables of a study, from its trials in the store, into `files`, by flag."""
    settings = plan.settings(job.stage, job.name, job.experiment)
    workers = Path("results", job.experiment, "search", job.name, "workers").glob("*.json")
    study(
        settings=StudyStageSettings.model_validate_json(settings), workers=sorted(workers), **files
    )


COMPUTED = {"validate": compute_validate, "study": compute_study, "report": compute_report}


def _compare(job: JobName, files: dict[str, Path], again: Recomputed) -> None:
    """Sort the outputs of a job into the same and the others."""
    recorded, present = read_made(Path(job.made)).versions, versions_for(job.stage)
    other = {name for name in present if recorded.get(name) != present[name]}
    for flag, path in job.files.items():
        relevant = other if flag == "pdf" else other - OF_PDF
        if files[flag].read_bytes() == Path(path).read_bytes():
            again.same.append(path)
        elif relevant:
            again.notes.append(_not_compared(job, flag, relevant, recorded))
        else:
            source = "trials in the store" if job.stage == "study" else "stored predictions"
            why = f"does not follow from the {source}"
            again.problems.append(Problem(path, why, job.made))


def _not_compared(job: JobName, flag: str, other: Iterable[str], recorded: dict[str, str]) -> str:
    packages = ", ".join(f"{name} {recorded.get(name, 'unknown')}" for name in sorted(other))
    what = "the PDF" if flag == "pdf" else f"what {job.stage} writes"
    return f"{what} was not compared: it was made with {packages}"
