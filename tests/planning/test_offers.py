"""What a driver offers, and which of its jobs it lets wait; Snakemake's interfaces alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairtrial.files import snapshot
from fairtrial.files.modelfile import write_model
from fairtrial.planning import offers
from fairtrial.planning.offers import Helper
from fairtrial.store import locks
from fairtrial.training import commits

SHELL = "fairtrial train --made results/shop/made/train/a.json --run a --weights w > log 2>&1"


class Job:
    def __init__(self, run: str, rule: str = "train") -> None:
        self.rule = SimpleNamespace(name=rule)
        self.wildcards = SimpleNamespace(run=run, study=run, worker="3", experiment="shop")
        self.shellcmd = SHELL

    def is_group(self) -> bool:
        return False


class Scheduler:
    """Snakemake's, with what a hook of it reads."""

    dryrun = touch = False

    def __init__(self, *jobs: Job) -> None:
        self.ready, self.running, self.woken = list(jobs), set[Job](), 0
        self._open_jobs = SimpleNamespace(release=self._wake)

    def _wake(self) -> None:
        self.woken += 1

    @property
    def open_jobs(self) -> list[Job]:
        return self.ready

    def run(self, jobs: list[Job], executor: Any = None) -> None:
        self.running |= set(jobs)

    def schedule(self) -> int:
        end = time.monotonic() + 10
        while not self.woken and time.monotonic() < end:
            time.sleep(0.01)
        return self.woken


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(snapshot.VARIABLE, str(tmp_path / snapshot.FOLDER / "digest"))
    monkeypatch.setenv(commits.VARIABLE, commits.Commit(sha="abc").model_dump_json())
    monkeypatch.setattr(offers, "POLL", 0.01)


@pytest.fixture
def scheduler() -> Any:
    """With two trainings and a split that are ready."""
    fresh = type("Fresh", (Scheduler,), dict(vars(Scheduler)))
    offers.offer_ready_jobs(fresh)
    return fresh(Job("a"), Job("b"), Job("data", "split"))


@pytest.fixture
def helper() -> Iterator[Path]:
    with offers.registered() as path:
        yield path


def names(jobs: list[Job]) -> list[str]:
    return [job.wildcards.run for job in jobs]


def test_workers_of_a_search_have_a_file_each() -> None:
    assert offers.offer_file(Job("tpe", "search")).name == "shop~search~tpe-3.json"


def test_without_anybody_nothing_is_offered(scheduler: Any) -> None:
    assert names(scheduler.open_jobs) == ["a", "b", "data"]
    assert not offers.FOLDER.exists()


def test_ready_trainings_are_offered_until_they_begin(scheduler: Any, helper: Path) -> None:
    assert names(scheduler.open_jobs) == ["a", "b", "data"]
    found = offers.offers([locks.holder()])
    assert [path.name for path in found] == ["shop~train~a.json", "shop~train~b.json"]
    offer = found[offers.FOLDER / "shop~train~a.json"]
    assert offer.arguments == SHELL.split()[1:-3]
    assert offer.snapshot == f"{snapshot.FOLDER}/digest", "a path of this machine"
    assert '"abc"' in offer.commit
    assert offer.name == "train shop/a"
    scheduler.run(scheduler.ready[:1])
    assert [path.name for path in offers.offers([locks.holder()])] == ["shop~train~b.json"]


def test_of_a_driver_that_ended_nothing_is_taken(scheduler: Any, helper: Path) -> None:
    assert scheduler.open_jobs
    assert offers.offers([locks.holder().model_copy(update={"process": 1})]) == {}


def test_what_is_made_elsewhere_waits_as_long_as_there_is_something_else(
    scheduler: Any, helper: Path
) -> None:
    assert scheduler.open_jobs
    with locks.acquired_at_once(offers.FOLDER / "shop~train~a.lock"):
        assert names(scheduler.open_jobs) == ["b", "data"]
        assert [path.name for path in offers.offers([locks.holder()])] == ["shop~train~b.json"]
        scheduler.ready = scheduler.ready[:1]
        assert names(scheduler.open_jobs) == ["a"], "Snakemake would end without it"
        scheduler.running = {Job("b")}
        assert names(scheduler.open_jobs) == []
    assert names(scheduler.open_jobs) == ["a"]


def test_what_was_made_elsewhere_is_not_offered_again(scheduler: Any, helper: Path) -> None:
    assert scheduler.open_jobs
    (offers.FOLDER / "shop~train~a.json").unlink()
    assert scheduler.open_jobs
    assert [path.name for path in offers.offers([locks.holder()])] == ["shop~train~b.json"]


@pytest.mark.parametrize("change", ["a helper comes", "a training begins"])
def test_the_scheduler_is_woken(scheduler: Any, change: str) -> None:
    if change == "a helper comes":
        with offers.registered():
            assert scheduler.schedule()
    else:
        offers.HELPERS.mkdir(parents=True)
        offers.FOLDER.mkdir(parents=True)
        with locks.acquired_at_once(offers.FOLDER / "shop~train~a.lock"):
            assert scheduler.schedule()


def test_in_the_end_no_offer_is_left(scheduler: Any, helper: Path) -> None:
    assert scheduler.open_jobs
    assert scheduler.schedule()
    assert not list(offers.FOLDER.glob("*.json"))


def test_a_helper_elsewhere_is_gone_when_it_gives_no_sign_of_life(helper: Path) -> None:
    other = Helper(holder=locks.holder().model_copy(update={"host": "n2"}), began=0.0)
    path = offers.HELPERS / "other.json"
    write_model(path, other)
    assert set(offers.helpers()) == {path, helper}
    long_ago = time.time() - locks.STALE_AFTER - 1
    os.utime(path, (long_ago, long_ago))
    os.utime(helper, (long_ago, long_ago))
    assert set(offers.helpers()) == {helper}, "whose process lives"
