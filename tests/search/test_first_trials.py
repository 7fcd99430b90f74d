"""Trials of another study with which a study begins: none is trained twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fairtrial.files.modelfile import write_model
from fairtrial.search.first_trials import first_trials
from fairtrial.search.journal import stored_trials, within_budget
from fairtrial.search.study_files import WorkerResult
from fairtrial.search.worker import RunningStudy, work
from fairtrial.settings.study import RangeSpec

from .conftest import EPOCHS, SPACE, START, FakeBackend, changed


def behind(study: RunningStudy, other: RunningStudy) -> RunningStudy:
    """`study`, beginning with the trials of `other`."""
    worker = Path("worker.json")
    write_model(worker, WorkerResult(study=other.key))
    return replace(study, first=first_trials(study, [worker]))


def test_finished_trials_of_an_equal_start_come_first_and_are_not_trained(
    backend: FakeBackend, study: RunningStudy
) -> None:
    work(study)
    before = backend.epochs
    second = behind(changed(study, seed=9, trials=3), study)
    work(second)
    assert backend.epochs == before + 3 * 4, "three trials of its own, of four epochs"
    trials = stored_trials(second.key)
    assert [trial.params for trial in trials[:4]] == [t.params for t in stored_trials(study.key)]
    assert [trial.is_first for trial in trials] == [True] * 4 + [False] * 3
    assert [t.epochs for t in trials[:4]] == [t.epochs for t in stored_trials(study.key)]
    assert len(within_budget(trials, 2)) == 4 + 2
    work(second)
    assert backend.epochs == before + 3 * 4, "nothing is left to do"


def test_only_trials_of_its_own_space_come_first(backend: FakeBackend, study: RunningStudy) -> None:
    work(study)
    known = [t.params for t in stored_trials(study.key)]
    narrow = RangeSpec(low=0.4, high=0.6, log=True, step=None, integer=False)
    second = behind(changed(study, space=SPACE | {"x": narrow}), study)
    assert [t.params for t in second.first] == [p for p in known if 0.4 <= float(p["x"]) <= 0.6]
    assert 0 < len(second.first) < len(known)


def test_trials_of_other_data_or_code_do_not_come_first(
    backend: FakeBackend, study: RunningStudy
) -> None:
    work(study)
    assert behind(replace(study, code="other"), study).first == ()
    other = replace(study.inputs, annotations="other")
    assert behind(replace(study, inputs=other), study).first == ()


RECALL = START | {"fitness": {"recall": 1.0}}


def test_another_fitness_takes_the_trials_and_judges_them_anew(
    backend: FakeBackend, study: RunningStudy
) -> None:
    """Also a third search, which begins with what the second took from the first."""
    work(study)
    second = behind(changed(study, engine="tpe", seed=9, trials=1, start=RECALL), study)
    work(second)
    assert backend.epochs == (4 + 1) * EPOCHS
    taken = stored_trials(second.key)[:4]
    recalls = [max(epoch["recall"] for epoch in t.epochs) for t in stored_trials(study.key)]
    assert [t.with_values({"recall": 1.0}).value for t in taken] == recalls
    third = behind(changed(study, seed=5, trials=0), second)
    assert [first.fitness for first in third.first] == [None] * 4 + [{"recall": 1.0}]
    work(third)
    assert len(stored_trials(third.key)) == 5
    assert backend.epochs == (4 + 1) * EPOCHS, "trained twice"


def test_a_training_that_its_own_fitness_would_have_ended_does_not_come_first(
    backend: FakeBackend, study: RunningStudy
) -> None:
    """In the tests' backend recall falls from the first epoch on."""
    patient = changed(study, start=START | {"patience": 2})
    work(patient)
    assert len(behind(changed(patient, seed=9), patient).first) == 4
    assert behind(changed(patient, start=RECALL | {"patience": 2}), patient).first == ()
    patient = changed(study, start=START | {"patience": 3})
    work(patient)
    assert len(behind(changed(patient, start=RECALL | {"patience": 3}), patient).first) == 4


def test_what_comes_first_is_part_of_the_key(backend: FakeBackend, study: RunningStudy) -> None:
    work(study)
    second = changed(study, seed=9)
    assert behind(second, study).key != second.key


def test_a_genetic_search_begins_with_them_too(backend: FakeBackend, study: RunningStudy) -> None:
    work(study)
    second = behind(changed(study, engine="ga", trials=12), study)
    work(second)
    assert len(stored_trials(second.key)) == 4 + 12
