"""The state of every search of an experiment, from what its workers told and from their locks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fairtrial.commands._logs import complaint
from fairtrial.commands._run_states import Row
from fairtrial.planning.plan import Plan
from fairtrial.search import progress
from fairtrial.store import entries, locks


def searches(plan: Plan) -> list[Row]:
    """A row a study, in the order of the experiment."""
    return [_row(plan, name) for name in plan.studies]


def _row(plan: Plan, study: str) -> Row:
    state = progress.read(plan.name, study, json.loads(plan.settings("search", study)))
    row = Row(study, "waiting", "search")
    if state is None:
        return _failed(plan, row) or row
    row.best, row.note = state["best"], _summary(state)
    if state["over"]:
        row.state, row.stage = "done", ""
    elif _in_hand(state["key"]):
        row.state = "running"
    else:
        row.state = "failed" if _failed(plan, row) else "waiting"
    return row


def _summary(state: dict[str, Any]) -> str:
    """`12 of 40 trials: 9 finished, 2 pruned, 1 unfinished; 1.2 h`."""
    states: dict[str, int] = state["states"]
    hours = state["seconds"] / 3600
    count, budget = sum(states.values()), state["trials"]
    trials = f"{count} of {budget} trials" if budget else f"{count} trials"
    spent = f"{hours:.1f} h" if budget else f"{hours:.1f} of {state['hours']:g} h"
    return f"{trials}: {', '.join(f'{n} {name}' for name, n in states.items())}; {spent}"


def _in_hand(key: str) -> bool:
    """Whether any worker holds a trial."""
    found = (entries.root() / "searches" / key).glob("trial-*.lock")
    return any(not locks.is_silent(lock) for lock in found)


def _failed(plan: Plan, row: Row) -> Row | None:
    """The row of a search one of whose workers said why it ended."""
    for worker in plan.studies[row.run].workers:
        log = Path("logs", plan.name, "search", f"{row.run}-{worker}.log")
        if said := complaint(log, "fairtrial search: "):
            row.state, row.note, row.log = "failed", said, str(log)
            return row
    return None
