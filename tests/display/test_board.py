"""Counts of jobs, the lines of running trainings, and the board on a terminal."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest
from rich.console import Console

from fairtrial.display.board import Board, StageCount
from fairtrial.display.ending import ending
from fairtrial.display.terminal import Terminal
from fairtrial.display.trainings import running_lines
from fairtrial.files.modelfile import write_model
from fairtrial.search.progress import StudyProgress
from fairtrial.store.locks import holder
from fairtrial.training.progress import TrainingProgress

BOARD_LOG = "logs/e/train/{}.log"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def training(board: Board, number: int, run: str, **changed: object) -> Path:
    """Begin a training, and write its progress file."""
    log = BOARD_LOG.format(run)
    board.begin(number, "train", {"experiment": "e", "run": run}, [log])
    progress = TrainingProgress(
        run=run, settings="", key="", epochs=12, epoch=7, attempt=7, began=time.time() - 70,
        seconds=70.0, best=0.3124, best_epoch=5, holder=holder(), slurm=None, error=None,
    )  # fmt: skip
    file = Path(log).with_suffix(".json")
    write_model(file, progress.model_copy(update=changed))
    return file


def test_jobs_are_counted_by_stage_in_running_order() -> None:
    board = Board()
    board.plan({"validate": 2, "train": 2, "all": 1, "total": 5})
    for number, stage in ((1, "train"), (2, "train"), (3, "validate"), (0, "all")):
        board.begin(number, stage, {"run": f"r{number}"}, [])
    assert board.finish(1) is not None and board.finish(0) is None
    failed = board.fail(2)
    assert failed is not None and failed.title == "train r2"
    assert board.counts == [StageCount("train", 2, 1, 0), StageCount("validate", 2, 0, 1)]
    assert (board.planned, board.done, [job.name for job in board.failed]) == (4, 1, ["r2"])
    board.begin(2, "train", {"run": "r2"}, [])
    assert board.failed == [], "it is tried again"


def test_more_jobs_than_were_planned_are_counted_too() -> None:
    """A search's choice, or a split that came out otherwise, can bring jobs."""
    board = Board()
    board.plan({"train": 1})
    for number in (1, 2):
        board.begin(number, "train", {"run": f"r{number}"}, [])
    assert board.counts == [StageCount("train", 2, 0, 2)]


def test_a_training_that_runs_has_a_line() -> None:
    board = Board()
    training(board, 1, "a-s0")
    (line,) = running_lines(board.under_way).values()
    assert line == "a-s0: epoch 7 of 12, best 0.312 in epoch 5, 50 s left"  # ten seconds an epoch


@pytest.mark.parametrize("why", ["failed", "of an earlier attempt", "no file"])
def test_a_training_that_does_not_run_has_none(why: str) -> None:
    board = Board()
    file = training(board, 1, "a-s0", error="out of memory" if why == "failed" else None)
    if why == "of an earlier attempt":
        os.utime(file, (1, 1))
    if why == "no file":
        file.unlink()
    assert running_lines(board.under_way) == {}


@pytest.mark.parametrize(
    ("budget", "line"),
    [
        pytest.param({"trials": 40}, "s0: trial 12 of 40, best 0.500", id="trials"),
        pytest.param({"hours": 8.0}, "s0: trial 12, 1.5 of 8 h, best 0.500", id="hours"),
    ],
)
def test_a_search_has_one_line_whatever_its_workers(budget: dict, line: str) -> None:
    board = Board()
    for worker in ("0", "1"):
        wildcards = {"experiment": "e", "study": "s0", "worker": worker}
        board.begin(int(worker), "search", wildcards, [f"logs/e/search/s0-{worker}.log"])
    study = StudyProgress(
        settings="", key="", trials=budget.get("trials"), hours=budget.get("hours"),
        states={"finished": 9, "unfinished": 3}, seconds=5400.0, best=0.5, over=False,
    )  # fmt: skip
    write_model(Path("logs/e/search/s0.json"), study)
    assert list(running_lines(board.under_way).values()) == [line]


def test_the_board_fits_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board()
    board.plan({"train": 30, "report": 1})
    for number in range(20):
        training(board, number, f"run{number}-s0")
    terminal = Terminal(board)
    terminal._console = console = Console(width=60, height=10, record=True, file=io.StringIO())
    console.print(terminal.view())
    lines = console.export_text().splitlines()
    assert len(lines) < 10
    assert "0 of 30, 20 under way" in lines[0]
    assert lines[2].strip().startswith("run0-s0: epoch 7 of 12")
    assert "15 more" in lines[-1]


def test_the_answer_is_said_of_a_report_that_is_new() -> None:
    folder = Path("results/e")
    folder.mkdir(parents=True)
    assert ending("e", since=0.0) == ""
    (folder / "answer.txt").write_text("A is best.\n")
    (folder / "report.pdf").touch()
    now = time.time()
    assert ending("e", since=now - 60) == "A is best.\n\nReport: results/e/report.pdf"
    assert ending("e", since=now + 60) == "", "`snakemake trained` makes no report"


def test_a_report_that_dvc_could_record_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("results/e").mkdir(parents=True)
    Path("results/e/report.pdf").touch()
    Path(".dvc").mkdir()
    monkeypatch.delenv("DVC_STAGE", raising=False)
    assert "dvc repro" in ending("e", since=0.0)
    monkeypatch.setenv("DVC_STAGE", "workflow")
    assert "dvc repro" not in ending("e", since=0.0)
