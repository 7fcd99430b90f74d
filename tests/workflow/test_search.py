"""A search as a person runs it: interrupted, continued, enlarged, judged anew.

Only the quick backend's trainings are counted; predict and what follows are stand-ins.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from project import Project

pytestmark = pytest.mark.slow

COMMAND = ("snakemake", "--cores", "1")
SEARCHED = """\
title: A search
base: {backend: quick, epochs: 4}
search:
  space:
    lr0: {min: 1e-4, max: 1, log: true}
    momentum: {min: 0.5, max: 0.99}
  trials: 4
  seed: 5
"""
PLACE = "results/compare/search/tpe-seed5"
RESULTS = Counter({"plot": 1, "report": 1})
OF_TUNED = Counter({"train tuned-s0": 1, "predict tuned-s0": 1, "validate tuned-s0": 1})


def trained(project: Project, event: str) -> Counter[str]:
    """How often each learning rate was trained: `begin`, `epoch` or `end`."""
    text = project.trained.read_text() if project.trained.exists() else ""
    return Counter(re.findall(rf"^{event} .*?lr0=(\S+)", text, re.M))


def wait_for(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def rows(project: Project) -> list[dict[str, str]]:
    with (project.root / PLACE / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def winner(project: Project) -> int:
    choice = project.root / "results/compare/choices/tpe-seed5/start.json"
    return int(json.loads(choice.read_text())["trial"])


def origin(trial: int) -> list[dict[str, object]]:
    """What the record of a run says that began with a trial."""
    return [{"experiment": "compare", "name": "tpe-seed5", "trial": trial}]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study of four trials whose worker was killed in the middle of one."""
    project = Project.new(tmp_path_factory.mktemp("search") / "finished", quick_backend=True)
    project.write("config/experiments/compare.yaml", SEARCHED)
    duration = project.root.parent / "seconds"
    duration.write_text("0.4")
    driver = project.start(*COMMAND, f"{PLACE}/trials.csv", QUICK_SECONDS=str(duration))
    wait_for(lambda: trained(project, "begin").total() > 1)
    duration.write_text("240")
    wait_for(lambda: trained(project, "begin") != trained(project, "end"))
    process = re.findall(r"process=(\d+)", project.trained.read_text())[-1]
    os.kill(int(process), signal.SIGKILL)
    assert driver.wait(60) != 0
    assert trained(project, "begin") != trained(project, "end"), "none was in hand"
    project.snakemake(*COMMAND[1:])
    return project


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    project = finished.copy(tmp_path / "project")
    project.jobs()
    return project


def test_a_killed_worker_costs_nothing(finished: Project) -> None:
    assert [row["state"] for row in rows(finished)] == ["finished"] * 4
    trials = Counter(row["lr0"] for row in rows(finished))
    runs = Counter(rows(finished)[number]["lr0"] for number in (0, winner(finished)))
    assert trained(finished, "end") == trials + runs, "a run is a training of its own"
    assert trained(finished, "begin").total() == 4 + 1 + 2
    assert trained(finished, "epoch").total() == 4 * (4 + 2), "an epoch was trained twice"
    record = json.loads((finished.root / "results/compare/runs/tuned-s0/record.json").read_text())
    assert not record["adopted"], "a tuned run is its own lucky trial"
    assert record["started_from"] == origin(winner(finished))
    assert f"{record['settings']['lr0']}" == rows(finished)[winner(finished)]["lr0"]
    assert finished.plan() == Counter()


def rank_anew(_: object) -> None:
    """Print what `verify` says of studies alone, for stand-ins made the scores."""
    from fairtrial.commands import _recomputed
    from fairtrial.planning.plan import Plan

    _recomputed.COMPUTED = {"study": _recomputed.compute_study}
    again = _recomputed.recomputed(Plan.read())
    print(json.dumps([again.same, [problem[:2] for problem in again.problems], again.notes]))


def test_a_ranking_that_does_not_follow_from_the_trials_is_found(project: Project) -> None:
    table = project.root / PLACE / "trials.csv"
    names = [f"{PLACE}/{name}" for name in ("trials.csv", "best.yaml", "summary.json")]
    names.append(f"{PLACE}/timings.json")
    assert json.loads(project.forked(rank_anew, (), True, {})) == [names, [], []]
    table.write_text(table.read_text().replace("finished", "pruned", 1))
    same, problems, _ = json.loads(project.forked(rank_anew, (), True, {}))
    assert (same, [name for name, _ in problems]) == (names[1:], names[:1])
    shutil.rmtree(project.root / "store/searches")
    same, problems, notes = json.loads(project.forked(rank_anew, (), True, {}))
    assert (same, problems, len(notes)) == ([], [], 1)
    assert "tpe-seed5" in notes[0]


def test_the_board_shows_a_search(project: Project) -> None:
    board = project.status()
    (row,) = board["studies"]
    states = {run["run"]: run["state"] for run in board["runs"]}
    assert states == {"base-s0": "done", "tuned-s0": "done"}
    assert (row["run"], row["state"]) == ("tpe-seed5", "done")
    assert row["note"].startswith("4 of 4 trials: 4 finished; ")
    assert row["best"] == max(float(trial["fitness"]) for trial in rows(project))
    project.edit("config/experiments/compare.yaml", "trials: 4", "trials: 7")
    assert project.status()["studies"][0]["state"] == "waiting"


