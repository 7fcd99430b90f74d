"""status: the board of an experiment, from another terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from textwrap import shorten
from typing import Any

from fairtrial.commands import _queue
from fairtrial.commands._queue import Queue
from fairtrial.commands._run_states import STATES, Row, board
from fairtrial.commands._study_states import study_states
from fairtrial.planning.plan import Plan

AGAIN = 5.0  # seconds between two looks of --watch
COLOURS = {"done": "\033[32m", "running": "\033[33m", "waiting": "", "failed": "\033[31m"}
PLAIN, CLEAR = "\033[0m", "\033[H\033[2J"
URGENT = ("failed", "running", "waiting", "done")  # what stays where a terminal is too short
HEADING = ("run", "state", "stage", "epoch", "best", "left", "job", "node")


def status(*, experiment: str = "", watch: bool = False, json: bool = False) -> None:
    """Show how far each run and search of an experiment is.

    Of a run: its state, epoch, best fitness on val, time left and SLURM job; of a search: how many
    trials have ended, and how. Green is done, yellow running, white waiting, red failed, with the
    last line of the error and the log; colours appear on a terminal only, and not where NO_COLOR is
    set. Works beside a running Snakemake, and on any machine that sees this folder. It reads files,
    and asks SLURM's queue at most once a minute.

    Args:
        experiment: a file in config/experiments/; by default the one that params.yaml names
        watch: show it anew every few seconds, until all runs are done or Ctrl-C
        json: print JSON, for programs
    """
    while True:
        plan, queue = Plan.read(experiment or None), _queue.read()
        rows, studies = board(plan, queue), study_states(plan)
        if json:
            _print_json(plan, rows, studies, queue)
        else:
            height = shutil.get_terminal_size().lines if watch and sys.stdout.isatty() else 0
            text = render(f"{plan.name}: {plan.experiment.title}", rows, queue, height, studies)
            print((CLEAR if height else "") + (text if _coloured() else _bare(text)), flush=True)
        over = all(row.state == "done" for row in rows)
        if not watch or (over and all(row.state != "running" for row in studies)):
            return
        try:
            time.sleep(AGAIN)
        except KeyboardInterrupt:
            return


def render(
    title: str,
    rows: Sequence[Row],
    queue: Queue,
    height: int = 0,
    studies: Sequence[Row] = (),
) -> str:
    """The board as text with colours, searches first; at most `height` lines, unless that is 0."""
    every = [*studies, *rows]
    shown = _most_urgent(every, height - 4) if height else every
    cells = [_cells(row) for row in shown]
    used = [i for i in range(len(HEADING)) if i < 2 or any(line[i] for line in cells)]
    widths = {i: max(len(HEADING[i]), *(len(line[i]) for line in cells)) for i in used}

    def line(texts: Sequence[str]) -> str:
        return "  ".join(texts[i].ljust(widths[i]) for i in used).rstrip()

    found = [title, line(HEADING)]
    for row, texts in zip(shown, cells, strict=True):
        found.append(_painted(line(texts), row.state))
        beneath = (shorten(" ".join(row.note.split()), 200, placeholder=" …"), row.log)
        found += [_painted(f"    {text}", row.state) for text in beneath if text]
    left_out = len(every) - len(shown)
    return "\n".join([*found, *_totals(rows, queue, left_out)])


def _most_urgent(rows: Sequence[Row], lines: int) -> list[Row]:
    """As many rows as fit into so many lines, the failed and running ones first."""
    free = max(lines, 1)
    kept: set[str] = set()
    for row in sorted(rows, key=lambda row: URGENT.index(row.state)):
        free -= 1 + bool(row.note) + bool(row.log)
        if free < 0 and kept:
            break
        kept.add(row.run)
    return [row for row in rows if row.run in kept]


def _cells(row: Row) -> list[str]:
    epoch = "" if row.epoch is None else f"{row.epoch}/{row.epochs}"
    best = "" if row.best is None else f"{row.best:.3f}"
    texts = [row.run, row.state, row.stage, epoch or (f"0/{row.epochs}" if row.epochs else "")]
    return [*texts, best, _duration(row.left), row.job or "", row.node or ""]


def _duration(seconds: float | None) -> str:
    """`50 s`, `12 min`, `3.4 h`."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def totals(rows: Sequence[Row]) -> dict[str, Any]:
    """Runs by state, epochs done and asked for, and the longest time left of one that runs."""
    count = Counter(row.state for row in rows)
    left = [row.left for row in rows if row.left is not None]
    epochs = {
        "epochs_done": sum(row.epoch or 0 for row in rows),
        "epochs": sum(row.epochs or 0 for row in rows),
        "left": max(left, default=None),
    }
    return {"runs": len(rows)} | {state: count[state] for state in STATES} | epochs


def _totals(rows: Sequence[Row], queue: Queue, left_out: int) -> list[str]:
    found = totals(rows)
    states = [_painted(f"{found[state]} {state}", state) for state in STATES if found[state]]
    line = f"{found['runs']} run{'s' * (found['runs'] != 1)}: {', '.join(states)}; "
    line += f"{found['epochs_done']} of {found['epochs']} epochs"
    if found["left"] is not None:
        line += f"; those that run need {_duration(found['left'])} more"
    lines = [f"… and {left_out} more that do not fit here"] if left_out else []
    lines.append(line)
    if queue.asked is not None:
        jobs = ", ".join(f"{n} {state.lower()}" for state, n in queue.counts.items()) or "none"
        at = time.strftime("%H:%M:%S", time.localtime(queue.asked))
        lines.append(f"SLURM jobs of this folder at {at}: {jobs}")
    return lines


def _print_json(plan: Plan, rows: Sequence[Row], studies: Sequence[Row], queue: Queue) -> None:
    told = {"asked": queue.asked, "jobs": queue.counts}
    content = {"experiment": plan.name, "runs": [asdict(row) for row in rows]}
    content["searches"] = [asdict(row) for row in studies]
    print(json.dumps(content | {"totals": totals(rows), "slurm": told}), flush=True)


def _coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _painted(text: str, state: str) -> str:
    return f"{COLOURS[state]}{text}{PLAIN}" if COLOURS[state] else text


def _bare(text: str) -> str:
    for code in (*COLOURS.values(), PLAIN):
        text = text.replace(code, "") if code else text
    return text
