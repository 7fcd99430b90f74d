"""The evaluation of a study: by the present fitness, and equal for equal trials."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from facts import refused
from fairtrial import BackendError, SettingsError, StoreError
from fairtrial.files.modelfile import write_model
from fairtrial.results.study import FinishedStudy
from fairtrial.search.study_files import WorkerResult
from fairtrial.search.worker import RunningStudy, work
from fairtrial.settings.study import (
    ChoicesSpec,
    ChooseSettings,
    RangeSpec,
    StudyChoiceSettings,
    StudyStageSettings,
)
from fairtrial.stages.choose import choose
from fairtrial.stages.study import study as stage

from .conftest import SPACE, START, FakeBackend, a_study, changed

RECALL = {"recall": 1.0}


def evaluate(study: RunningStudy, folder: str = "tpe-seed0", **settings: Any) -> Path:
    """The study's results, as its stage writes them."""
    place = Path(folder)
    place.mkdir(exist_ok=True)
    (place / "1.json").write_text(json.dumps({"study": study.key}))
    defaults: dict[str, Any] = {
        "name": "tpe-seed0",
        "space": SPACE,
        "engine": "tpe",
        "seed": 0,
        "trials": 4,
        "hours": None,
        "fitness": None,
        "dataset": "shapes",
    }
    stage(
        settings=StudyStageSettings(**(defaults | settings)),
        workers=[place / "1.json"],
        trials=place / "trials.csv",
        best=place / "best.yaml",
        summary=place / "summary.json",
        timings=place / "timings.json",
    )
    return place


def chosen(study: RunningStudy, best: int | str | None = None, **told: Any) -> dict[str, Any]:
    """What the stage `choose` takes of a study of four trials; `told`: other settings of it."""
    worker, start = Path("worker.json"), Path("start.json")
    write_model(worker, WorkerResult(study=study.key))
    settings: dict[str, Any] = {"trials": 4, "fitness": None, "backend": "fake", "start": START}
    choice = StudyChoiceSettings(best=best, **(settings | told))
    choose(
        settings=ChooseSettings(
            experiment="a", name="tpe-seed0", runs=(), rank_by="AP", study=choice
        ),
        results=Path(),
        data=Path(),
        scores=[],
        records=[],
        trained=[],
        workers=[worker],
        start=start,
        weights=Path("weights.json"),
        verdict=Path("verdict.json"),
    )
    content: dict[str, Any] = json.loads(start.read_text())
    return content


def rows(place: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((place / "trials.csv").open()))


def test_the_best_is_the_one_with_the_highest_fitness(
    backend: FakeBackend, study: RunningStudy
) -> None:
    work(study)
    place = evaluate(study)
    best = max(rows(place), key=lambda row: float(row["fitness"]))
    choice = chosen(study)
    assert choice["trial"] == int(best["trial"]) != 0
    x, y, z = (choice["settings"][name] for name in "xyz")
    assert (best["x"], best["y"], best["z"]) == (str(x), str(y), z or "null")
    text = (place / "best.yaml").read_text()
    assert text == (
        f"# Trial {choice['trial']} of tpe-seed0: AP = {float(best['fitness']):.4g} on val of "
        f"shapes\nx: {x}\ny: {y}\nz: {json.dumps(z)}\n"
    )


def test_another_fitness_judges_the_stored_trials_anew(
    backend: FakeBackend, study: RunningStudy
) -> None:
    work(study)
    before = evaluate(study)
    first = json.loads((before / "summary.json").read_text())
    after = evaluate(study, "recall", fitness=RECALL)
    second = json.loads((after / "summary.json").read_text())
    assert len(backend.begun) == 4
    assert first["best"] != second["best"]
    assert second["fitness"] == "recall"
    for old, new in zip(rows(before), rows(after), strict=True):
        assert old["AP"] == old["fitness"] and new["recall"] == new["fitness"]
        assert (old["best_epoch"], new["best_epoch"]) == ("4", "1")


