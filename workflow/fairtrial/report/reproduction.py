"""The commit of the results, and the commands that make and check them again."""

from __future__ import annotations

from typing import TypedDict

from fairtrial.results.experiment import ExperimentResults
from fairtrial.training.record import RunRecord

SHOWN = 12  # digits of a commit


class Command(TypedDict):
    """What a command does, and the command."""

    text: str
    command: str


def made_text(experiment: ExperimentResults) -> str:
    """`2026-11-29 · Ada · 4509953abcde`: date, author and start of the commit; "" without one."""
    newest = newest_commit(experiment)
    if newest is None or not newest.commit_date:
        return ""
    parts = [newest.commit_date, newest.commit_author, (newest.commit or "")[:SHOWN]]
    return " · ".join(part for part in parts if part)


def newest_commit(experiment: ExperimentResults) -> RunRecord | None:
    """The record of the run whose commit is the newest; None where none has a commit."""
    records = [run.record for run in experiment.runs if run.record.commit]
    return max(records, key=lambda r: (r.commit_date, r.commit or ""), default=None)


def reproduction(experiment: ExperimentResults, name: str) -> list[Command]:
    """The commands, in order."""
    newest = newest_commit(experiment)
    commands = []
    if newest is not None:
        commits = {run.record.commit for run in experiment.runs if run.record.commit}
        text = "The project as it was" + (", of the last of its commits:" * (len(commits) > 1))
        if any(run.record.dirty for run in experiment.runs):
            text = "The project, but for changes that were not committed:"
        command = f"git checkout {newest.commit}"
        commands.append(Command(text=text.rstrip(":") + ":", command=command))
    again = f"make venv && snakemake --config experiment={name}"
    check = f"fairtrial verify {name}"
    return [
        *commands,
        Command(
            text="Make environment, data, trainings, tables and this report again:", command=again
        ),
        Command(text="Check that every file still is what was made, to the byte:", command=check),
    ]
