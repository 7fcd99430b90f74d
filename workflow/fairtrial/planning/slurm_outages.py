"""SLURM's controller away for minutes: Snakemake forgets no job, and submits none in vain.

Snakemake's plugin for SLURM (2.8.0) drops every job whose state it asked for and did not learn, and
then waits for their ends for ever; a job that cannot be submitted counts as one that failed. Both
are mended at the interface that Snakemake has for all executors, without a change of the plugin.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

PLUGIN = "snakemake_executor_plugin_slurm"
AGAIN = 20.0  # seconds until the controller is asked again
PATIENCE = 3600.0  # seconds for which a submission waits; then sbatch says what is wrong


def survive_outages() -> None:
    """Mend the plugin of this Snakemake, where it has one."""
    plugin = sys.modules.get(PLUGIN)
    if plugin is not None and not hasattr(plugin, "survives_outages"):
        plugin.survives_outages = True  # type: ignore[attr-defined]
        forget_no_job(plugin.Executor)
        submit_when_answered(plugin.Executor)


def forget_no_job(executor: Any) -> None:
    """Let a class of executors keep the jobs whose state a look at them did not tell."""
    look, success, error = (
        executor.check_active_jobs,
        executor.report_job_success,
        executor.report_job_error,
    )
    ended: set[int] = set()  # jobs that were reported in the present look

    def noted(report: Callable[..., None]) -> Callable[..., None]:
        def report_and_note(self: Any, job: Any, *values: Any, **named: Any) -> None:
            ended.add(id(job))
            report(self, job, *values, **named)

        return report_and_note

    async def look_and_keep(self: Any, jobs: list[Any]) -> AsyncIterator[Any]:
        ended.clear()
        known: set[int] = set()
        async for job in look(self, jobs):
            known.add(id(job))
            yield job
        kept = [job for job in jobs if id(job) not in known | ended]
        if kept:
            self.next_seconds_between_status_checks = AGAIN
            _tell(f"does not say how its {len(kept)} jobs are; they go on, and it is asked again")
        for job in kept:
            yield job

    executor.report_job_success, executor.report_job_error = noted(success), noted(error)
    executor.check_active_jobs = look_and_keep


def submit_when_answered(executor: Any) -> None:
    """Let a class of executors submit a job once the controller answers."""
    submit, cancel = executor.run_job, executor.cancel_jobs
    cancelled = False

    def wait_and_submit(self: Any, job: Any) -> None:
        end, told = time.monotonic() + PATIENCE, False
        while not answers() and time.monotonic() < end and not cancelled:
            if not told:
                told = True
                _tell("does not answer; a job is submitted when it does")
            time.sleep(AGAIN / 10)
        if not cancelled:
            submit(self, job)

    def note_and_cancel(self: Any, jobs: list[Any]) -> None:
        nonlocal cancelled
        cancelled = True
        cancel(self, jobs)

    executor.run_job, executor.cancel_jobs = wait_and_submit, note_and_cancel


def answers() -> bool:
    """Whether a controller answers; True where it cannot be asked, for then sbatch knows."""
    try:
        done = subprocess.run(["scontrol", "ping"], capture_output=True, timeout=30, check=False)
    except subprocess.TimeoutExpired:
        return False
    except OSError:
        return True
    return done.returncode == 0


def _tell(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} SLURM {what}.", file=sys.stderr, flush=True)
