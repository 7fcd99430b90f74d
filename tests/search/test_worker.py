"""Workers: what is trained, what is found again, what a death leaves, and who is given up."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from optuna.storages.journal import JournalFileOpenLock

from fairtrial import BackendError, StoreError
from fairtrial.search import engines
from fairtrial.search.journal import Journal, Trial
from fairtrial.search.worker import Task, work
from fairtrial.settings.search import Engine

from .conftest import EPOCHS, SPACE, START, Framework, a_task

ENGINES = get_args(Engine)


def trials(task: Task) -> list[Trial]:
    return Journal(task.key).trials()


def told(task: Task) -> list[tuple[Any, ...]]:
    """All that is known of the trials, but for the clock."""
    return [(t.number, t.state, t.params, t.epochs) for t in trials(task)]


def states(task: Task) -> list[str]:
    return [trial.state for trial in trials(task)]


def again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Go to another folder: a store in which nothing has been done."""
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)


def test_the_first_trial_is_the_run_as_it_is_set(framework: Framework, task: Task) -> None:
    work(task)
    assert framework.begun[0] == START
    assert len({str(params) for params in framework.trained}) == 4


def test_a_study_grows_by_what_is_new(framework: Framework, task: Task) -> None:
    work(task)
    before = told(task)
    work(replace(task, trials=7))
    assert len(framework.begun) == 7
    assert told(task)[:4] == before
    work(replace(task, trials=5))
    assert len(framework.begun) == 7


def test_hours_are_a_budget_too(framework: Framework) -> None:
    tiny = a_task(trials=None, hours=1e-12)
    work(tiny)
    assert states(tiny) == ["finished"]
    spent = trials(tiny)[0].note("seconds")
    work(replace(tiny, hours=(spent + 1e-6) / 3600))
    assert states(tiny) == ["finished"] * 2


@pytest.mark.parametrize(
    ("engine", "budget"),
    [
        *((engine, {"trials": 40}) for engine in ENGINES if engine != "gp"),  # gp takes its time
        ("tpe", {"trials": None, "hours": 1.0}),
    ],
)
def test_a_small_space_is_tried_once_and_ends_the_search(
    engine: str, budget: dict[str, Any], framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "POPULATION", 4)
    space = SPACE | {"x": {"choices": [0.1, 0.5]}, "y": SPACE["y"] | {"low": 6, "high": 7}}
    task = a_task(engine=engine, space=space, **budget)
    work(task)
    assert len(framework.begun) == len(trials(task)) == 2 * 2 * 3
    assert len({str(params) for params in framework.trained}) == 12
    work(task)
    assert len(framework.begun) == 12


