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

from facts import refused
from fairtrial import BackendError, StoreError
from fairtrial.search import engines, pruning
from fairtrial.search.journal import Journal, Trial
from fairtrial.search.pruning import rungs
from fairtrial.search.worker import RunningStudy, work
from fairtrial.settings.search import Engine
from fairtrial.settings.study import ChoicesSpec, RangeSpec
from fairtrial.training.inputs import TrainingInputs

from .conftest import EPOCHS, SPACE, START, FakeBackend, a_study, changed

ENGINES = get_args(Engine)


def trials(study: RunningStudy) -> list[Trial]:
    return Journal(study.key).trials()


def facts(study: RunningStudy) -> list[tuple[Any, ...]]:
    """All that the journal holds of the trials, but for times."""
    return [(t.number, t.state, t.params, t.epochs) for t in trials(study)]


def states(study: RunningStudy) -> list[str]:
    return [trial.state for trial in trials(study)]


def again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Go to another folder: a store in which nothing has been done."""
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)


def test_the_first_trial_is_the_run_as_it_is_set(backend: FakeBackend, study: RunningStudy) -> None:
    work(study)
    assert backend.begun[0] == START
    assert len({str(params) for params in backend.trained}) == 4


def test_a_study_grows_by_what_is_new(backend: FakeBackend, study: RunningStudy) -> None:
    work(study)
    before = facts(study)
    work(changed(study, trials=7))
    assert len(backend.begun) == 7
    assert facts(study)[:4] == before
    work(changed(study, trials=5))
    assert len(backend.begun) == 7


def test_hours_are_a_budget_too(backend: FakeBackend) -> None:
    tiny = a_study(trials=None, hours=1e-12)
    work(tiny)
    assert states(tiny) == ["finished"]
    spent = trials(tiny)[0].seconds
    work(changed(tiny, hours=(spent + 1e-6) / 3600))
    assert states(tiny) == ["finished"] * 2


@pytest.mark.parametrize(
    ("engine", "budget"),
    [
        *(
            pytest.param(engine, {"trials": 40}, id=engine)
            for engine in ENGINES
            if engine != "gp"  # which is slow
        ),
        pytest.param("tpe", {"trials": None, "hours": 1.0}, id="tpe for an hour"),
    ],
)
def test_a_small_space_is_tried_once_and_ends_the_search(
    engine: str, budget: dict[str, Any], backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "POPULATION", 4)
    space = SPACE | {
        "x": ChoicesSpec(choices=(0.1, 0.5)),
        "y": RangeSpec(low=6, high=7, log=False, step=1, integer=True),
    }
    study = a_study(engine=engine, space=space, **budget)
    work(study)
    assert len(backend.begun) == len(trials(study)) == 2 * 2 * 3
    assert len({str(params) for params in backend.trained}) == 12
    work(study)
    assert len(backend.begun) == 12


@pytest.mark.parametrize("state", ["failed", "pruned", "finished"])
def test_the_time_of_a_trial_is_noted_however_it_ends(
    state: str, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of one that fails before its first epoch: hours would never be spent."""
    monkeypatch.setitem(pruning.RULES, "median", lambda trial: "why" if state == "pruned" else None)
    study = a_study(trials=2, pruning="off" if state == "finished" else "median")

    def wait(settings: dict[str, Any], epoch: int) -> None:
        time.sleep(0.05)
        if state == "failed" and len(backend.begun) == 2:
            raise BackendError("no")

    backend.before = wait
    work(study)
    assert states(study)[1] == state
    assert trials(study)[1].seconds >= 0.05


def test_the_last_report_says_that_no_trial_follows(backend: FakeBackend) -> None:
    reports: list[tuple[int, bool]] = []
    study = a_study(trials=9, space={"z": SPACE["z"]})
    work(study, lambda trials, is_last: reports.append((len(trials), is_last)))
    assert reports == [(1, False), (2, False), (3, False), (3, True)]


