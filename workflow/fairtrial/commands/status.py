"""status: how far each run and study of an experiment is, from another terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from textwrap import shorten

from fairtrial.commands._hours_left import hours_left
from fairtrial.commands._run_states import STATES, Row, run_states
from fairtrial.commands._slurm_queue import Queue, read_queue
from fairtrial.commands._study_states import study_states
from fairtrial.commands._working import NOBODY, working_drivers
from fairtrial.files.text import counted, duration
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.offers import Helper, helpers
from fairtrial.planning.plan import Plan

INTERVAL = 5.0  # seconds between two updates of --watch
COLOURS = {"done": "\033[32m", "running": "\033[33m", "waiting": "", "failed": "\033[31m"}
RESET, CLEAR = "\033[0m", "\033[H\033[2J"
URGENCY = ("failed", "running", "waiting", "done")  # which rows stay on a short terminal
HEADING = ("run", "state", "stage", "epoch", "best", "left", "job", "node", "gpu")
FRAME = 6  # lines beside the rows: title, heading, totals, SLURM jobs, hours, Snakemake


def status(*, experiment: str = "", watch: bool = False, json: bool = False) -> None:
    """Show how far each run and search of an experiment is.

    Of a run: its state, epoch, best fitness on val, time left, SLURM job, machine and GPU; of a
    search: how many trials have ended, and how. Green is done, yellow running, white waiting, red
    failed, with the last line of the error and the log; colours appear on a terminal only, and not
    where NO_COLOR is set. Works beside a running Snakemake, and on any machine that
    sees this folder. It reads files, and asks SLURM's queue at most once a minute.

    Args:
        experiment: a file in config/experiments/; by default the one that params.yaml names
        watch: update it every few seconds, until all runs are done or Ctrl-C
        json: print JSON, for programs
    """
    while True:
        plan, queue = Plan.read(experiment or None).chosen, read_queue()
        runs, studies = run_states(plan, queue), study_states(plan)
        if json:
            _print_json(plan, runs, studies, queue)
        else:
            height = shutil.get_terminal_size().lines if watch and sys.stdout.isatty() else 0
            text = render(f"{plan.name}: {plan.settings.title}", runs, queue, height, studies)
            text = "\n".join([text, *_outlook(plan, runs, studies)])
            text = text if _has_colours() else _without_colours(text)
            print((CLEAR if height else "") + text, flush=True)
        runs_are_done = all(row.state == "done" for row in runs)
        if not watch or (runs_are_done and all(row.state != "running" for row in studies)):
            return
        try:
            time.sleep(INTERVAL)
        except KeyboardInterrupt:
            return


def render(
    title: str,
    runs: Sequence[Row],
    queue: Queue,
    height: int = 0,
    studies: Sequence[Row] = (),
) -> str:
    """The table as text with colours, studies first; of at most `height` lines unless that is 0."""
    rows = [*studies, *runs]
    visible = _most_urgent(rows, height - FRAME) if height else rows
    cells = [_cells(row) for row in visible]
    columns = [i for i in range(len(HEADING)) if i < 2 or any(line[i] for line in cells)]
    widths = {i: max(len(HEADING[i]), *(len(line[i]) for line in cells)) for i in columns}

    def line(texts: Sequence[str]) -> str:
        return "  ".join(texts[i].ljust(widths[i]) for i in columns).rstrip()

    lines = [title, line(HEADING)]
    for row, texts in zip(visible, cells, strict=True):
        lines.append(_painted(line(texts), row.state))
        details = (shorten(" ".join(row.note.split()), 200, placeholder=" …"), row.log)
        lines += [_painted(f"    {text}", row.state) for text in details if text]
    if len(visible) < len(rows):
        lines.append(f"… and {len(rows) - len(visible)} more that do not fit here")
    return "\n".join([*lines, *_summary(runs, queue)])


def _most_urgent(rows: Sequence[Row], height: int) -> list[Row]:
    """As many rows as fit into `height` lines, the failed and running ones first."""
    free = max(height, 1)
    fitting: set[str] = set()
    for row in sorted(rows, key=lambda row: URGENCY.index(row.state)):
        free -= len([text for text in ("row", row.note, row.log) if text])
        if free < 0 and fitting:
            break
        fitting.add(row.run)
    return [row for row in rows if row.run in fitting]


def _cells(row: Row) -> list[str]:
    """The texts of a row, in the order of HEADING."""
    epoch = f"{row.epoch or 0}/{row.epochs}" if row.epochs or row.epoch is not None else ""
    best = "" if row.best is None else f"{row.best:.3f}"
    texts = [row.run, row.state, row.stage, epoch, best, duration(row.left)]
    return [*texts, row.job or "", row.node or "", row.gpu or ""]


@dataclass(frozen=True)
class Totals:
    """Runs by state, epochs done and planned, and the longest time left of a run, in seconds."""

    runs: int
    done: int
    running: int
    waiting: int
    failed: int
    epochs_done: int
    epochs: int
    left: float | None


def totals(runs: Sequence[Row]) -> Totals:
    """The totals over all runs of an experiment."""
    count = Counter(row.state for row in runs)
    left = [row.left for row in runs if row.left is not None]
    return Totals(
        runs=len(runs),
        done=count["done"],
        running=count["running"],
        waiting=count["waiting"],
        failed=count["failed"],
        epochs_done=sum(row.epoch or 0 for row in runs),
        epochs=sum(row.epochs or 0 for row in runs),
        left=max(left, default=None),
    )


def _summary(runs: Sequence[Row], queue: Queue) -> list[str]:
    """The last lines: totals, and the folder's SLURM jobs."""
    total = totals(runs)
    count = Counter(row.state for row in runs)
    states = [_painted(f"{count[state]} {state}", state) for state in STATES if count[state]]
    line = f"{counted(total.runs, 'run')}: {', '.join(states)}; "
    line += f"{total.epochs_done} of {total.epochs} epochs"
    if total.left is not None:
        line += f"; those that run need {duration(total.left)} more"
    if queue.asked is None:
        return [line]
    jobs = ", ".join(f"{n} {state.lower()}" for state, n in queue.counts.items()) or "none"
    at = time.strftime("%H:%M:%S", time.localtime(queue.asked))
    return [line, f"SLURM jobs of this folder at {at}: {jobs}"]