@pytest.mark.parametrize("state", ["failed", "pruned", "finished"])
def test_the_time_of_a_trial_is_noted_however_it_ends(
    state: str, framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of one that fails before its first epoch: hours would never be spent."""
    monkeypatch.setattr(engines, "is_hopeless", lambda *told: state == "pruned")
    task = a_task(trials=2, pruning="off" if state == "finished" else "median")

    def wait(settings: dict[str, Any], epoch: int) -> None:
        time.sleep(0.05)
        if state == "failed" and len(framework.begun) == 2:
            raise BackendError("no")

    framework.before = wait
    work(task)
    assert states(task)[1] == state
    assert trials(task)[1].note("seconds") >= 0.05


def test_what_is_told_in_the_end_is_that_it_is_over(framework: Framework) -> None:
    told: list[tuple[int, bool]] = []
    task = a_task(trials=9, space={"z": SPACE["z"]})
    work(task, lambda trials, is_last: told.append((len(trials), is_last)))
    assert told == [(1, False), (2, False), (3, False), (3, True)]


@pytest.mark.parametrize("engine", ENGINES)
def test_equal_seeds_give_equal_trials_interrupted_or_not(
    engine: str, framework: Framework, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted in the middle of a trial, and between two."""
    monkeypatch.setattr(engines, "POPULATION", 4)
    task = a_task(engine=engine, trials=9, pruning="median")
    work(task)
    whole, trained = told(task), framework.epochs
    assert len({str(row[2]) for row in whole}) == 9, "an engine draws a trial again"
    again(tmp_path, monkeypatch, "interrupted")
    framework.begun.clear()
    framework.epochs = 0

    def stop(settings: dict[str, Any], epoch: int) -> None:
        if len(framework.begun) == 3 and epoch == 3:
            framework.begun.append({})
            raise KeyboardInterrupt

    framework.before = stop
    with pytest.raises(KeyboardInterrupt):
        work(task)
    assert states(task)[2] == "unfinished"
    work(replace(task, trials=6))
    work(task)
    assert told(task) == whole
    assert framework.epochs == trained, "an epoch was trained twice"


def test_another_seed_gives_other_trials(framework: Framework, task: Task) -> None:
    other = replace(task, seed=1)
    work(task)
    work(other)
    assert told(other)[0] == told(task)[0]
    assert told(other)[1:] != told(task)[1:]


def in_a_process(function: Callable[[], object]) -> Any:
    child = multiprocessing.get_context("fork").Process(target=function)
    child.start()
    return child


def test_a_worker_that_is_killed_leaves_its_trial_to_the_next(
    framework: Framework, task: Task
) -> None:
    def die(settings: dict[str, Any], epoch: int) -> None:
        if len(framework.begun) == 3 and epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    framework.before = die
    child = in_a_process(lambda: work(task))
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert states(task) == ["finished", "finished", "unfinished"]
    drawn = trials(task)[2].params
    work(task)
    assert states(task) == ["finished"] * 4
    assert framework.begun[0] == START | drawn, "another trial was drawn instead"
    assert framework.epochs == 2 * EPOCHS - 1, "it began afresh"


def test_a_trial_that_kills_its_workers_counts_as_failed(framework: Framework, task: Task) -> None:
    drawn: list[Any] = []

    def die(settings: dict[str, Any], epoch: int) -> None:
        drawn.append(settings)
        if settings == drawn[0] and settings != START:
            raise KeyboardInterrupt

    framework.before = lambda settings, epoch: die(settings, epoch) if settings != START else None
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            work(task)
    work(task)
    assert states(task) == ["finished", "failed", "finished", "finished"]
    assert trials(task)[1].note("message") == "3 workers died with it"


def test_a_trial_that_gains_epochs_may_need_any_number_of_workers(
    framework: Framework, task: Task
) -> None:
    """Each stops before its second epoch, as at a time limit."""
    task = replace(task, trials=1, start=START | {"epochs": 6})

    def stop(settings: dict[str, Any], epoch: int) -> None:
        if framework.epochs == len(framework.begun):
            raise KeyboardInterrupt

    framework.before = stop
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            work(task)
    work(task)
    assert states(task) == ["finished"]
    assert (len(framework.begun), framework.epochs) == (6, 6)


def test_a_trial_given_up_after_its_attempts_leaves_nothing(
    framework: Framework, task: Task
) -> None:
    def die(settings: dict[str, Any], epoch: int) -> None:
        if settings != START and epoch == 3:
            raise KeyboardInterrupt

    framework.before = die
    task = replace(task, trials=2)
    for _ in range(4):  # the first of them gained two epochs
        assert "failed" not in states(task)
        with pytest.raises(KeyboardInterrupt):
            work(task)
    assert len(list(Path("store/runs").glob("*.part"))) == 1
    work(task)
    assert states(task) == ["finished", "failed"]
    assert not list(Path("store/runs").glob("*.part"))


def test_a_start_that_kills_its_workers_ends_the_search(framework: Framework, task: Task) -> None:
    def die(settings: dict[str, Any], epoch: int) -> None:
        raise KeyboardInterrupt

    framework.before = die
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            work(task)
    with pytest.raises(BackendError, match="cannot be trained: 3 workers died with it"):
        work(task)
    assert states(task) == ["unfinished"]
    framework.before = lambda settings, epoch: None
    work(task)
    assert states(task) == ["finished"] * 4


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."),
        MemoryError(),
    ],
)
def test_a_fault_of_the_machine_fails_no_trial(
    error: Exception, framework: Framework, task: Task
) -> None:
    def fail(settings: dict[str, Any], epoch: int) -> None:
        if len(framework.begun) == 2:
            raise error

    framework.before = fail
    with pytest.raises(BackendError, match=r"^trial 1 was interrupted: .*goes on with it$"):
        work(task)
    assert states(task) == ["finished", "unfinished"]
    work(task)
    assert states(task) == ["finished"] * 4


def test_a_fault_that_comes_back_fails_the_trial_alone(framework: Framework, task: Task) -> None:
    def fail(settings: dict[str, Any], epoch: int) -> None:
        if settings in framework.begun[1:2]:
            raise RuntimeError("size mismatch")

    framework.before = fail
    for _ in range(3):
        with pytest.raises(BackendError, match="size mismatch"):
            work(task)
    work(task)
    assert states(task) == ["finished", "failed", "finished", "finished"]


def test_two_workers_share_a_study(framework: Framework, task: Task) -> None:
    children = [in_a_process(lambda: work(task)) for _ in range(2)]
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    work(task)
    assert states(task) == ["finished"] * 4
    assert framework.begun == [], "something was left to do"


@pytest.mark.parametrize(
    "error",
    [
        BackendError("its loss is not a number"),
        ZeroDivisionError("division by zero"),
        ValueError("no such shape"),
        RuntimeError("CUDA out of memory. Tried to allocate 9 GiB."),
    ],
)
def test_a_failing_trial_does_not_end_the_study(
    error: Exception, framework: Framework, task: Task
) -> None:
    def fail(settings: dict[str, Any], epoch: int) -> None:
        if len(framework.begun) == 2 and epoch == 2:
            raise error

    framework.before = fail
    work(task)
    assert states(task) == ["finished", "failed", "finished", "finished"]
    assert trials(task)[1].note("message") == f"{type(error).__name__}: {error}"
    assert not list(Path("store/runs").glob("*.part"))


