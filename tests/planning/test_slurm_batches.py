"""Which jobs wait for each other, and how each of a batch ends; Snakemake's interfaces alone."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairtrial.planning import slurm_batches
from fairtrial.planning.slurm_batches import batch_size, batches, enough, write_script

SHARED = SimpleNamespace(name="validate", resources={})
OTHER = SimpleNamespace(name="train", resources={})


class Job:
    """A job of Snakemake."""

    def __init__(self, jobid: int, rule: SimpleNamespace = SHARED, attempt: int = 1) -> None:
        self.jobid, self.rule, self.attempt = jobid, rule, attempt

    def is_group(self) -> bool:
        return False


def jobs(*attempts: int) -> list[Job]:
    return [Job(number, attempt=attempt) for number, attempt in enumerate(attempts)]


@pytest.mark.parametrize(
    ("number", "size"), [(0, 1), (1, 1), (50, 1), (51, 2), (100, 2), (1000, 20), (1001, 21)]
)
def test_a_thousand_runs_make_fifty_jobs_and_fifty_runs_do_not_wait(number: int, size: int) -> None:
    dag = SimpleNamespace(
        needrun_jobs=lambda: [*jobs(*[1] * number), Job(-1, OTHER), Job(-2, OTHER)]
    )
    assert batch_size(dag) == size


@pytest.mark.parametrize(
    ("attempts", "others", "now"),
    [
        ([1, 1, 1, 1], True, [0, 1, 2]),
        ([1, 1], True, []),
        ([1, 1], False, [0, 1]),
        ([1, 2], True, [1]),
        ([1, 1, 1, 2], True, [3, 0, 1, 2]),
    ],
    ids=["a batch and one", "too few", "nothing else goes on", "tried again", "both"],
)
def test_what_is_submitted_now(attempts: list[int], others: bool, now: list[int]) -> None:
    assert [j.jobid for j in enough(jobs(*attempts), [Job(9, OTHER)] * others, 3)] == now


def test_a_batch_has_jobs_of_one_attempt() -> None:
    found = [[job.jobid for job in batch] for batch in batches(jobs(1, 2, 1, 1, 2), 2)]
    assert found == [[0, 2], [3], [1, 4]]


def test_each_command_leaves_its_own_exit_status(tmp_path: Path) -> None:
    script = tmp_path / "it's a folder" / "id" / "batch.sh"
    write_script(script, ["cd / && false", "exit 7", "test -e id"])
    done = subprocess.run(["sh", script], cwd=script.parents[1], check=False)
    assert done.returncode == 0
    marks = {path.name: path.read_text().strip() for path in script.parent.glob("[0-9]")}
    assert marks == {"0": "1", "1": "7", "2": "0"}


@dataclass(eq=False)
class Info:
    """A submitted job."""

    job: Job
    external_jobid: str | None = None
    aux: dict[str, Any] | None = None


class Executor:
    """SLURM says one thing of all jobs."""

    def __init__(self, answer: str = "", size: int = 1) -> None:
        self.answer = answer
        self.ended: dict[int, str] = {}
        self.submitted: list[tuple[int, str]] = []
        self.commands: list[str] = []
        self.infos: list[Info] = []
        everything = jobs(*[1] * size)
        self.workflow = SimpleNamespace(dag=SimpleNamespace(needrun_jobs=lambda: everything))
        self._job_submission_executor = self

    def submit(self, function: Any, job: Job) -> Future:
        function(job)
        return Future()

    def run_jobs(self, ready: list[Job]) -> None:
        for job in ready:
            self.run_job(job)

    def run_job_pre(self, job: Job) -> None:
        pass

    def run_job(self, job: Job) -> None:
        self.commands.append(self.format_job_exec(job))
        if self.answer == "refused":
            self._report_job_error_threadsafe(Info(job), "no")
        else:
            self._report_job_submission_threadsafe(Info(job, "41", {"slurm_logfile": "log"}))

    def format_job_exec(self, job: Job) -> str:
        return f"run {job.jobid}"

    def _report_job_submission_threadsafe(self, info: Info) -> None:
        self.infos.append(info)

    def _report_job_error_threadsafe(self, info: Info, msg: str) -> None:
        self.ended[info.job.jobid] = msg

    def report_job_success(self, info: Info) -> None:
        self.ended[info.job.jobid] = "done"

    def report_job_error(self, info: Info, msg: str = "", aux_logs: object = None) -> None:
        self.ended[info.job.jobid] = "failed"

    async def check_active_jobs(self, infos: list[Info]) -> AsyncIterator[Info]:
        for info in infos:
            if self.answer == "COMPLETED":
                self.report_job_success(info)
            elif self.answer == "FAILED":
                self.report_job_error(info, msg="FAILED", aux_logs=[])
            else:
                yield info


@pytest.fixture
def executors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Executor]:
    monkeypatch.chdir(tmp_path)
    fresh = type("Fresh", (Executor,), dict(vars(Executor)))
    scheduler = type("Scheduler", (), {"open_jobs": property(lambda self: [])})
    slurm_batches.submit_together(fresh, scheduler)
    return fresh


def test_a_batch_is_one_submission_and_its_jobs_stay_jobs(executors: type[Executor]) -> None:
    slurm = executors(size=150)
    slurm.run_jobs([*jobs(1, 1, 1, 1), Job(9, OTHER)])
    assert [command.split()[0] for command in slurm.commands] == ["run", "run", "sh"]
    assert slurm.commands[:2] == ["run 3", "run 9"]
    script = Path(slurm.commands[2].removeprefix("sh ")).read_text()
    assert [f"( run {number} )" in script for number in range(5)] == [True] * 3 + [False] * 2
    assert sorted(info.job.jobid for info in slurm.infos) == [0, 1, 2, 3, 9]


def test_a_batch_that_cannot_be_submitted_fails_each_of_its_jobs(executors: type[Executor]) -> None:
    slurm = executors("refused", size=150)
    slurm.run_jobs(jobs(1, 1, 1))
    assert slurm.ended == dict.fromkeys(range(3), "no")


@pytest.mark.parametrize(
    ("answer", "marks", "ended"),
    [
        ("", {0: "0", 1: "1"}, {0: "done", 1: "failed"}),
        ("COMPLETED", {0: "0", 1: "1", 2: "0"}, {0: "done", 1: "failed", 2: "done"}),
        ("FAILED", {0: "0"}, {0: "done", 1: "failed", 2: "failed"}),
        ("COMPLETED", {}, {0: "done", 1: "done", 2: "done"}),
    ],
    ids=["runs", "has ended", "ran into its limit", "marks are not seen yet"],
)
def test_each_job_ends_by_its_own_status(
    executors: type[Executor], answer: str, marks: dict[int, str], ended: dict[int, str]
) -> None:
    slurm = executors(answer, size=150)
    slurm.run_jobs(jobs(1, 1, 1))
    for info in slurm.infos:
        if info.job.jobid in marks:
            assert info.aux
            info.aux["batch"].write_text(marks[info.job.jobid])

    async def look() -> list[int]:
        return [info.job.jobid async for info in slurm.check_active_jobs(slurm.infos)]

    active = asyncio.run(look())
    assert slurm.ended == ended
    assert sorted([*active, *ended]) == [0, 1, 2]


def test_jobs_that_wait_take_no_place_and_go_when_nothing_else_does() -> None:
    class Scheduler:
        def __init__(self) -> None:
            self.ready, self.running = jobs(1, 1), {Job(9, OTHER)}

        @property
        def open_jobs(self) -> list[Job]:
            return self.ready

    rule = SimpleNamespace(resources={"_nodes": 1})
    scheduler, executor = Scheduler(), type("Slurm", (Executor,), {})
    slurm_batches.submit_together(executor, Scheduler)
    scheduler._executor = Executor()  # another one: on this machine
    assert scheduler.open_jobs == scheduler.ready
    scheduler._executor = executor(size=150)
    everything = scheduler._executor.workflow.dag
    scheduler.workflow = SimpleNamespace(dag=everything, get_rule=lambda name: rule)
    assert scheduler.open_jobs == []
    assert rule.resources == {"_nodes": 0}
    scheduler.running.clear()
    assert scheduler.open_jobs == scheduler.ready
