"""accept: say that an edit of code changes no result of an experiment."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from fairtrial import DataError, SettingsError
from fairtrial.files.modelfile import read_model, write_model
from fairtrial.files.text import counted
from fairtrial.lineage.made import MadeRecord, read_made, settings_sha256
from fairtrial.planning.accepted import (
    FIT,
    AcceptedEdit,
    AcceptedEdits,
    accepted_file,
)
from fairtrial.planning.finished import jobs_of
from fairtrial.planning.plan import Plan, fit_code
from fairtrial.training import commits
from fairtrial.training.record import read_record

Codes = dict[str, list[str]]  # of one stage: the code that made results → the names of their jobs


class FinishedJob(NamedTuple):
    """A job, or FIT for the training in it: the code that made its result, and the present one."""

    stage: str
    name: str
    made_by: str
    present: str


def accept(*experiment: str) -> None:
    """Say that the present code gives the results that an experiment has.

    The finished jobs of the experiment stay valid though their code was edited since, and their
    trainings keep their keys in the store; so nothing runs again but what is new, and the report,
    which tells of it under Beware. Only code is accepted: a job whose settings differ runs again.
    An experiment with whose result others begin is accepted by its own name.
    `fairtrial verify` then shows whether scores and tables still follow from the predictions.
    Written is config/accepted/<experiment>.json, which belongs into git beside the edit. Delete
    the file to take it back.

    Args:
        experiment: the experiment; by default the one that params.yaml names
    """
    plan = Plan.read_one(experiment)
    name = plan.chosen.name
    finished, others = _finished(plan)
    path = accepted_file(name)
    earlier = read_model(path, AcceptedEdits).root if path.exists() else ()
    edits = [e for e in edits_of(finished) if not any(_is_same(e, before) for before in earlier)]
    if not edits:
        raise SettingsError(_nothing(name, others))
    kept = [edit for edit in earlier if not _is_replaced(edit, edits)]
    write_model(path, AcceptedEdits((*kept, *edits)))
    stages = ", ".join(dict.fromkeys(edit.stage for edit in edits))
    print(f"{path}: the present code of {stages} stands for the one that made the results")


def _finished(plan: Plan) -> tuple[list[FinishedJob], list[str]]:
    """The jobs of the experiment that were done with the settings of the plan; the records of those
    that were not."""
    finished: list[FinishedJob] = []
    others = []
    for job in jobs_of(plan):
        if job.experiment != plan.chosen.name or plan.awaits(job.stage, job.name, job.experiment):
            continue
        try:
            record = read_made(Path(job.made))
        except DataError:
            continue
        settings = plan.settings(job.stage, job.name, job.experiment)
        if job.stage != "report" and settings_sha256(settings) != record.settings_sha256:
            others.append(job.made)
            continue
        present = plan.run_by(job.stage, job.name, job.experiment)
        finished.append(FinishedJob(job.stage, job.name, record.code, present))
        if job.stage == "train":
            finished += _fitted(plan, record, job.name)
    return finished, others


def _fitted(plan: Plan, record: MadeRecord, run: str) -> Iterator[FinishedJob]:
    """The training of a run; and that of the study which gave the run its settings, for a study
    does not record the code that fits."""
    planned = plan.chosen.runs[run]
    code = fit_code(planned.backend)
    for path in record.outputs:
        if path.endswith("/record.json") and Path(path).exists():
            made_by = read_record(Path(path)).code
            yield FinishedJob(FIT, run, made_by, code)
            if planned.origin.trial:
                yield FinishedJob(FIT, planned.origin.trial.name, made_by, code)


def edits_of(finished: list[FinishedJob]) -> list[AcceptedEdit]:
    """An edit for each code that made results and is not the present one. It holds for all jobs of
    the stage if no other code made any of them."""
    stages: dict[tuple[str, str], Codes] = {}
    for job in finished:
        codes = stages.setdefault((job.stage, job.present), {})
        codes.setdefault(job.made_by, []).append(job.name)
    by, date, commit = _who(), datetime.now(UTC).date().isoformat(), commits.present().sha
    return [
        AcceptedEdit(
            stage=stage,
            old=old,
            new=present,
            jobs=tuple(sorted(set(names))) if len(codes) > 1 else (),
            by=by,
            date=date,
            commit=commit,
        )
        for (stage, present), codes in stages.items()
        for old, names in codes.items()
        if old != present
    ]


def _who() -> str:
    """The name that git would put on a commit; else that of the account."""
    command = ["git", "config", "user.name"]
    try:
        name = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        name = ""
    return name or getpass.getuser()


def _is_same(edit: AcceptedEdit, other: AcceptedEdit) -> bool:
    """Whether both say the same, whoever said it when."""
    return edit.model_copy(update=other.model_dump(include={"by", "date", "commit"})) == other


def _is_replaced(edit: AcceptedEdit, edits: list[AcceptedEdit]) -> bool:
    """Whether new edits say more of the same code."""
    return any((edit.stage, edit.new) == (new.stage, new.new) for new in edits)


def _nothing(name: str, others: list[str]) -> str:
    text = f"{name}: every finished job was done by the present code, so nothing is to be accepted"
    if not others:
        return text
    return (
        f"{text}; {counted(len(others), 'job')} had other settings, such as that of {others[0]}, "
        "and run again: settings are never accepted"
    )
