"""The store: entries whole or absent, made once, whoever dies or waits."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from facts import missing_facts, refused
from fairtrial import StoreError
from fairtrial.store import entries, locks, sums

WORKER = """
import sys, time
from pathlib import Path
from fairtrial.store import entries, locks

locks.POLL, locks.HEARTBEAT = 0.02, 0.05
key, seconds = sys.argv[1], float(sys.argv[2])

def make(folder):
    with open("made", "a") as log:
        log.write("made\\n")
    Path("working").touch()
    end = time.monotonic() + seconds
    while time.monotonic() < end and not Path("enough").exists():
        time.sleep(0.01)
    (folder / "content").write_text("whole")

Path(f"ready{sys.argv[3]}").touch()
while not Path("go").exists():
    time.sleep(0.001)
folder, adopted = entries.obtain("runs", key, make)
assert (folder / "content").read_text() == "whole"
print(adopted)
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own, in which nobody waits long."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr(locks, "POLL", 0.01)
    return tmp_path


def write(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "content").write_text("whole")


def never(folder: Path) -> None:
    pytest.fail("made again")


def left() -> list[str]:
    """What lies in the store beside whole entries."""
    return sorted(path.name for path in Path("store/runs").iterdir() if "." in path.name)


def worker(key: str, seconds: float, number: int = 0) -> subprocess.Popen[str]:
    if number == 0:
        Path("go").touch()
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, key, str(seconds), str(number)],
        env=os.environ | {"PYTHONPATH": str(Path(entries.__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited 20 s in vain"
        time.sleep(0.01)


# --------------------------------------------------------------------------- entries


def test_an_entry_is_made_once_and_then_adopted() -> None:
    folder, adopted = entries.obtain("runs", "key", write)
    assert (folder / "deep/content").read_text() == "whole"
    assert not adopted
    assert entries.obtain("runs", "key", never) == (folder, True)
    assert left() == []


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "one bit": _flip,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "emptied": lambda path: path.write_bytes(b""),
    "missing": Path.unlink,
}


@pytest.mark.parametrize("name", ["deep/content", sums.FILE])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_put_aside_and_made_again(
    damage: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    entry, _ = entries.obtain("runs", "key", write)
    DAMAGES[damage](entry / name)
    assert sums.damage(entry)
    assert entries.obtain("runs", "key", write) == (entry, False)
    assert (entry / "deep/content").read_text() == "whole"
    message = capsys.readouterr().err
    assert not missing_facts(message, "store/runs/key", "key.damaged", "made again")
    assert left() == ["key.damaged"]
    assert entries.obtain("runs", "key", never) == (entry, True)


def test_a_file_that_may_be_missing_may_not_be_changed() -> None:
    def make(folder: Path) -> None:
        write(folder)
        (folder / "state").write_text("much")

    entry, _ = entries.obtain("runs", "key", make, may_lack=("state",))
    _flip(entry / "state")
    assert entries.obtain("runs", "key", make, may_lack=("state",)) == (entry, False)
    (entry / "state").unlink()
    assert entries.obtain("runs", "key", never, may_lack=("state",)) == (entry, True)
    assert entries.obtain("runs", "key", make) == (entry, False), "who needs it has it made"


def test_a_removed_file_leaves_an_entry_whole() -> None:
    def make(folder: Path) -> None:
        write(folder)
        (folder / "state").write_text("much")

    entry, _ = entries.obtain("runs", "key", make)
    entries.remove_file(entry, "state")
    assert entries.obtain("runs", "key", never, may_lack=("state",)) == (entry, True)
    assert entries.obtain("runs", "key", never) == (entry, True)


def test_a_temporary_copy_of_dvc_uses_the_store_of_its_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "parent"))
    assert entries.obtain("runs", "key", write)[0] == tmp_path / "parent/store/runs/key"


@pytest.mark.parametrize(
    "error", [ValueError("of make"), KeyboardInterrupt()], ids=["an error", "Ctrl-C"]
)
def test_a_failure_leaves_no_entry_and_no_lock(error: BaseException) -> None:
    def fail(folder: Path) -> None:
        write(folder)
        raise error

    with pytest.raises(type(error)):
        entries.obtain("runs", "key", fail)
    assert not Path("store/runs/key").exists()
    assert left() == ["key.part"]


def test_the_next_attempt_is_handed_what_the_last_one_left() -> None:
    def fail(folder: Path) -> None:
        assert list(folder.iterdir()) == []
        (folder / "old").write_text("half")
        raise ValueError

    def go_on(folder: Path) -> None:
        assert (folder / "old").read_text() == "half"
        (folder / "old").rename(folder / "new")

    with pytest.raises(ValueError):
        entries.obtain("runs", "key", fail)
    folder, _ = entries.obtain("runs", "key", go_on)
    assert sorted(path.name for path in folder.iterdir()) == ["new", sums.FILE]
    assert left() == []


# --------------------------------------------------------------------------- processes


def test_a_living_holder_is_waited_for() -> None:
    first = worker("key", 30)
    until(Path("working").exists)
    second = worker("key", 0)
    assert second.stderr
    assert f"process {first.pid}" in second.stderr.readline(), "the lock holder is named"
    Path("enough").touch()
    outputs = [process.communicate(timeout=30)[0] for process in (first, second)]
    assert outputs == ["False\n", "True\n"]
    assert Path("made").read_text().count("made") == 1


@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "zombie"])
def test_the_lock_of_a_killed_process_is_taken_over(reaped: bool) -> None:
    first = worker("key", 60)
    until(Path("working").exists)
    first.kill()
    if reaped:
        first.wait()
    assert left() == ["key.lock", "key.part"]
    second = worker("key", 0)
    assert second.communicate(timeout=30)[0] == "False\n"
    assert left() == []