def _outlook(plan: PlannedExperiment, runs: Sequence[Row], studies: Sequence[Row]) -> list[str]:
    """What is still to train, and who sees to it; nothing where all is done."""
    left = hours_left(plan, runs, studies)
    lines = [] if left is None else [f"still to train: {left}"]
    if all(row.state == "done" for row in (*runs, *studies)):
        return lines
    working = [str(driver) for driver in working_drivers()]
    helping = [f"`join`: process {h.holder.process} on {h.holder.host}" for h in _helpers()]
    return [*lines, f"Snakemake: {'; '.join(working)}" if working else NOBODY, *helping]


def _helpers() -> list[Helper]:
    return list(helpers().values())


def _print_json(
    plan: PlannedExperiment, runs: Sequence[Row], studies: Sequence[Row], queue: Queue
) -> None:
    content = {
        "experiment": plan.name,
        "runs": [asdict(row) for row in runs],
        "studies": [asdict(row) for row in studies],
        "totals": asdict(totals(runs)),
        "left": None if (left := hours_left(plan, runs, studies)) is None else asdict(left),
        "drivers": [str(driver) for driver in working_drivers()],
        "helpers": [helper.holder.host for helper in _helpers()],
        "slurm": {"asked": queue.asked, "jobs": queue.counts},
    }
    print(json.dumps(content), flush=True)


def _has_colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _painted(text: str, state: str) -> str:
    return f"{COLOURS[state]}{text}{RESET}" if COLOURS[state] else text


def _without_colours(text: str) -> str:
    for code in filter(None, (*COLOURS.values(), RESET)):
        text = text.replace(code, "")
    return text
