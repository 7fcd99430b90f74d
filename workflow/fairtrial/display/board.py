"""The jobs of a workflow by rule: how many there are, have begun, ended and failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fairtrial.lineage.outputs import OUTPUTS

STAGES = tuple(OUTPUTS)  # in running order


@dataclass(frozen=True)
class BegunJob:
    """A job that Snakemake started, or gave to SLURM. `name`: of its run, data set, source or
    study, or "" where the experiment has one such job; `begun`: in seconds since 1970."""

    stage: str
    name: str
    log: Path
    begun: float

    @property
    def title(self) -> str:
        """`train small-s0`."""
        return f"{self.stage} {self.name}".strip()


@dataclass(frozen=True)
class StageCount:
    """How many jobs of one stage are planned, done, and at work or waiting in SLURM's queue."""

    stage: str
    planned: int
    done: int
    under_way: int


class Board:
    """Follows the jobs of one call of Snakemake by the numbers that it gives them."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._planned: Counter[str] = Counter()
        self._begun: dict[int, BegunJob] = {}
        self._done: dict[int, BegunJob] = {}
        self._failed: dict[int, BegunJob] = {}

    def plan(self, counts: Mapping[str, int]) -> None:
        """Note how many jobs each rule has."""
        self._planned = Counter({stage: counts[stage] for stage in STAGES if stage in counts})

    def begin(self, number: int, stage: str, wildcards: Mapping[str, str], logs: list[str]) -> None:
        """Note that a job begins, for the first time or again. Targets as `all` are no jobs."""
        if stage not in STAGES:
            return
        name = " ".join(value for key, value in wildcards.items() if key != "experiment")
        log = Path(logs[0]) if logs else Path()
        self._begun[number] = BegunJob(stage, name, log, time.time())
        self._failed.pop(number, None)

    def finish(self, number: int) -> BegunJob | None:
        """Note that a job has succeeded; the job, or None where it is a mere target."""
        job = self._begun.pop(number, None)
        if job is not None:
            self._done[number] = job
        return job

    def fail(self, number: int) -> BegunJob | None:
        """Note that a job has failed; the job, or None where it had not begun."""
        job = self._begun.pop(number, None)
        if job is not None:
            self._failed[number] = job
        return job

    def begun(self, numbers: Iterable[int]) -> list[BegunJob]:
        """Those of these jobs that are under way, in running order."""
        jobs = [self._begun[number] for number in numbers if number in self._begun]
        return sorted(jobs, key=lambda job: STAGES.index(job.stage))

    @property
    def failed(self) -> list[BegunJob]:
        """The jobs that have failed and were not begun again."""
        return list(self._failed.values())

    @property
    def under_way(self) -> list[BegunJob]:
        """The jobs that have begun and not ended."""
        return list(self._begun.values())

    @property
    def counts(self) -> list[StageCount]:
        """A count for each stage that has jobs, in running order."""
        under_way = Counter(job.stage for job in self.under_way)
        done = Counter(job.stage for job in list(self._done.values()))
        totals = {s: max(self._planned[s], done[s] + under_way[s]) for s in STAGES}
        return [StageCount(s, n, done[s], under_way[s]) for s, n in totals.items() if n]

    @property
    def seconds(self) -> float:
        """Since the board was made."""
        return time.monotonic() - self._start

    @property
    def done(self) -> int:
        """How many jobs have succeeded."""
        return len(self._done)

    @property
    def planned(self) -> int:
        """How many jobs there are in all."""
        return sum(count.planned for count in self.counts)