def test_a_terminated_process_is_waited_for_no_longer_by_those_who_wait() -> None:
    first = worker("key", 60)
    until(Path("working").exists)
    second = worker("key", 0)
    time.sleep(0.3)
    first.send_signal(signal.SIGTERM)
    first.wait()
    assert second.communicate(timeout=30)[0] == "False\n"


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(3))
def test_of_eight_processes_one_makes_the_entry(turn: int) -> None:
    """They also all find the stale lock of a dead process, which one of them may break."""
    put_lock(process=2**22 + 1, started="1")
    processes = [worker("key", 0.05, number) for number in range(1, 9)]
    until(lambda: len(list(Path().glob("ready*"))) == 8)
    Path("go").touch()
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, answers
    assert sorted(out for out, _ in answers) == ["False\n"] + ["True\n"] * 7
    assert Path("made").read_text().count("made") == 1
    assert left() == []


# --------------------------------------------------------------------------- locks


def put_lock(age: float = 0.0, **changed: Any) -> Path:
    """A lock of somebody else, last touched `age` seconds ago."""
    lock = Path("store/runs/key.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps(locks.holder().model_dump() | changed))
    then = time.time() - age
    os.utime(lock, (then, then))
    return lock


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A stand-in for SLURM's squeue: a shell script."""

    def put(script: str) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/squeue").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin/squeue").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")

    return put


def stale(lock: Path) -> bool:
    return locks.is_stale(lock)


def test_own_process_is_alive() -> None:
    assert not stale(put_lock(age=10_000))


def test_a_process_id_given_anew_is_another_process() -> None:
    assert stale(put_lock(started="1"))


def test_a_process_of_another_container_is_judged_by_its_heartbeat() -> None:
    """The same host name and process id, but another table of processes."""
    elsewhere = {"process_ids": "pid:[1]", "started": "1"}
    assert not stale(put_lock(age=60, **elsewhere))
    assert stale(put_lock(age=locks.STALE_AFTER + 60, **elsewhere))


def test_another_host_is_judged_by_its_heartbeat() -> None:
    assert not stale(put_lock(age=60, host="elsewhere"))
    assert stale(put_lock(age=locks.STALE_AFTER + 60, host="elsewhere"))


def test_a_lock_that_a_power_cut_left_empty_is_stale_after_a_while() -> None:
    lock = put_lock()
    lock.write_text("")
    assert not stale(lock)
    os.utime(lock, (0, 0))
    assert stale(lock)


@pytest.mark.parametrize(
    ("script", "gone"),
    [
        ("exit 0", True),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", True),
        ("echo CANCELLED", True),
        ("echo OUT_OF_MEMORY", True),
        ("echo RUNNING", False),
        ("echo PENDING", False),
        ("echo COMPLETING", False),
        ("echo 'Unable to contact slurm controller' >&2; exit 1", False),
    ],
    ids=[
        "not listed",
        "unknown",
        "cancelled",
        "out of memory",
        "running",
        "pending",
        "completing",
        "no controller",
    ],
)
def test_slurm_is_asked_for_a_job_that_has_fallen_silent(
    script: str, gone: bool, squeue: Callable[[str], None]
) -> None:
    squeue(script)
    assert stale(put_lock(age=60, host="elsewhere", slurm_job="7")) is gone


def test_slurm_is_not_asked_for_a_job_whose_heart_beats(squeue: Callable[[str], None]) -> None:
    """Each waiting job would ask it every second."""
    squeue("touch called")
    assert not stale(put_lock(age=1, host="elsewhere", slurm_job="7"))
    assert not Path("called").exists()