@pytest.mark.parametrize(
    "engine", [pytest.param(e, marks=pytest.mark.slow) if e == "gp" else e for e in ENGINES]
)
def test_equal_seeds_give_equal_trials_interrupted_or_not(
    engine: str, backend: FakeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted in the middle of a trial, and between two."""
    monkeypatch.setattr(engines, "POPULATION", 4)
    study = a_study(engine=engine, trials=9, pruning="hyperband" if engine == "tpe" else "median")
    work(study)
    whole, trained = facts(study), backend.epochs
    assert len({str(row[2]) for row in whole}) == 9, "an engine draws a trial again"
    again(tmp_path, monkeypatch, "interrupted")
    backend.begun.clear()
    backend.epochs = 0

    def stop(settings: dict[str, Any], epoch: int) -> None:
        if len(backend.begun) == 3 and epoch == 3:
            backend.begun.append({})
            raise KeyboardInterrupt

    backend.before = stop
    with pytest.raises(KeyboardInterrupt):
        work(study)
    assert states(study)[2] == "unfinished"
    work(changed(study, trials=6))
    work(study)
    assert facts(study) == whole
    assert backend.epochs == trained, "an epoch was trained twice"


def test_another_seed_gives_other_trials(backend: FakeBackend, study: RunningStudy) -> None:
    other = changed(study, seed=1)
    work(study)
    work(other)
    assert facts(other)[0] == facts(study)[0]
    assert facts(other)[1:] != facts(study)[1:]


def in_a_process(function: Callable[[], object]) -> Any:
    child = multiprocessing.get_context("fork").Process(target=function)
    child.start()
    return child


def test_a_worker_that_is_killed_leaves_its_trial_to_the_next(
    backend: FakeBackend, study: RunningStudy
) -> None:
    def die(settings: dict[str, Any], epoch: int) -> None:
        if len(backend.begun) == 3 and epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    backend.before = die
    child = in_a_process(lambda: work(study))
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert states(study) == ["finished", "finished", "unfinished"]
    drawn = trials(study)[2].params
    work(study)
    assert states(study) == ["finished"] * 4
    assert backend.begun[0] == START | drawn, "another trial was drawn instead"
    assert backend.epochs == 2 * EPOCHS - 1, "it began afresh"


def test_a_trial_that_kills_its_workers_counts_as_failed(
    backend: FakeBackend, study: RunningStudy
) -> None:
    drawn: list[Any] = []

    def die(settings: dict[str, Any], epoch: int) -> None:
        drawn.append(settings)
        if settings == drawn[0] and settings != START:
            raise KeyboardInterrupt

    backend.before = lambda settings, epoch: die(settings, epoch) if settings != START else None
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            work(study)
    work(study)
    assert states(study) == ["finished", "failed", "finished", "finished"]
    assert trials(study)[1].message == "3 workers died with it"


def test_a_trial_that_gains_epochs_may_need_any_number_of_workers(
    backend: FakeBackend, study: RunningStudy
) -> None:
    """Each stops before its second epoch, as at a time limit."""
    study = changed(study, trials=1, start=START | {"epochs": 6})

    def stop(settings: dict[str, Any], epoch: int) -> None:
        if backend.epochs == len(backend.begun):
            raise KeyboardInterrupt

    backend.before = stop
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            work(study)
    work(study)
    assert states(study) == ["finished"]
    assert (len(backend.begun), backend.epochs) == (6, 6)


def test_a_trial_given_up_after_its_attempts_leaves_nothing(
    backend: FakeBackend, study: RunningStudy
) -> None:
    def die(settings: dict[str, Any], epoch: int) -> None:
        if settings != START and epoch == 3:
            raise KeyboardInterrupt

    backend.before = die
    study = changed(study, trials=2)
    for _ in range(4):  # the first of them gained two epochs
        assert "failed" not in states(study)
        with pytest.raises(KeyboardInterrupt):
            work(study)
    assert len(list(Path("store/runs").glob("*.part"))) == 1
    work(study)
    assert states(study) == ["finished", "failed"]
    assert not list(Path("store/runs").glob("*.part"))


def test_a_start_that_kills_its_workers_ends_the_search(
    backend: FakeBackend, study: RunningStudy
) -> None:
    def die(settings: dict[str, Any], epoch: int) -> None:
        raise KeyboardInterrupt

    backend.before = die
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            work(study)
    with refused(BackendError, "cannot be trained", "3 workers died"):
        work(study)
    assert states(study) == ["unfinished"]
    backend.before = lambda settings, epoch: None
    work(study)
    assert states(study) == ["finished"] * 4


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."),
        MemoryError(),
    ],
    ids=["CUDA error", "loading process killed", "out of memory"],
)
def test_a_fault_of_the_machine_fails_no_trial(
    error: Exception, backend: FakeBackend, study: RunningStudy
) -> None:
    def fail(settings: dict[str, Any], epoch: int) -> None:
        if len(backend.begun) == 2:
            raise error

    backend.before = fail
    with refused(BackendError, "trial 1", "unfinished", type(error).__name__):
        work(study)
    assert states(study) == ["finished", "unfinished"]
    work(study)
    assert states(study) == ["finished"] * 4


def test_a_fault_that_comes_back_fails_the_trial_alone(
    backend: FakeBackend, study: RunningStudy
) -> None:
    def fail(settings: dict[str, Any], epoch: int) -> None:
        if settings in backend.begun[1:2]:
            raise RuntimeError("size mismatch")

    backend.before = fail
    for _ in range(3):
        with refused(BackendError, "trial 1", "size mismatch"):
            work(study)
    work(study)
    assert states(study) == ["finished", "failed", "finished", "finished"]


def test_two_workers_share_a_study(backend: FakeBackend, study: RunningStudy) -> None:
    children = [in_a_process(lambda: work(study)) for _ in range(2)]
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    work(study)
    assert states(study) == ["finished"] * 4
    assert backend.begun == [], "something was left to do"


@pytest.mark.parametrize(
    "error",
    [
        BackendError("its loss is NaN"),
        ZeroDivisionError("division by zero"),
        ValueError("no such shape"),
        RuntimeError("CUDA out of memory. Tried to allocate 9 GiB."),
    ],
    ids=["BackendError", "ZeroDivisionError", "ValueError", "CUDA out of memory"],
)
def test_a_failing_trial_does_not_end_the_study(
    error: Exception, backend: FakeBackend, study: RunningStudy
) -> None:
    def fail(settings: dict[str, Any], epoch: int) -> None:
        if len(backend.begun) == 2 and epoch == 2:
            raise error

    backend.before = fail
    work(study)
    assert states(study) == ["finished", "failed", "finished", "finished"]
    assert trials(study)[1].message == f"{type(error).__name__}: {error}"
    assert not list(Path("store/runs").glob("*.part"))


def test_a_start_that_cannot_be_trained_ends_the_search(
    backend: FakeBackend, study: RunningStudy
) -> None:
    def fail(settings: dict[str, Any], epoch: int) -> None:
        raise BackendError("no such model")

    backend.before = fail
    for _ in range(5):
        with refused(BackendError, "cannot be trained", "BackendError: no such model"):
            work(study)
    backend.before = lambda settings, epoch: None
    work(study)
    assert states(study) == ["finished"] * 4


def test_a_broken_store_fails_no_trial(backend: FakeBackend, study: RunningStudy) -> None:
    def full(settings: dict[str, Any], epoch: int) -> None:
        if len(backend.begun) == 2:
            raise StoreError("the disk is full")

    backend.before = full
    with pytest.raises(StoreError):
        work(study)
    assert states(study) == ["finished", "unfinished"]


RULES = {"median": "below the median after epoch {}", "halving": "after epoch {}, of which"}


@pytest.mark.parametrize("rule", RULES)
def test_a_hopeless_trial_is_given_up_and_leaves_nothing(rule: str, backend: FakeBackend) -> None:
    study = a_study(pruning=rule, trials=12)
    work(study)
    pruned = [trial for trial in trials(study) if trial.state == "pruned"]
    assert pruned
    for trial in pruned:
        assert len(trial.epochs) in (range(2, EPOCHS) if rule == "median" else rungs(EPOCHS, 3))
        assert RULES[rule].format(len(trial.epochs)) in trial.message
    finished = states(study).count("finished")
    entries = [path for path in Path("store/runs").iterdir() if path.is_dir()]
    assert len(entries) == finished == 12 - len(pruned)


def test_an_epoch_that_was_committed_but_not_noted_is_judged_all_the_same(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two: resumed, the trial must be given up where it would have been."""
    study = a_study(pruning="median", trials=12)
    work(study)
    first = next(trial for trial in trials(study) if trial.state == "pruned")
    whole = facts(study)
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
        work(study)
    monkeypatch.setattr(Journal, "write_epoch", write)
    work(study)
    assert facts(study) == whole


def test_a_half_written_line_of_the_journal_is_cut_off(
    backend: FakeBackend, study: RunningStudy
) -> None:
    work(study)
    journal = Journal(study.key).folder / "journal.log"
    before = facts(study)
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"wor')
    work(changed(study, trials=5))
    assert facts(study)[:4] == before
    assert states(study) == ["finished"] * 5


def test_a_line_that_another_worker_is_writing_is_not_cut_off(
    backend: FakeBackend, study: RunningStudy
) -> None:
    work(study)
    file = Journal(study.key).folder / "journal.log"
    before = file.read_bytes()
    line = before.splitlines(keepends=True)[-1]
    lock = JournalFileOpenLock(str(file))
    lock.acquire()
    with file.open("ab", buffering=0) as journal:
        journal.write(line[:9])
        child = in_a_process(lambda: Journal(study.key))
        time.sleep(0.5)
        journal.write(line[9:])
    lock.release()
    child.join(60)
    assert child.exitcode == 0
    assert file.read_bytes().startswith(before + line)


def test_a_worker_that_dies_while_it_writes_stops_no_other(
    backend: FakeBackend, study: RunningStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(changed(study, trials=1))
    monkeypatch.setattr(JournalFileOpenLock.__init__, "__defaults__", (3,))  # seconds of grace

    def die() -> None:
        monkeypatch.setattr(os, "fsync", lambda number: os.kill(os.getpid(), signal.SIGKILL))
        work(study)

    in_a_process(die).join(60)
    assert list(Path("store/searches").rglob("journal.log.lock"))
    child = in_a_process(lambda: work(study))
    child.join(30)
    child.kill()
    assert child.exitcode == 0
    assert states(study) == ["finished"] * 4


def test_a_run_with_the_settings_of_a_trial_is_trained_once(
    backend: FakeBackend, study: RunningStudy
) -> None:
    """Also the other way round: a trial adopts what a run has trained."""
    work(study)
    work(changed(study, seed=1, trials=1))
    assert len(backend.begun) == 4
    assert trials(changed(study, seed=1))[0].epochs == trials(study)[0].epochs


FEWER_CHOICES = SPACE | {"z": ChoicesSpec(choices=("a", "b"))}


@pytest.mark.parametrize(
    ("settings", "same"),
    [
        pytest.param({"trials": 9}, True, id="trials"),
        pytest.param({"trials": None, "hours": 1.0}, True, id="hours"),
        pytest.param({"start": START | {"fitness": {"recall": 1.0}}}, True, id="fitness"),
        pytest.param({"space": dict(reversed(SPACE.items()))}, True, id="order of the space"),
        pytest.param({"start": START | {"epochs": 5}}, False, id="epochs"),
        pytest.param({"space": FEWER_CHOICES}, False, id="choices"),
        pytest.param({"engine": "tpe"}, False, id="engine"),
        pytest.param({"seed": 1}, False, id="seed"),
        pytest.param({"pruning": "median"}, False, id="pruning"),
        pytest.param({"backend": "other"}, False, id="backend"),
    ],
)
def test_which_settings_make_another_study(settings: dict[str, Any], same: bool) -> None:
    assert (a_study(**settings).key == a_study().key) is same


@pytest.mark.parametrize(
    ("parts", "same"),
    [
        pytest.param({"threads": 2}, True, id="threads"),
        pytest.param({"pretrained": Path("a.pt")}, True, id="path of the checkpoint"),
        pytest.param({"code": "other"}, False, id="code"),
        pytest.param({"inputs": TrainingInputs("a", "other")}, False, id="inputs"),
    ],
)
def test_what_beside_the_settings_makes_another_study(parts: dict[str, Any], same: bool) -> None:
    assert (replace(a_study(), **parts).key == a_study().key) is same


@pytest.mark.parametrize("engine", sorted(engines.REQUIRED_PACKAGES))
def test_a_missing_package_is_named(
    engine: str, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with refused(BackendError, f"`{engine}`", engines.REQUIRED_PACKAGES[engine], "make venv"):
        work(a_study(engine=engine))
