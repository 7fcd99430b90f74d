"""What earlier calls have finished, against the plan: told before any job runs.

Snakemake compares a plan with its own records, `.snakemake/metadata`. Where these are lost or were
made to agree (`--touch`), it takes what is there for the plan's. The records that jobs leave beside
their outputs still know. Nothing large is read here.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from fairtrial import DataError
from fairtrial.lineage import guard
from fairtrial.lineage.expected import ExpectedJob, write_expected
from fairtrial.lineage.guard import Problem
from fairtrial.lineage.made import settings_sha256
from fairtrial.planning.housekeeping import settings_argument
from fairtrial.planning.job_names import JobName, jobs_of_choice, jobs_of_experiment
from fairtrial.planning.plan import Plan
from fairtrial.settings.choice import Reference

METADATA = Path(".snakemake/metadata")  # Snakemake's records of finished outputs
INCOMPLETE = Path(".snakemake/incomplete")  # and its marks of unfinished ones, which it makes again


def jobs_of(plan: Plan) -> Iterator[JobName]:
    """All jobs of the experiments of a plan, and those of others on which a choice rests."""
    for name in plan.named:
        yield from jobs_of_experiment(plan.experiments[name])
    first = [r for r in plan.first_studies if r.experiment not in plan.named]
    of_first = (job for r in first for job in jobs_of_choice(plan.experiments[r.experiment], r))
    referred = (job for r in plan.references for job in _referred(plan, r))
    yield from dict.fromkeys(chain(of_first, referred))


def _referred(plan: Plan, reference: Reference) -> Iterator[JobName]:
    """The job that chooses, and those from whose results it does."""
    other = plan.experiments[reference.experiment]
    if other.name not in plan.named:
        yield from jobs_of_choice(other, reference)
    yield JobName("choose", reference.choice, other.name)


def expected_jobs(plan: Plan) -> dict[str, ExpectedJob]:
    """Settings and code of every job of a plan, by the path of its record; without the jobs whose
    settings are not known before something is chosen."""
    return {
        job.made: ExpectedJob(
            settings_sha256=settings_sha256(plan.settings(job.stage, job.name, job.experiment)),
            code=plan.code(job.stage, job.name, job.experiment),
        )
        for job in jobs_of(plan)
        if not plan.awaits(job.stage, job.name, job.experiment)
    }


class ExpectedFile:
    """The file that tells jobs what the driver has planned. It is written again whenever something
    is chosen on which settings depend."""

    def __init__(self, plan: Plan) -> None:
        self.jobs = expected_jobs(plan)
        self._plan, self._seen = plan, plan.all_choices()
        self.path = write_expected(self.jobs)

    def renew(self) -> None:
        """Write it again where something else is chosen than before."""
        chosen = self._plan.all_choices()
        if chosen != self._seen:
            self._seen, self.jobs = chosen, expected_jobs(self._plan)
            write_expected(self.jobs, self.path)


def missing_files(plan: Plan) -> list[str]:
    """Files of jobs that are gone although the report is there, so that Snakemake would not miss
    them."""
    named = [name for name in plan.named if Path(f"results/{name}/report.pdf").exists()]
    reported = {*named, *(plan.experiments.keys() - set(plan.named) if named else ())}
    return [
        name
        for job in jobs_of(plan)
        if job.experiment in reported
        for name in job.outputs
        if not Path(name).exists()
    ]


def refuse_unseen_changes(plan: Plan, jobs: dict[str, ExpectedJob]) -> None:
    """Raise DataError where results were made with other settings or code than the plan's, and
    Snakemake does not see it."""
    if problems := unseen_changes(plan, jobs):
        raise DataError(guard.message(problems, plan.chosen.name))


def unseen_changes(plan: Plan, jobs: dict[str, ExpectedJob]) -> list[Problem]:
    """The files that were made with other settings or code than the plan's, or that have no record
    of how they were made, and that Snakemake takes for the plan's."""
    problems = []
    for job in (job for job in jobs_of(plan) if job.made in jobs):
        records, wrong = guard.read_records([job.made])
        outputs = job.outputs
        for record in records.values():
            wrong, outputs = guard.unplanned(job.made, record, jobs[job.made]), [*record.outputs]
        if not wrong or not all(Path(name).exists() for name in outputs):
            continue
        is_known = bool(records) or any(_recorded_params(name) is not None for name in outputs)
        if is_known and not _is_seen(plan, job, outputs):  # else plot says so
            problems += wrong
    return problems


def _is_seen(plan: Plan, job: JobName, outputs: list[str]) -> bool:
    """Whether Snakemake will make these files again: by its records one is unfinished, or has other
    settings or code than the plan."""
    if any(snakemakes_file(INCOMPLETE, name).exists() for name in outputs):
        return True
    planned = {
        repr(settings_argument(plan.settings(job.stage, job.name, job.experiment))),
        repr(plan.code(job.stage, job.name, job.experiment)),
    }
    recorded = (_recorded_params(name) for name in outputs)
    return any(params is not None and not planned <= params for params in recorded)


def _recorded_params(output: str) -> set[str] | None:
    """The parameters in Snakemake's record of a file; None where it has none that can be read."""
    try:
        text = snakemakes_file(METADATA, output).read_text(encoding="utf-8")
        return set(json.loads(text)["params"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def snakemakes_file(folder: Path, output: str) -> Path:
    """Where Snakemake keeps what it knows of an output."""
    code = urlsafe_b64encode(output.encode()).decode()
    length = (os.pathconf(folder, "PC_NAME_MAX") if folder.exists() else 255) - 1
    parts = [code[i : i + length] for i in range(0, len(code), length)]
    return folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
