"""Snakemake's messages in short, as records of its logger."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fairtrial.display.messages import SNAKEMAKES, ShortMessages, shorten_messages

OPTIONS = SimpleNamespace(
    dryrun=False, printshellcmds=False, verbose=False, debug_dag=False, quiet=None
)
LOG = ".snakemake/log/now.log"


class Snakemakes(logging.Handler):
    """Stands for Snakemake's handler. pytest changes standard error between fixture and test."""

    def emit(self, record: logging.LogRecord) -> None:
        print(record.msg, file=sys.stderr)


@pytest.fixture
def logger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """Snakemake's logger, with its own handler, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("snakemake.logging")
    monkeypatch.setattr(logger, "handlers", [Snakemakes()])
    monkeypatch.setattr(logger, "propagate", False)
    logger.handlers[0].name = SNAKEMAKES
    logger.setLevel(logging.INFO)
    return logger


@pytest.fixture
def rests(logger: logging.Logger) -> list[str]:
    """Takes the handler's place; the list grows where nothing was to be done."""
    rests: list[str] = []
    assert shorten_messages(OPTIONS, lambda: [str(Path(LOG).resolve())], lambda: rests.append(""))
    return rests


def close(logger: logging.Logger) -> None:
    """As Snakemake does at its end."""
    (ours,) = [handler for handler in logger.handlers if isinstance(handler, ShortMessages)]
    ours.close()


def say(logger: logging.Logger, text: str | None, event: str = "", level: int = 20, **of: Any):
    logger.log(level, text, extra={"event": event or None} | of)


def start(logger: logging.Logger, **counts: int) -> None:
    say(logger, "Job stats: …", "run_info", stats=counts | {"total": sum(counts.values())})


def begin(logger: logging.Logger, number: int, rule: str, log: str = "", **wildcards: str) -> None:
    place = f"logs/{rule}.log"
    logs = [log or place]
    say(logger, "", "job_info", jobid=number, rule_name=rule, wildcards=wildcards, log=logs)


