"""Executors whose SLURM does not answer: the interface of Snakemake's executors, without SLURM."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from fairtrial.planning import slurm_outages


class Executor:
    """Knows what became of its jobs only as far as `known` says."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.next_seconds_between_status_checks = 180.0
        self.reported: list[str] = []
        self.submitted: list[str] = []

    async def check_active_jobs(self, jobs: list[SimpleNamespace]) -> AsyncIterator:
        for job in jobs:
            state = self.known.get(job.name, "no answer")
            if state == "running":
                yield job
            elif state == "done":
                self.report_job_success(job)
            elif state == "failed":
                self.report_job_error(job, msg="why")

    def report_job_success(self, job: SimpleNamespace) -> None:
        self.reported.append(f"{job.name} done")

    def report_job_error(self, job: SimpleNamespace, msg: str = "") -> None:
        self.reported.append(f"{job.name} failed: {msg}")

    def run_job(self, job: str) -> None:
        self.submitted.append(job)

    def cancel_jobs(self, jobs: list) -> None:
        self.reported.append("cancelled")


@pytest.fixture
def executor() -> type[Executor]:
    """A class of its own for each test, since its methods are replaced."""
    return type("Fresh", (Executor,), dict(vars(Executor)))


JOBS = [SimpleNamespace(name=name) for name in ("a", "b", "c")]


def active(executor: Executor) -> list[str]:
    async def look() -> list[str]:
        return [job.name async for job in executor.check_active_jobs(JOBS)]

    return asyncio.run(look())


@pytest.mark.parametrize(
    ("known", "kept", "reported"),
    [
        ({}, ["a", "b", "c"], []),
        ({"a": "done"}, ["b", "c"], ["a done"]),
        ({"a": "failed", "b": "running"}, ["b", "c"], ["a failed: why"]),
        (dict.fromkeys("abc", "done"), [], ["a done", "b done", "c done"]),
        (dict.fromkeys("abc", "running"), ["a", "b", "c"], []),
    ],
    ids=["no answer", "one of three ended", "one unknown", "all ended", "all running"],
)
def test_a_job_stays_active_until_its_end_is_told(
    executor: type[Executor], known: dict[str, str], kept: list[str], reported: list[str]
) -> None:
    slurm_outages.forget_no_job(executor)
    slurm = executor(known)
    assert active(slurm) == kept
    assert slurm.reported == reported


def test_after_no_answer_it_is_asked_soon_and_told_at_once(
    executor: type[Executor], capsys: pytest.CaptureFixture[str]
) -> None:
    slurm_outages.forget_no_job(executor)
    slurm = executor({})
    active(slurm)
    assert slurm.next_seconds_between_status_checks < 60
    assert "3 jobs" in capsys.readouterr().err
    slurm.known = dict.fromkeys("abc", "done")
    assert active(slurm) == []
    assert capsys.readouterr().err == ""


def test_a_submission_waits_for_the_controller(
    executor: type[Executor], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter([False, False, True])
    monkeypatch.setattr(slurm_outages, "answers", lambda: next(answers))
    monkeypatch.setattr(slurm_outages, "AGAIN", 0.0)
    slurm_outages.submit_when_answered(executor)
    slurm = executor({})
    slurm.run_job("a")
    assert slurm.submitted == ["a"]
    assert list(answers) == []
    assert capsys.readouterr().err.count("does not answer") == 1


def test_after_ctrl_c_nothing_is_submitted(
    executor: type[Executor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm_outages, "answers", lambda: False)
    slurm_outages.submit_when_answered(executor)
    slurm = executor({})
    slurm.cancel_jobs([])
    slurm.run_job("a")
    assert slurm.reported == ["cancelled"]
    assert slurm.submitted == []