def test_later_trials_are_drawn_by_the_present_fitness(backend: FakeBackend) -> None:
    """The values in Optuna's journal are those of an earlier fitness."""
    study = a_study(engine="tpe", trials=8)
    work(study)
    work(changed(study, trials=9))
    other = changed(study, start=START | {"fitness": RECALL}, trials=9, seed=0)
    ninth = backend.begun[8]
    Path("store").rename("before")
    backend.begun.clear()
    work(study)
    work(other)
    shared = {name: backend.begun[8][name] for name in SPACE}
    assert shared != {name: ninth[name] for name in SPACE}


def test_trials_beyond_the_budget_are_left_out(backend: FakeBackend, study: RunningStudy) -> None:
    work(study)
    small = evaluate(study, trials=2)
    work(changed(study, trials=6))
    assert len(rows(small)) == 2
    assert (evaluate(study, "tpe-seed0", trials=2) / "trials.csv").read_text() == (
        small / "trials.csv"
    ).read_text()


def test_any_trial_can_be_chosen(backend: FakeBackend, study: RunningStudy) -> None:
    work(study)
    choice = chosen(study, 2)
    assert (choice["experiment"], choice["name"], choice["trial"]) == ("a", "tpe-seed0", 2)
    assert choice["settings"] == backend.begun[2]
    with refused(SettingsError, "best: 4", "tpe-seed0", "4 trials", "0 to 3"):
        chosen(study, 4)


def test_the_best_trial_in_another_metric_can_be_chosen(
    backend: FakeBackend, study: RunningStudy
) -> None:
    work(study)
    recalls = [float(row["recall"]) for row in rows(evaluate(study))]
    choice = chosen(study, "recall")
    assert choice["trial"] == recalls.index(max(recalls))
    assert choice["trial"] != chosen(study)["trial"], "the metric must differ from the fitness"


def test_importance_finds_the_parameter_that_matters(backend: FakeBackend) -> None:
    """`z` has no effect in the backend of these tests."""
    study = a_study(trials=30)
    work(study)
    summary = json.loads((evaluate(study, trials=30) / "summary.json").read_text())
    assert set(summary["importance"]) == set(SPACE)
    assert min(summary["importance"], key=summary["importance"].__getitem__) == "z"
    assert sum(summary["importance"].values()) == pytest.approx(1, abs=1e-5)
    assert summary["epochs"] == 120
    assert summary["states"] == {"failed": 0, "finished": 30, "pruned": 0, "unfinished": 0}


def test_the_clock_stands_in_one_file(
    backend: FakeBackend, study: RunningStudy, tmp_path: Path
) -> None:
    work(study)
    first, choice = evaluate(study), chosen(study)
    Path("store").rename("before")
    work(study)
    second = evaluate(study, "again")
    assert chosen(study) == choice
    for name in ("trials.csv", "best.yaml", "summary.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert set(json.loads((first / "timings.json").read_text())) == {"0", "1", "2", "3"}


def test_without_a_finished_trial_there_is_no_best(
    backend: FakeBackend, study: RunningStudy
) -> None:
    def stop(settings: dict[str, Any], epoch: int) -> None:
        raise KeyboardInterrupt

    backend.before = stop
    with pytest.raises(KeyboardInterrupt):
        work(study)
    with refused(BackendError, "no trial has finished"):
        evaluate(study)


def test_a_study_that_is_not_in_the_store_is_refused_with_a_remedy(
    backend: FakeBackend, study: RunningStudy
) -> None:
    """As after a clone, which brings results but no store."""
    place = f"store/searches/{study.key}/journal.log"
    with refused(StoreError, f"{place}: ", "`snakemake --forcerun search`"):
        evaluate(study)
    assert not Path("store").exists()


def test_a_choice_may_be_called_like_a_formula(backend: FakeBackend) -> None:
    space = {
        "z": ChoicesSpec(choices=("=1+1", "b")),
        "x": RangeSpec(low=-1, high=1, log=False, step=None, integer=False),
    }
    study = a_study(space=space, start=START | {"x": -0.5, "z": "=1+1"}, trials=1)
    work(study)
    place = evaluate(study, space=space)
    assert "'=1+1" in (place / "trials.csv").read_text()
    read = FinishedStudy(place).trials[0]
    assert (read["z"], read["x"]) == ("=1+1", "-0.5")