def write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines on standard error, without the time at the front."""
    lines = capsys.readouterr().err.splitlines()
    return [line[9:] if line[2:3] == ":" == line[5:6] else line for line in lines]


def test_a_workflow_in_short(
    logger: logging.Logger, rests: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    say(logger, "Building DAG of jobs...")
    start(logger, all=1, train=2, split=1)
    begin(logger, 3, "split", dataset="shapes")
    say(logger, "Finished jobid: 3 (Rule: split)", "job_finished", job_id=3)
    begin(logger, 1, "train", experiment="e", run="a-s0")
    say(logger, "Select jobs to execute...")
    say(logger, None, "progress", done=2, total=4)
    say(logger, "Finished jobid: 1 (Rule: train)", "job_finished", job_id=1)
    begin(logger, 0, "all")
    say(logger, "Finished jobid: 0 (Rule: all)", "job_finished", job_id=0)
    assert said(capsys) == [
        "3 jobs: 1 split, 2 train",
        f"All that Snakemake says: {LOG}",
        "split shapes done, 1 of 3",
        "train a-s0 begins",
        "train a-s0 done, 2 of 3",
    ]
    assert not rests


def test_a_failed_job_shows_the_end_of_its_own_log(
    logger: logging.Logger, rests: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    start(logger, train=2)
    begin(logger, 1, "train", run="a-s0")
    write("logs/train.log", "".join(f"line {number}\n" for number in range(50)) + "it broke\n")
    of = {"jobid": 1, "rule_name": "train", "rule_msg": None, "log": ["logs/train.log"]}
    say(logger, "Error in rule train", "job_error", 40, **of)
    say(logger, "RuleException:\nCalledProcessError in file x:\nCommand …", "error", 40)
    say(logger, "Exiting because a job execution failed. Look above", level=40)
    say(logger, "WorkflowError:\nAt least one job did not complete successfully.", "error", 40)
    lines = said(capsys)[3:]
    assert lines[0] == "train a-s0 failed"
    assert lines[1:11] == [*(f"    line {number}" for number in range(41, 50)), "    it broke"]
    assert lines[11] == "  log: logs/train.log"
    assert "0 of 2 jobs done" in lines[12] and "train a-s0 failed" in lines[12]
    assert len(lines) == 13


def test_of_jobs_that_slurm_took_as_one_the_failed_one_is_shown(
    logger: logging.Logger, rests: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    start(logger, train=1, predict=1)
    write("logs/predict.log", "of yesterday\n")
    os.utime("logs/predict.log", (0, 0))
    begin(logger, 2, "predict", run="a-s0")
    begin(logger, 1, "train", run="a-s0")
    write("logs/train.log", "epoch 3\n")
    write("slurm/7.log", "many words\nslurmstepd: error: *** CANCELLED DUE TO TIME LIMIT ***\n")
    infos = [{"jobid": 1}, {"jobid": 2}]
    of = {"aux_logs": ["slurm/7.log"], "job_error_info": infos, "external_jobid": "7"}
    say(logger, "Error in group run", "group_error", 40, **of)
    for number, rule in ((2, "predict"), (1, "train")):
        of = {"jobid": number, "rule_name": rule, "rule_msg": None, "log": []}
        say(logger, f"Error in rule {rule}", "job_error", 40, **of)
    say(logger, "Trying to restart job 1.")
    assert said(capsys)[3:] == [
        "train a-s0 failed: job 7 of the queue",
        "    epoch 3",
        "    slurmstepd: error: *** CANCELLED DUE TO TIME LIMIT ***",
        "  log: logs/train.log",
        "  log: slurm/7.log",
        "  it is tried again",
    ]


def test_a_job_without_a_log_of_its_own_shows_what_slurm_kept(
    logger: logging.Logger, rests: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    start(logger, validate=1)
    begin(logger, 1, "validate", run="a-s0")
    write("slurm/7.log", "the node is gone\n")
    message = "SLURM status is: 'NODE_FAIL'. For further error details see the cluster log"
    logs = ["logs/validate.log", "slurm/7.log"]
    of = {"jobid": 1, "rule_name": "validate", "rule_msg": message, "log": logs}
    say(logger, "Error in rule validate", "job_error", 40, **of)
    assert said(capsys)[2:] == [
        "validate a-s0 failed: SLURM status is: 'NODE_FAIL'.",
        "    the node is gone",
        "  log: slurm/7.log",
    ]


def test_an_error_before_any_job_stands_alone(
    logger: logging.Logger, rests: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    say(logger, "Building DAG of jobs...")
    say(logger, "LockException: the folder is locked", "error", 40)
    close(logger)
    assert said(capsys) == ["LockException: the folder is locked"]


def test_what_is_said_without_any_job_is_shown_at_the_end(
    logger: logging.Logger, rests: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As by `snakemake --unlock`."""
    say(logger, "Unlocked working directory.")
    assert said(capsys) == []
    close(logger)
    assert said(capsys) == ["Unlocked working directory."]


def test_nothing_to_be_done_is_said_and_told(
    logger: logging.Logger, rests: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    say(logger, "Building DAG of jobs...")
    say(logger, "Nothing to be done (all requested files are present and up to date).")
    assert len(rests) == 1
    assert len(said(capsys)) == 1


@pytest.mark.parametrize("option", ["dryrun", "printshellcmds", "verbose", "debug_dag", "quiet"])
def test_who_asks_for_more_or_less_gets_snakemakes_own(logger: logging.Logger, option: str) -> None:
    options = SimpleNamespace(**vars(OPTIONS) | {option: True})
    assert shorten_messages(options, list, lambda: None) is None
    assert SNAKEMAKES in [handler.name for handler in logger.handlers]


def test_another_handler_is_left_alone(logger: logging.Logger) -> None:
    """That of a plugin which `--logger` names."""
    logger.handlers[0].name = "rich"
    assert shorten_messages(OPTIONS, list, lambda: None) is None


def test_the_handler_is_where_snakemake_puts_it() -> None:
    """By its name, on this logger, with these attributes."""
    from snakemake import logging as snakemakes
    from snakemake.settings.types import OutputSettings

    logger = logging.getLogger("snakemake.logging")
    assert snakemakes.logger is logger
    before = list(logger.handlers)
    try:
        manager = snakemakes.LoggerManager(logger, OutputSettings())
        short = shorten_messages(manager.settings, manager.get_logfile, lambda: None)
        assert isinstance(short, ShortMessages)
        assert logger.handlers == [short]
    finally:
        logger.handlers[:] = before