def test_a_larger_budget_trains_what_is_new(project: Project) -> None:
    before = rows(project)
    project.edit("config/experiments/compare.yaml", "trials: 4", "trials: 7")
    planned = project.plan()
    assert {"search", "study"} <= set(planned)
    project.snakemake(*COMMAND[1:])
    assert trained(project, "begin").total() == 3
    assert rows(project)[:4] == before
    assert winner(project) < 4, "choose a seed for which more trials find no better one"
    assert project.jobs() == RESULTS + Counter({"choose": 1}), (
        "the winner is the same, and so are its weights"
    )
    assert project.plan() == Counter()


def test_another_fitness_trains_no_trial(project: Project) -> None:
    before = winner(project)
    project.edit("config/experiments/compare.yaml", "epochs: 4", "epochs: 4, fitness: {recall: 1}")
    project.snakemake(*COMMAND[1:])
    assert winner(project) != before
    rates = {row["lr0"] for row in (rows(project)[0], rows(project)[winner(project)])}
    assert set(trained(project, "end")) == rates, "only the runs: which epoch they keep depends"
    assert {row["recall"] == row["fitness"] for row in rows(project)} == {True}


def test_the_winner_is_trained_for_longer(project: Project) -> None:
    project.edit(
        "config/experiments/compare.yaml",
        "search:",
        "runs: {tuned: {from: compare/tpe-seed5, epochs: 9}}\nsearch:",
    )
    project.snakemake(*COMMAND[1:])
    assert trained(project, "end") == {rows(project)[winner(project)]["lr0"]: 1}
    assert project.jobs() == OF_TUNED + RESULTS


def test_a_study_whose_store_is_elsewhere_is_made_again_as_its_message_says(
    project: Project,
) -> None:
    """As after a clone and `dvc pull`, which bring results but no store."""
    shutil.rmtree(project.root / "store/searches")
    sweep = "grid: {from: [compare/tpe-seed5], best: [1, recall]}\nsearch:"
    project.edit("config/experiments/compare.yaml", "search:", sweep)
    project.snakemake(*COMMAND[1:], check=False)
    logs = [path.read_text() for path in project.root.glob("logs/compare/choose/*@*.log")]
    assert any("`snakemake --forcerun search`" in log for log in logs)
    assert not (project.root / "store/searches").exists()
    project.snakemake(*COMMAND[1:], "--forcerun", "search")
    recalls = [float(row["recall"]) for row in rows(project)]
    for value, number in (("1", 1), ("recall", recalls.index(max(recalls)))):
        (run,) = project.root.glob(f"results/compare/runs/best={value}+*/record.json")
        record = json.loads(run.read_text())
        assert record["started_from"] == origin(number)
        assert f"{record['settings']['lr0']}" == rows(project)[number]["lr0"]


def test_objectives_are_measured_and_shown_without_training_a_trial_again(
    project: Project,
) -> None:
    """Without pruning it is another study, whose first trials are entries of the store."""
    more = "runs: {fast: {from: compare/tpe-seed5, best: ms}}\nsearch:\n  objectives: [AP, ms]"
    project.edit("config/experiments/compare.yaml", "search:", more)
    project.snakemake(*COMMAND[1:])
    assert {row["ms"] for row in rows(project)} == {"1.2"}, "what the quick backend says"
    best = max(rows(project), key=lambda row: float(row["AP"]))
    assert [row["trial"] for row in rows(project) if row["front"] == "true"] == [best["trial"]]
    start = json.loads(
        (project.root / "results/compare/choices/tpe-seed5@ms/start.json").read_text()
    )
    assert str(start["trial"]) == best["trial"], "of equal times the one with the higher AP"
    assert trained(project, "begin").total() == 0, "its run is that of the winner before"
    assert project.plan() == Counter()


ENGINES = """\
title: Which engine?
base: {backend: quick, epochs: 2}
search:
  space: {lr0: {min: 1e-4, max: 1, log: true}, momentum: {min: 0.5, max: 0.99}}
  trials: 3
  engine: [tpe, random]
  datasets: [shapes_folds]
  pruning: off
"""


def test_engines_are_compared_on_folds(tmp_path: Path) -> None:
    """The question `engines`, in small: a study of each engine on each fold, one figure of all."""
    project = Project.new(tmp_path / "project", quick_backend=True)
    folds = "source: shapes\nsplit: {method: kfold, folds: 3, seed: 0}\n"
    project.write("config/datasets/shapes_folds.yaml", folds)
    project.write("config/experiments/compare.yaml", ENGINES)
    project.snakemake(*COMMAND[1:])
    studies = {
        path.parent.name for path in project.root.glob("results/compare/search/*/trials.csv")
    }
    assert studies == {
        f"shapes_folds.fold{fold}-{engine}-seed0"
        for fold in (1, 2, 3)
        for engine in ("tpe", "random")
    }
    # `tpe` begins as `random` does: three trials on each fold, each trained once; and the run.
    assert trained(project, "end").total() == 3 * 3 + 1
    assert project.plan() == Counter()
