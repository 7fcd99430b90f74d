"""repair: remove damaged results, so that Snakemake makes them again from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from fairtrial import StoreError
from fairtrial.files.text import counted
from fairtrial.lineage import guard
from fairtrial.lineage.guard import Problem
from fairtrial.planning.finished import expected_jobs, jobs_of, unseen_changes
from fairtrial.planning.job_names import JobName
from fairtrial.planning.plan import Plan
from fairtrial.planning.store_copies import has_search, has_training


def repair(*experiment: str, train: bool = False) -> None:
    """Remove what is damaged in results, and say how Snakemake makes it again.

    Damaged are files that are not the bytes that their job wrote, that have no record of how they
    were made, or that were made with other settings or code than now while Snakemake would take
    them for current. Missing files are named too. Trainings are copied from the store; where the
    store lacks one, nothing is removed.

    Args:
        experiment: the experiment; by default the one that params.yaml names
        train: remove also what only a new training can make again
    """
    plan = Plan.read_one(experiment)
    jobs = {job.made: job for job in jobs_of(plan)}
    problems = damage(plan)
    if not problems:
        print(f"{plan.chosen.name}: nothing is damaged")
        return
    for problem in problems:
        print(f"{problem.file}: {problem.why}")
    lost = _lost(problems, jobs)
    if lost and not train:
        raise StoreError(_not_in_store(lost))
    removed = _remove(problems, jobs)
    option = "" if not experiment else f" --config experiment={plan.chosen.name}"
    print(f"removed {counted(removed, 'file')}; `snakemake{option}` makes all of it again")


def damage(plan: Plan) -> list[Problem]:
    """The files of a plan's finished jobs that are damaged, foreign or missing, sorted."""
    expected = expected_jobs(plan)
    finished = [job for job in jobs_of(plan) if any(Path(name).exists() for name in job.outputs)]
    records, problems = guard.read_records(job.made for job in finished)
    problems += unseen_changes(plan, expected)
    problems += guard.foreign_inputs(records) + guard.changed_files(records, weights_too=True)
    for job in finished:
        if record := records.get(job.made):
            problems += guard.contradictions(job.made, record, job.outputs)
    return sorted(set(problems))


def _lost(problems: Iterable[Problem], jobs: Mapping[str, JobName]) -> list[str]:
    """The runs and studies whose files only a training could make again."""
    damaged = {problem.made for problem in problems}
    lost = []
    for made in sorted(damaged):
        job = jobs[made]
        is_there = {"train": has_training, "search": has_search}.get(job.stage)
        if is_there and not is_there(job):
            lost.append(job.name)
    return lost


def _not_in_store(names: list[str]) -> str:
    return (
        f"the store has no training of {', '.join(names)} from which these files could be copied, "
        "so nothing was removed. `dvc checkout --force` brings back what DVC has recorded; "
        "`--train` removes the files, and the next `snakemake` trains again"
    )


def _remove(problems: Iterable[Problem], jobs: Mapping[str, JobName]) -> int:
    """Remove the damaged files: all of a job whose record is wrong, or that writes a folder, which
    Snakemake knows as a whole. Returns how many there were."""
    names = set()
    for problem in problems:
        job = jobs[problem.made]
        names.add(problem.file)
        if problem.file not in job.outputs:
            names |= {*job.outputs, job.made}
    present = [Path(name) for name in sorted(names) if Path(name).is_file()]
    for path in present:
        path.unlink()
    return len(present)
