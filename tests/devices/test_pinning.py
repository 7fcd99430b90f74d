"""Real processes take fake cards: one each, and a kill frees them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fairtrial.devices import cards, claims, pinning
from fairtrial.devices.pinning import Pinning
from fairtrial.store import locks

JOB = """\
import os, sys, time
from pathlib import Path
from fairtrial.devices import pinning
pinning.begin(sys.argv[1], Path(sys.argv[2]))
if os.environ.get("ALONE"):
    pinning.share_none()
pinning.take()
print(os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
if os.environ.get("FORKS") and os.fork() == 0:
    print(os.getpid(), flush=True)
time.sleep(600)
"""


class Machine:
    """Fake cards in a file, and jobs that use them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.jobs = folder, list[subprocess.Popen[str]]()
        self.have(*({"uuid": f"GPU-{n}", "index": n} for n in range(2)))
        self.env = os.environ | {
            "PYTHONPATH": str(Path(cards.__file__).parents[2]),
            cards.FAKE: str(folder / "cards.json"),
            claims.VARIABLE: str(folder / "claims"),
            pinning.VARIABLE: Pinning(gpus={"train": 1, "predict": 1}).model_dump_json(),
        }
        self.env.pop("CUDA_VISIBLE_DEVICES", None)

    def have(self, *described: dict[str, Any]) -> None:
        part = self.folder / "cards.part"
        part.write_text(
            json.dumps([{"total": 1000 << 20, "free": 1000 << 20} | card for card in described])
        )
        part.replace(self.folder / "cards.json")

    def start(self, stage: str = "train", **env: str) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-c",
            JOB,
            stage,
            f"results/shop/made/{stage}/{len(self.jobs)}.json",
        ]
        job = subprocess.Popen(
            command,
            env=self.env | env,
            stdout=subprocess.PIPE,
            stderr=(self.folder / f"{len(self.jobs)}.log").open("w"),
            text=True,
        )
        self.jobs.append(job)
        return job

    def log(self, job: subprocess.Popen[str]) -> str:
        return (self.folder / f"{self.jobs.index(job)}.log").read_text()

    def taken(self, stage: str = "train", **env: str) -> str:
        """What a new job sees once it has its cards."""
        return line(self.start(stage, **env))


def line(job: subprocess.Popen[str]) -> str:
    assert job.stdout
    return job.stdout.readline().strip()


def wait_for(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv(claims.VARIABLE, str(tmp_path / "claims"))
    made = Machine(tmp_path)
    yield made
    for job in made.jobs:
        job.kill()
        job.wait()


@pytest.mark.slow
def test_each_job_has_a_card_and_the_next_one_waits_until_a_holder_is_killed(
    machine: Machine,
) -> None:
    first = machine.start(FORKS="yes")
    assert {line(first), machine.taken("predict")} == {"GPU-0", "GPU-1"}
    orphan = int(line(first))
    third = machine.start()
    wait_for(lambda: "waiting" in machine.log(third))
    (said,) = machine.log(third).splitlines()
    assert "GPU 0 is used by" in said
    assert f"train shop/0 (process {first.pid} of " in said
    first.kill()
    assert line(third) in {"GPU-0", "GPU-1"}
    os.kill(orphan, signal.SIGKILL)


@pytest.mark.slow
def test_a_card_that_somebody_else_fills_is_taken_once_it_is_free(machine: Machine) -> None:
    other = {"uuid": "GPU-0", "index": 0, "free": 100 << 20, "processes": [41]}
    machine.have(other)
    job = machine.start()
    wait_for(lambda: "GPU 0 has 100 of 1000 MiB free, used by process 41" in machine.log(job))
    machine.have(other | {"free": 990 << 20, "processes": []})
    assert line(job) == "GPU-0"


def test_a_worker_of_a_search_that_measures_time_is_alone(machine: Machine) -> None:
    machine.have({"uuid": "GPU-0", "index": 0})
    shared = {pinning.VARIABLE: Pinning(gpus={"search": 1}, share=2).model_dump_json()}
    first = machine.start("search", **shared)
    assert line(first) == "GPU-0"
    timed = machine.start("search", ALONE="1", **shared)
    wait_for(lambda: "waiting" in machine.log(timed))
    first.kill()
    assert line(timed) == "GPU-0"


@pytest.mark.slow
def test_who_may_share_does_and_a_timed_job_is_alone(machine: Machine) -> None:
    machine.have({"uuid": "GPU-0", "index": 0})
    shared = {pinning.VARIABLE: Pinning(gpus={"train": 1, "predict": 1}, share=2).model_dump_json()}
    assert [machine.taken(**shared), machine.taken(**shared)] == ["GPU-0", "GPU-0"]
    timed = machine.start("predict", **shared)
    wait_for(lambda: "waiting" in machine.log(timed))
    late = machine.start(**shared)
    wait_for(lambda: "waiting" in machine.log(late))
    machine.jobs[0].kill()
    wait_for(lambda: "is for one that waits longer" in machine.log(late))
    machine.jobs[1].kill()
    assert line(timed) == "GPU-0"


@pytest.mark.parametrize(
    ("stage", "env"),
    [("validate", {}), ("train", {pinning.VARIABLE: ""}), ("train", {"CUDA_VISIBLE_DEVICES": ""})],
    ids=["needs none", "another profile", "none visible"],
)
def test_nothing_is_taken(machine: Machine, stage: str, env: dict[str, str]) -> None:
    before = env.get("CUDA_VISIBLE_DEVICES", "None")
    assert machine.taken(stage, **env) == before
    assert not list(machine.folder.glob("claims/*.json"))


def a_claim() -> claims.Claim:
    return claims.Claim(
        holder=locks.holder(),
        user="anna",
        folder="/home/anna",
        job="train",
        since=1.0,
        visible=["GPU-0"],
        cards=1,
        share=1,
        free=75,
    )


def test_other_people_can_read_who_uses_a_card(machine: Machine) -> None:
    before = os.umask(0o077)
    try:
        with claims.locked_folder():
            own = claims.OwnClaim(a_claim())
    finally:
        os.umask(before)
    modes = {path.name: oct(path.stat().st_mode)[-4:] for path in claims.folder().iterdir()}
    own.release()
    assert modes == {"lock": "0644", own.path.name: "0644"}
    assert oct(claims.folder().stat().st_mode)[-4:] == "1777"


def test_a_waiting_process_that_is_stopped_is_passed_over(machine: Machine) -> None:
    with claims.locked_folder():
        own = claims.OwnClaim(a_claim())
        assert claims.living() == [own.claim]
        os.utime(own.path, (1, 1))
        assert claims.living() == []
        own.write(own.claim.model_copy(update={"taken": ["GPU-0"]}))
        assert claims.living() == [own.claim], "it uses the card, stopped or not"
        own.release()
        assert claims.living() == []
