"""Snakemake's messages in short: jobs go to the board, what failed is shown with the end of its
log, warnings and errors pass; the rest stands in Snakemake's log file alone.

Why this is no plugin of Snakemake: docs/decisions/0019-messages-without-a-plugin.md.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from fairtrial.display.board import Board
from fairtrial.display.failures import failure_text, latest
from fairtrial.display.lines import Lines
from fairtrial.display.terminal import Terminal
from fairtrial.files.text import counted, duration

NAMED = 5  # failed jobs in the last line at most
SNAKEMAKES = "DefaultStreamHandler"  # the name of the handler whose place is taken
NOTHING = "Nothing to be done"
PASSED = ("Terminating processes on user request", "Will exit after finishing", NOTHING)
ENDS = ("Exiting because a job execution failed", "At least one job did not complete")


class OutputOptions(Protocol):
    """Those of Snakemake's options that say what is to be shown."""

    dryrun: bool
    printshellcmds: bool
    verbose: bool
    debug_dag: bool
    quiet: Any


class ShortMessages(logging.Handler):
    """Takes Snakemake's messages in place of `original`.

    log_files: gives the names of Snakemake's log files; at_rest: called where nothing is to be
    done.
    """

    def __init__(
        self,
        original: logging.Handler,
        log_files: Callable[[], list[str]],
        at_rest: Callable[[], None],
    ) -> None:
        super().__init__()
        self._original, self._log_files, self._at_rest = original, log_files, at_rest
        self._board = Board()
        self._screen = Terminal(self._board) if _on_terminal() else Lines(self._board)
        self._early: list[logging.LogRecord] | None = []  # what was said before the first job
        self._shown = False
        self._events: dict[str, Callable[[Any], None]] = {
            "run_info": self._start,
            "job_info": self._begin,
            "job_finished": self._finish,
            "job_error": self._fail,
            "group_error": self._fail_group,
        }

    def emit(self, record: logging.LogRecord) -> None:
        """Show a message of Snakemake, or leave it to the log file."""
        try:
            self._emit(record)
        except Exception:
            self.handleError(record)

    def _emit(self, record: logging.LogRecord) -> None:
        event, text = str(getattr(record, "event", None) or ""), str(record.msg or "")
        if event in self._events:
            self._events[event](record)
        elif text.startswith("Trying to restart job"):
            self._screen.message("  it is tried again")
        elif any(end in text for end in ENDS):
            self.end()
        elif "CalledProcessError" in text and text.startswith("RuleException"):
            return  # a job's whole command; that it failed is said as well
        elif record.levelno >= logging.WARNING or text.startswith(PASSED):
            self._pass(record)
        elif self._early is not None:
            self._early.append(record)

    def _pass(self, record: logging.LogRecord) -> None:
        """Show a message as Snakemake would."""
        self._early = None
        if isinstance(self._original, logging.StreamHandler) and self._shown:
            self._original.setStream(sys.stderr)  # above the board
        self._original.handle(record)
        if str(record.msg).startswith(NOTHING):
            self._at_rest()

    # ---------------------------------------------------------------- jobs

    def _start(self, record: Any) -> None:
        self._early, self._shown = None, True
        self._board.plan(record.stats)
        self._screen.start()
        if files := self._log_files():
            self._screen.message(f"All that Snakemake says: {_relative(files[0])}")

    def _begin(self, record: Any) -> None:
        self._board.begin(record.jobid, record.rule_name, record.wildcards, list(record.log))
        for job in self._board.begun([record.jobid]):
            self._screen.begun(job)

    def _finish(self, record: Any) -> None:
        if job := self._board.finish(record.job_id):
            self._screen.ended(job)

    def _fail(self, record: Any) -> None:
        if job := self._board.fail(record.jobid):
            others = [Path(log) for log in record.log if Path(log) != job.log]
            message = (record.rule_msg or "").partition("For further error details")[0]
            self._screen.message(failure_text(job, message, others))

    def _fail_group(self, record: Any) -> None:
        """Several jobs that were one in a queue; what is said of each afterwards is left out."""
        numbers = [info["jobid"] for info in record.job_error_info]
        jobs = self._board.begun(numbers)
        for number in numbers:
            self._board.fail(number)
        if jobs:
            queued = getattr(record, "external_jobid", None)
            message = f"job {queued} of the queue" if queued else ""
            logs = [Path(log) for log in record.aux_logs]
            self._screen.message(failure_text(latest(jobs), message, logs))

    # ---------------------------------------------------------------- the end

    def end(self) -> None:
        """Take the board away, and say what failed."""
        if not self._shown:
            return
        self._shown = False
        self._screen.stop()
        self._screen.message(self._summary())

    def _summary(self) -> str:
        """`16 of 17 jobs done in 3 min; predict large-s1 failed. The same command goes on …`."""
        board = self._board
        text = f"{board.done} of {counted(board.planned, 'job')} done in {duration(board.seconds)}"
        if failed := board.failed:
            titles = ", ".join(job.title for job in failed[:NAMED])
            more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
            text += f"; {titles}{more} failed"
        return (
            text if board.done == board.planned else f"{text}. The same command goes on from there."
        )

    def close(self) -> None:
        """Show what was said where there was no job at all, and end."""
        self.acquire()
        try:
            early, self._early = self._early or [], None
            for record in early:
                self._original.handle(record)
            self.end()
        finally:
            self.release()
        super().close()


def shorten_messages(
    options: OutputOptions, log_files: Callable[[], list[str]], at_rest: Callable[[], None]
) -> ShortMessages | None:
    """Show Snakemake's messages in short, unless more or less is asked for: by `--verbose`,
    `--printshellcmds`, `--debug-dag`, `--quiet`, `--logger`, or a dry run."""
    asked = (options.dryrun, options.printshellcmds, options.verbose, options.debug_dag)
    if any(asked) or options.quiet:
        return None
    logger = logging.getLogger("snakemake.logging")
    for handler in logger.handlers:
        if handler.name == SNAKEMAKES:
            short = ShortMessages(handler, log_files, at_rest)
            logger.removeHandler(handler)
            logger.addHandler(short)
            return short
    return None


def _on_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _relative(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