def test_a_start_that_cannot_be_trained_ends_the_search(framework: Framework, task: Task) -> None:
    def fail(settings: dict[str, Any], epoch: int) -> None:
        raise BackendError("no such model")

    framework.before = fail
    for _ in range(5):
        with pytest.raises(BackendError, match=r"cannot be trained: BackendError: no such model"):
            work(task)
    framework.before = lambda settings, epoch: None
    work(task)
    assert states(task) == ["finished"] * 4


def test_a_broken_store_fails_no_trial(framework: Framework, task: Task) -> None:
    def full(settings: dict[str, Any], epoch: int) -> None:
        if len(framework.begun) == 2:
            raise StoreError("the disk is full")

    framework.before = full
    with pytest.raises(StoreError):
        work(task)
    assert states(task) == ["finished", "unfinished"]


def test_a_hopeless_trial_is_given_up_and_leaves_nothing(framework: Framework) -> None:
    task = a_task(pruning="median", trials=12)
    work(task)
    pruned = [trial for trial in trials(task) if trial.state == "pruned"]
    assert pruned
    for trial in pruned:
        assert 1 < len(trial.epochs) < EPOCHS
        assert trial.note("message") == f"below the median after epoch {len(trial.epochs)}"
    finished = states(task).count("finished")
    entries = [path for path in Path("store/runs").iterdir() if path.is_dir()]
    assert len(entries) == finished == 12 - len(pruned)


def test_an_epoch_that_was_committed_but_not_noted_is_judged_all_the_same(
    framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two: resumed, the trial must be given up where it would have been."""
    task = a_task(pruning="median", trials=12)
    work(task)
    first = next(trial for trial in trials(task) if trial.state == "pruned")
    whole = told(task)
    monkeypatch.chdir(Path.cwd().parent)
    Path("two").mkdir()
    monkeypatch.chdir("two")
    write = Journal.write_epoch

    def stop(self: Journal, trial: Trial, epoch: int, *rest: Any) -> Trial:
        if trial.number == first.number and epoch == len(first.epochs):
            raise KeyboardInterrupt
        return write(self, trial, epoch, *rest)

    monkeypatch.setattr(Journal, "write_epoch", stop)
    with pytest.raises(KeyboardInterrupt):
        work(task)
    monkeypatch.setattr(Journal, "write_epoch", write)
    work(task)
    assert told(task) == whole


def test_a_half_written_line_of_the_journal_is_cut_off(framework: Framework, task: Task) -> None:
    work(task)
    journal = Journal(task.key).folder / "journal.log"
    before = told(task)
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"wor')
    work(replace(task, trials=5))
    assert told(task)[:4] == before
    assert states(task) == ["finished"] * 5


def test_a_line_that_another_worker_is_writing_is_not_cut_off(
    framework: Framework, task: Task
) -> None:
    work(task)
    file = Journal(task.key).folder / "journal.log"
    before = file.read_bytes()
    line = before.splitlines(keepends=True)[-1]
    lock = JournalFileOpenLock(str(file))
    lock.acquire()
    with file.open("ab", buffering=0) as journal:
        journal.write(line[:9])
        child = in_a_process(lambda: Journal(task.key))
        time.sleep(0.5)
        journal.write(line[9:])
    lock.release()
    child.join(60)
    assert child.exitcode == 0
    assert file.read_bytes().startswith(before + line)


def test_a_worker_that_dies_while_it_writes_stops_no_other(
    framework: Framework, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(replace(task, trials=1))
    monkeypatch.setattr(JournalFileOpenLock.__init__, "__defaults__", (3,))  # seconds of grace

    def die() -> None:
        monkeypatch.setattr(os, "fsync", lambda number: os.kill(os.getpid(), signal.SIGKILL))
        work(task)

    in_a_process(die).join(60)
    assert list(Path("store/searches").rglob("journal.log.lock"))
    child = in_a_process(lambda: work(task))
    child.join(30)
    child.kill()
    assert child.exitcode == 0
    assert states(task) == ["finished"] * 4


def test_a_run_with_the_settings_of_a_trial_is_trained_once(
    framework: Framework, task: Task
) -> None:
    """Also the other way round: a trial adopts what a run has trained."""
    work(task)
    work(replace(task, seed=1, trials=1))
    assert len(framework.begun) == 4
    assert trials(replace(task, seed=1))[0].epochs == trials(task)[0].epochs


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"trials": 9}, True),
        ({"trials": None, "hours": 1.0}, True),
        ({"threads": 2}, True),
        ({"start": START | {"fitness": {"recall": 1.0}}}, True),
        ({"start": START | {"epochs": 5}}, False),
        ({"space": SPACE | {"z": {"choices": ["a", "b"]}}}, False),
        ({"engine": "tpe"}, False),
        ({"seed": 1}, False),
        ({"pruning": "median"}, False),
        ({"code": "other"}, False),
        ({"inputs": {"split": "other"}}, False),
    ],
)
def test_what_makes_another_study(changed: dict[str, Any], same: bool) -> None:
    assert (a_task(**changed).key == a_task().key) is same


@pytest.mark.parametrize("engine", sorted(engines.NEEDED))
def test_a_missing_package_is_named(
    engine: str, framework: Framework, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        BackendError, match=f"`{engine}` needs the package `{engines.NEEDED[engine]}`"
    ):
        work(a_task(engine=engine))
