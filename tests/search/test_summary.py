"""What is told of a study: by the present fitness, and equal for equal trials."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fairtrial import BackendError, SettingsError, StoreError
from fairtrial.search.worker import Task, work
from fairtrial.stages.study import study

from .conftest import SPACE, START, Framework, a_task

RECALL = {"recall": 1.0}


def judged(task: Task, folder: str = "tpe-seed0", **changed: Any) -> Path:
    """The study's results, as its stage writes them."""
    place = Path(folder)
    place.mkdir(exist_ok=True)
    (place / "1.json").write_text(json.dumps({"study": task.key}))
    settings = {
        "space": SPACE,
        "engine": "tpe",
        "seed": 0,
        "trials": 4,
        "hours": None,
        "fitness": None,
        "dataset": "shapes",
        "chosen": [],
    }
    study(
        settings=settings | changed,
        workers=[place / "1.json"],
        trials=place / "trials.csv",
        best=place / "best.yaml",
        summary=place / "summary.json",
        timings=place / "timings.json",
        choices=place / "choices",
    )
    return place


def rows(place: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((place / "trials.csv").open()))


def test_the_best_is_the_one_with_the_highest_fitness(framework: Framework, task: Task) -> None:
    work(task)
    place = judged(task)
    best = max(rows(place), key=lambda row: float(row["fitness"]))
    found = json.loads((place / "choices/best.json").read_text())
    assert found["trial"] == int(best["trial"]) != 0
    x, y, z = (found["values"][name] for name in "xyz")
    assert (best["x"], best["y"], best["z"]) == (str(x), str(y), z or "null")
    text = (place / "best.yaml").read_text()
    assert text == (
        f"# Trial {found['trial']} of tpe-seed0: AP = {float(best['fitness']):.4g} on val of "
        f"shapes\nx: {x}\ny: {y}\nz: {json.dumps(z)}\n"
    )


def test_another_fitness_judges_the_stored_trials_anew(framework: Framework, task: Task) -> None:
    work(task)
    before = judged(task)
    first = json.loads((before / "summary.json").read_text())
    after = judged(task, "recall", fitness=RECALL)
    second = json.loads((after / "summary.json").read_text())
    assert len(framework.begun) == 4
    assert first["best"] != second["best"]
    assert second["fitness"] == "recall"
    for old, new in zip(rows(before), rows(after), strict=True):
        assert old["AP"] == old["fitness"] and new["recall"] == new["fitness"]
        assert (old["best_epoch"], new["best_epoch"]) == ("4", "1")


def test_later_trials_are_drawn_by_the_present_fitness(framework: Framework) -> None:
    """The values that Optuna's journal holds are those of an earlier one."""
    task = a_task(engine="tpe", trials=8)
    work(task)
    work(replace(task, trials=9))
    other = replace(task, start=START | {"fitness": RECALL}, trials=9, seed=0)
    ninth = framework.begun[8]
    Path("store").rename("before")
    framework.begun.clear()
    work(task)
    work(other)
    shared = {name: framework.begun[8][name] for name in SPACE}
    assert shared != {name: ninth[name] for name in SPACE}


def test_trials_beyond_the_budget_are_left_out(framework: Framework, task: Task) -> None:
    work(task)
    small = judged(task, trials=2)
    work(replace(task, trials=6))
    assert len(rows(small)) == 2
    assert (judged(task, "tpe-seed0", trials=2) / "trials.csv").read_text() == (
        small / "trials.csv"
    ).read_text()


def test_any_trial_can_be_chosen(framework: Framework, task: Task) -> None:
    work(task)
    place = judged(task, chosen=[2])
    found = json.loads((place / "choices/2.json").read_text())
    assert found["study"] == "tpe-seed0"
    assert START | found["values"] == framework.begun[2]
    with pytest.raises(SettingsError, match="from_search: 4: the search has 4 trials, 0 to 3"):
        judged(task, chosen=[4])


def test_importance_finds_the_parameter_that_matters(framework: Framework) -> None:
    """`z` has no effect in the framework of these tests."""
    task = a_task(trials=30)
    work(task)
    summary = json.loads((judged(task, trials=30) / "summary.json").read_text())
    assert set(summary["importance"]) == set(SPACE)
    assert min(summary["importance"], key=summary["importance"].__getitem__) == "z"
    assert sum(summary["importance"].values()) == pytest.approx(1, abs=1e-5)
    assert summary["epochs"] == 120
    assert summary["states"] == {"failed": 0, "finished": 30, "pruned": 0, "unfinished": 0}


def test_the_clock_stands_in_one_file(framework: Framework, task: Task, tmp_path: Path) -> None:
    work(task)
    first = judged(task)
    Path("store").rename("before")
    work(task)
    second = judged(task, "again/tpe-seed0") if Path("again").mkdir() is None else first
    for name in ("trials.csv", "best.yaml", "summary.json", "choices/best.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert set(json.loads((first / "timings.json").read_text())) == {"0", "1", "2", "3"}


def test_without_a_finished_trial_there_is_no_best(framework: Framework, task: Task) -> None:
    def stop(settings: dict[str, Any], epoch: int) -> None:
        raise KeyboardInterrupt

    framework.before = stop
    with pytest.raises(KeyboardInterrupt):
        work(task)
    with pytest.raises(BackendError, match="no trial was finished"):
        judged(task)


def test_a_study_that_is_not_in_the_store_is_not_blamed(framework: Framework, task: Task) -> None:
    """As after a clone, which brings results but no store."""
    place = f"store/searches/{task.key}/journal.log"
    with pytest.raises(StoreError, match=rf"^{place}: .*`snakemake --forcerun search`"):
        judged(task)
    assert not Path("store").exists()