def test_without_squeue_the_heartbeat_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert not stale(put_lock(age=60, host="elsewhere", slurm_job="7"))
    assert stale(put_lock(age=locks.STALE_AFTER + 60, host="elsewhere", slurm_job="7"))


def test_a_fresh_lock_is_never_broken() -> None:
    """Two find a stale lock; one breaks and takes it; the other must leave the new one alone."""
    lock = put_lock()
    locks._remove_stale(lock)
    assert lock.exists()
    put_lock(started="1")
    locks._remove_stale(lock)
    assert not lock.exists()


def test_one_process_at_a_time_removes_a_stale_lock() -> None:
    lock = put_lock(started="1")
    guard = lock.with_name("key.lock.removing")
    guard.touch()
    locks._remove_stale(lock)
    assert lock.exists()
    os.utime(guard, (0, 0))  # of a process that was killed just then
    locks._remove_stale(lock)
    locks._remove_stale(lock)
    assert not lock.exists()
    assert left() == []


def test_a_heart_beats_while_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "HEARTBEAT", 0.02)

    def make(folder: Path) -> None:
        lock = folder.with_name("key.lock")
        os.utime(lock, (0, 0))
        until(lambda: lock.stat().st_mtime > 0)

    entries.obtain("runs", "key", make)


def test_who_lost_its_lock_keeps_neither_its_work_nor_the_lock_of_the_other() -> None:
    """A job that SLURM suspends for minutes is silent, and somebody else takes over."""
    with refused(StoreError, "lock", "process 1 on elsewhere"):
        entries.obtain("runs", "key", lambda folder: put_lock(host="elsewhere", process=1) and None)
    assert not Path("store/runs/key").exists()
    assert Path("store/runs/key.lock").exists()


def test_a_lock_says_who_holds_it() -> None:
    lock = put_lock(host="node7", process=42, slurm_job="99")
    assert locks.describe(lock) == "process 42 on node7, SLURM job 99"
    assert locks.holder().host == socket.gethostname()


# --------------------------------------------------------------------------- disks


def test_a_store_that_is_a_file_is_named() -> None:
    Path("store").write_text("")
    with refused(StoreError, "store", "a writable folder"):
        entries.obtain("runs", "key", write)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_store_is_named() -> None:
    Path("store/runs").mkdir(parents=True)
    Path("store/runs").chmod(0o555)
    with refused(StoreError, "store/runs", "Permission denied", "writable"):
        entries.obtain("runs", "key", write)


@pytest.fixture
def disk(place: Path) -> Iterator[Callable[..., None]]:
    """Mounts a disk of 64 kB at store/."""
    Path("store").mkdir()

    def mount(options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place / "store")]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"needs to mount a small disk: {done.stderr.strip()}")

    yield mount
    subprocess.run(["umount", "--lazy", str(place / "store")], capture_output=True)


def test_a_disk_mounted_read_only_is_named(disk: Callable[[str], None]) -> None:
    disk("ro")
    with refused(StoreError, "store/runs", "Read-only file system", "writable"):
        entries.obtain("runs", "key", write)


def test_a_full_disk_is_named_and_leaves_no_entry(disk: Callable[[str], None]) -> None:
    disk("size=64k")

    def fill(folder: Path) -> None:
        (folder / "weights.pt").write_bytes(bytes(2**20))

    with refused(StoreError, "store/runs", "No space left", "free space"):
        entries.obtain("runs", "key", fill)
    assert left() == ["key.part"]


def test_a_limit_of_the_size_of_files_is_named() -> None:
    """`ulimit -f`, and a quota on some systems: what a full disk is without a mount."""
    code = """
import resource, signal
from fairtrial import StoreError
from fairtrial.store import entries
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
try:
    entries.obtain("runs", "key", lambda folder: (folder / "weights.pt").write_bytes(bytes(2**20)))
except StoreError as error:
    print(error)
"""
    env = os.environ | {"PYTHONPATH": str(Path(entries.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert "File too large" in done.stdout and "free space" in done.stdout, done.stderr
    assert left() == ["key.part"]


def test_no_space_for_the_lock_leaves_no_litter(disk: Callable[[str], None]) -> None:
    disk("size=64k")
    Path("store/runs").mkdir()
    for number in range(2):
        with refused(OSError, "No space left"):
            Path(f"store/filler{number}").write_bytes(bytes(2**20))
    with refused(StoreError, "store/runs", "No space left"):
        entries.obtain("runs", "key", write)
    assert left() == []


def test_what_make_fails_of_is_not_laid_at_the_door_of_the_store() -> None:
    def fail(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "data/clean/image.png")

    with refused(PermissionError, "image.png"):
        entries.obtain("runs", "key", fail)
