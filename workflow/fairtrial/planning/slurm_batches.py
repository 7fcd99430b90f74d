"""The scores of many runs in few SLURM jobs: a thousand jobs of seconds are a burden for a cluster.

Snakemake's groups fail as a whole, so that one broken prediction would cost the scores of others.
Here Snakemake keeps a job for each run, with its own success and retries, and only the submission
is shared: a SLURM job runs several commands one after the other, and leaves the exit status of each
in a file. With up to MOST runs to be scored, each is submitted by itself as soon as it can be; with
more, as many wait for each other as make MOST SLURM jobs of them, unless nothing else goes on.
"""

from __future__ import annotations

import shutil
import sys
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from shlex import quote
from typing import Any

from fairtrial.planning.slurm_outages import PLUGIN

SHARED = "validate"  # the rule whose jobs are submitted together
MOST = 50  # SLURM jobs of this rule, about
FOLDER = Path(".snakemake/fairtrial/batches")
KEPT = 30 * 24 * 3600  # seconds; no job waits longer in a queue
KEY = "batch"  # in what the executor remembers of a submitted job: the file with its exit status


def share_submissions() -> None:
    """Mend the SLURM plugin of this Snakemake, where it has one."""
    plugin = sys.modules.get(PLUGIN)
    if plugin is not None and not hasattr(plugin, "shares_submissions"):
        from snakemake.scheduling.job_scheduler import JobScheduler

        plugin.shares_submissions = True  # type: ignore[attr-defined]
        submit_together(plugin.Executor, JobScheduler)


def submit_together(executor: Any, scheduler: Any) -> None:
    """Let a class of executors submit ready jobs of SHARED in batches, and a class of schedulers
    hold them back until there are enough."""
    _hold_back(scheduler, executor)
    _submit_batches(executor)
    _see_ends(executor)


def batch_size(dag: Any) -> int:
    """How many jobs of SHARED make a batch in this workflow."""
    number = len([job for job in dag.needrun_jobs() if job.rule.name == SHARED])
    return max(1, -(-number // MOST))


def enough(few: list[Any], others: list[Any], size: int) -> list[Any]:
    """Those of `few` ready jobs that are submitted now: full batches, and jobs that are tried
    again; all of them where no other job is ready or running that could make more ready."""
    if not others:
        return few
    again = [job for job in few if job.attempt > 1]
    first = sorted((job for job in few if job.attempt == 1), key=lambda job: job.jobid)
    return again + first[: len(first) // size * size]


def batches(jobs: list[Any], size: int) -> list[list[Any]]:
    """Jobs that are submitted together; those of one batch have the same number of attempts, and
    so the same resources."""
    by_attempt: dict[int, list[Any]] = {}
    for job in jobs:
        by_attempt.setdefault(job.attempt, []).append(job)
    return [
        equal[start : start + size]
        for equal in by_attempt.values()
        for start in range(0, len(equal), size)
    ]


def _is_shared(job: Any) -> bool:
    return not job.is_group() and job.rule.name == SHARED


def _hold_back(scheduler: Any, executor: Any) -> None:
    ready = scheduler.open_jobs.fget

    def open_jobs(self: Any) -> list[Any]:
        jobs: list[Any] = ready(self)
        if not isinstance(self._executor, executor):
            return jobs
        # None of the places that `jobs:` has: a batch waits for no training's.
        self.workflow.get_rule(SHARED).resources["_nodes"] = 0
        few = [job for job in jobs if _is_shared(job)]
        others = [job for job in (*jobs, *self.running) if not _is_shared(job)]
        now = enough(few, others, batch_size(self.workflow.dag))
        return [job for job in jobs if not _is_shared(job)] + now

    scheduler.open_jobs = property(open_jobs)


def _submit_batches(executor: Any) -> None:
    submit_all, command = executor.run_jobs, executor.format_job_exec
    submitted, failed = (
        executor._report_job_submission_threadsafe,
        executor._report_job_error_threadsafe,
    )
    members: dict[int, list[Any]] = {}  # of a batch, by the identity of its first job
    scripts: dict[int, Path] = {}

    def run_jobs(self: Any, jobs: list[Any]) -> None:
        size = batch_size(self.workflow.dag)
        together = [b for b in batches([j for j in jobs if _is_shared(j)], size) if len(b) > 1]
        batched = {id(job) for batch in together for job in batch}
        submit_all(self, [job for job in jobs if id(job) not in batched])
        for batch in together:
            for job in batch:
                self.run_job_pre(job)
            members[id(batch[0])] = batch
            self._job_submission_executor.submit(self.run_job, batch[0])

    def format_job_exec(self: Any, job: Any) -> str:
        if id(job) not in members:
            return str(command(self, job))
        script = FOLDER.resolve() / uuid.uuid4().hex / "batch.sh"
        scripts[id(job)] = script
        write_script(script, [command(self, member) for member in members[id(job)]])
        return f"sh {quote(str(script))}"

    def report_submission(self: Any, info: Any) -> None:
        batch = members.pop(id(info.job), None)
        if batch is None:
            submitted(self, info)
            return
        script = scripts.pop(id(info.job))
        for number, member in enumerate(batch):
            aux = {**info.aux, KEY: script.with_name(str(number))}
            submitted(self, type(info)(member, info.external_jobid, aux))

    def report_error(self: Any, info: Any, msg: str) -> None:
        scripts.pop(id(info.job), None)
        for member in members.pop(id(info.job), [info.job]):
            failed(self, type(info)(member, info.external_jobid, info.aux), msg)

    executor.run_jobs, executor.format_job_exec = run_jobs, format_job_exec
    executor._report_job_submission_threadsafe = report_submission
    executor._report_job_error_threadsafe = report_error


def write_script(script: Path, commands: list[str]) -> None:
    """A script that runs commands one after the other, and leaves the exit status of each in a file
    beside it, named after its number."""
    script.parent.mkdir(parents=True, exist_ok=True)
    _remove_old(script.parents[1])
    lines = []
    for number, command in enumerate(commands):
        mark, part = (quote(str(script.with_name(name))) for name in (f"{number}", f".{number}"))
        lines.append(f"( {command} )\necho $? > {part} && mv {part} {mark}")
    script.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _remove_old(folder: Path) -> None:
    for batch in folder.iterdir():
        if batch.stat().st_mtime < time.time() - KEPT:
            shutil.rmtree(batch, ignore_errors=True)


def _see_ends(executor: Any) -> None:
    look, success, error = (
        executor.check_active_jobs,
        executor.report_job_success,
        executor.report_job_error,
    )

    def report_success(self: Any, info: Any) -> None:
        """Of a batch, SLURM tells only that all of it has ended."""
        status = _status(info)
        if status:
            error(self, info, msg=f"Exit status {status}. ")
        else:
            success(self, info)

    def report_error(self: Any, info: Any, msg: str | None = None, **more: Any) -> None:
        if _status(info) == 0:
            success(self, info)
        else:
            error(self, info, msg=msg, **more)

    async def look_at_batches(self: Any, infos: list[Any]) -> AsyncIterator[Any]:
        unknown = []
        for info in infos:
            if _status(info) is None:
                unknown.append(info)
            else:
                self.report_job_success(info)
        async for info in look(self, unknown):
            yield info

    executor.report_job_success, executor.report_job_error = report_success, report_error
    executor.check_active_jobs = look_at_batches


def _status(info: Any) -> int | None:
    """The exit status of a job of a batch; None of another job, and of one that has not ended."""
    mark = (info.aux or {}).get(KEY)
    try:
        return int(mark.read_text()) if mark else None
    except (OSError, ValueError):
        return None
