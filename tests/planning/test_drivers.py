"""Locks of drivers that work, that were killed, and that are elsewhere; processes are real ones."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fairtrial.files.modelfile import write_model
from fairtrial.planning import drivers
from fairtrial.planning.drivers import FOLDER, Driver, DriverFile
from fairtrial.store import locks


class Persistence:
    """Snakemake's, with one lock for everything."""

    path = Path(".snakemake")
    locked = False

    @contextmanager
    def lock(self) -> Iterator[None]:
        assert not self.locked, "Snakemake's own refusal"
        assert (self.path / "locks").is_dir()
        self.locked = True
        yield
        self.locked = False

    def cleanup_locks(self) -> None:
        self.locked = False
        shutil.rmtree(self.path / "locks", ignore_errors=True)


@pytest.fixture
def persistence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Persistence:
    """Locked, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    fresh = type("Fresh", (Persistence,), dict(vars(Persistence)))
    drivers.know_drivers(fresh)
    locked = fresh()
    locked.locked = True
    return locked


@pytest.fixture
def process() -> Iterator[subprocess.Popen]:
    child = subprocess.Popen(["sleep", "600"])
    yield child
    child.kill()
    child.wait()


def driver(process: int, **changed: str | None) -> DriverFile:
    """What a driver leaves that has this process id."""
    own = locks.holder()
    started = locks.process_start(process)
    holder = own.model_copy(update={"process": process, "started": started, **changed})
    path = FOLDER / f"{len(drivers.recorded())}.json"
    write_model(path, Driver(holder=holder, began=1.8e9))
    return DriverFile(path)


def killed(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def test_a_killed_drivers_lock_is_removed_with_a_word(
    persistence: Persistence, process: subprocess.Popen, capsys: pytest.CaptureFixture[str]
) -> None:
    left = driver(process.pid)
    killed(process)
    with persistence.lock():
        (present,) = drivers.recorded()
        assert present.driver.holder == locks.holder()
        assert present.works
    assert not left.path.exists()
    assert not drivers.recorded()
    assert f"process {process.pid}" in capsys.readouterr().err


def test_a_process_id_that_was_given_anew_is_no_driver(
    persistence: Persistence, process: subprocess.Popen
) -> None:
    driver(process.pid, started="1")
    with persistence.lock():
        pass


def refusal(persistence: Persistence) -> str:
    from snakemake.exceptions import WorkflowError

    with pytest.raises(WorkflowError) as error, persistence.lock():
        pass
    assert persistence.locked, "the lock was removed"
    return str(error.value)


def test_a_living_drivers_lock_stays(persistence: Persistence, process: subprocess.Popen) -> None:
    dead = subprocess.Popen(["sleep", "600"])
    gone = driver(dead.pid)
    killed(dead)
    left = driver(process.pid)
    message = refusal(persistence)
    assert f"process {process.pid} on {locks.holder().host}, since 2027-" in message
    assert f"process {dead.pid} on" not in message
    assert left.path.exists()
    assert gone.path.exists(), "forgotten while its lock may stand"


def test_of_a_driver_elsewhere_nobody_here_can_say_that_it_ended(persistence: Persistence) -> None:
    left = driver(1, host="elsewhere")
    assert "process 1 on elsewhere" in refusal(persistence)
    persistence.cleanup_locks()  # snakemake --unlock
    assert not left.path.exists()
    with persistence.lock():
        pass


@pytest.mark.parametrize(("answer", "removed"), [("RUNNING", False), ("TIMEOUT", True)])
def test_a_driver_that_was_a_job_has_ended_with_it(
    persistence: Persistence, answer: str, removed: bool
) -> None:
    squeue = Path("bin/squeue")
    squeue.parent.mkdir()
    squeue.write_text(f"#!/bin/sh\necho {answer}\n")
    squeue.chmod(0o755)
    driver(1, host="elsewhere", slurm_job="41")
    if removed:
        with persistence.lock():
            pass
    else:
        assert "SLURM job 41" in refusal(persistence)


def test_a_lock_that_nobody_recorded_is_snakemakes_affair(persistence: Persistence) -> None:
    with pytest.raises(AssertionError, match="Snakemake's own refusal"), persistence.lock():
        pass
    assert not drivers.recorded(), "a driver that never worked is recorded"


def test_a_driver_beside_another_one_leaves_its_file(
    persistence: Persistence, process: subprocess.Popen
) -> None:
    """Two drivers of different experiments work in one folder."""
    persistence.locked = False
    other = driver(process.pid)
    with persistence.lock():
        assert len(drivers.recorded()) == 2
    assert [left.path for left in drivers.recorded()] == [other.path]


def test_dead_drivers_are_seen_by_status(
    persistence: Persistence, process: subprocess.Popen
) -> None:
    left = driver(process.pid)
    assert left.works
    killed(process)
    assert not left.works
