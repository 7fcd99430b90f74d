"""verify: whether all that is published is what was made, from raw data to the report."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from fairtrial import DataError
from fairtrial.commands._recomputed import Recomputed, recomputed
from fairtrial.data import dataset, seen_images
from fairtrial.files import checksums
from fairtrial.files.text import counted
from fairtrial.lineage import guard
from fairtrial.lineage.guard import Problem
from fairtrial.planning.finished import expected_jobs, jobs_of, unseen_changes
from fairtrial.planning.job_names import JobName
from fairtrial.planning.plan import Plan

Mends = dict[str, list[Problem]]  # by the command that mends them


def verify(*experiment: str) -> None:
    """Check everything that is published of an experiment, and change nothing.

    Each file of data/ and results/ is compared with the SHA-256 that its job recorded, from raw
    files and images to weights, predictions and figures, and each record with the plan. If all of
    that holds, metrics, tables and verdicts are computed anew from the stored predictions, and the
    PDF is set anew where the installed typst is that which made it; the bytes must be equal. What
    does not hold is named with the command that mends it.

    Args:
        experiment: the experiment; by default the one that params.yaml names
    """
    plan = Plan.read_one(experiment)
    name = plan.chosen.name
    mends = _not_as_recorded(plan)
    if mends:
        raise DataError(_message(name, mends))
    again = recomputed(plan)
    if again.problems:
        raise DataError(_message(name, _by_forced_rule(again.problems)))
    print(_all_holds(plan, again))


def _not_as_recorded(plan: Plan) -> Mends:
    """What is not the bytes that its job wrote, or not what the plan wants."""
    expected, jobs = expected_jobs(plan), {job.made: job for job in jobs_of(plan)}
    problems = set(guard.problems_of(expected, weights_too=True))
    records, _ = guard.read_records(expected)
    for path, record in records.items():
        problems |= set(guard.contradictions(path, record, jobs[path].outputs))
    unseen = set(unseen_changes(plan, expected))
    mends: Mends = {}
    for problem in sorted(problems):
        command = _mend(problem, jobs[problem.made], unseen, plan.chosen.name)
        mends.setdefault(command, []).append(problem)
    for job in () if problems else jobs.values():
        for file, found in _data_of(job):
            mends.setdefault(f"snakemake --forcerun {file}", []).extend(found)
    return mends


def _mend(problem: Problem, job: JobName, unseen: Collection[Problem], experiment: str) -> str:
    """The command that mends a file: Snakemake makes what was never made, or what it knows to be
    of another plan; the rest has to be removed first."""
    is_absent = not any(Path(name).exists() for name in (*job.outputs, job.made))
    is_seen = problem.why.startswith(guard.OTHER_PLAN) and problem not in unseen
    return "snakemake" if is_absent or is_seen else f"fairtrial repair {experiment}"


def _data_of(job: JobName) -> Iterator[tuple[str, list[Problem]]]:
    """The raw files and images that a job of a source has made and that were changed since; with
    the file by which Snakemake makes them again."""
    changed: list[str] = []
    if job.stage == "download":
        folder, file = Path("data/raw", job.name), job.files["manifest"]
        expected = checksums.read_manifest(Path(file))
        changed = checksums.changed(folder, expected, expected)
    elif job.stage == "convert":
        folder, file = Path("data/clean", job.name, "images"), job.files["annotations"]
        changed = seen_images.changed(folder, dataset.read(Path(file)).images)
    if changed:
        why = "is not the file that was recorded"
        yield file, [Problem((folder / name).as_posix(), why, job.made) for name in changed]


def _by_forced_rule(problems: list[Problem]) -> Mends:
    return {f"snakemake --forcerun {problem.file}": [problem] for problem in problems}


def _message(experiment: str, mends: Mends) -> str:
    parts = [f"{guard.listed(found)}\n  mended by `{command}`" for command, found in mends.items()]
    return "\n".join([f"{experiment}: not everything holds:", *parts])


def _all_holds(plan: Plan, again: Recomputed) -> str:
    records, _ = guard.read_records(expected_jobs(plan))
    files = sum(len(record.outputs) for record in records.values())
    text = (
        f"{plan.chosen.name}: all holds: {counted(files, 'file')} as recorded, from raw data to "
        f"report; {counted(len(again.same), 'file')} computed anew with the same bytes"
    )
    return text + "".join(f"; {note}" for note in again.notes)
