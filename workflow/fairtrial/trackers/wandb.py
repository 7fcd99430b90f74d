"""Weights & Biases: a run for each training, and one for the report with a table of configurations.

In offline mode there is nobody to ask what is there. So a file in the store notes what was sent,
and each part is noted only once W&B has it as a whole: of a call that was killed, the epochs
of one run may be sent again, of which W&B keeps one by their step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from fairtrial import DataError
from fairtrial.files.checksums import sha256
from fairtrial.files.modelfile import FileModel, read_model, write_model
from fairtrial.store import entries, keys
from fairtrial.trackers._contract import Sent, TrackedExperiment, TrackedReport, TrackedRun

if TYPE_CHECKING:
    from wandb import Run

PACKAGE = "wandb"
PROJECT = "fairtrial"
LONGEST = 32  # characters of an id


class SentParts(FileModel):
    """What W&B has of a run or a report: its last epoch, a key of its final metrics, its files."""

    epochs: int = 0
    final: str = ""
    files: dict[str, str] = Field(default_factory=dict)


class Notes:
    """What was sent of one experiment to one project."""

    def __init__(self, project: str, experiment: str) -> None:
        self.folder = entries.root() / "trackers/wandb" / project / experiment

    def read(self, name: str) -> SentParts:
        try:
            return read_model(self.folder / f"{name}.json", SentParts)
        except DataError:
            return SentParts()

    def write(self, name: str, parts: SentParts) -> None:
        write_model(self.folder / f"{name}.json", parts)


def send(experiment: TrackedExperiment, at: str) -> Sent:
    """Send what was not sent yet to the project `at`."""
    notes, sent = Notes(at or PROJECT, experiment.name), Sent()
    for run in experiment.runs:
        sent = sent.plus(*_send_run(experiment, run, at or PROJECT, notes))
    if experiment.report:
        sent = sent.plus(*_send_report(experiment, experiment.report, at or PROJECT, notes))
    return sent


def _send_run(experiment: TrackedExperiment, run: TrackedRun, project: str, notes: Notes) -> Sent:
    name = keys.key([experiment.name, run.name, run.key])[:LONGEST]
    before = notes.read(name)
    new = [epoch for epoch in run.epochs if epoch.number > before.epochs]
    final = keys.key(dict(run.final)) if run.final else ""
    if not new and final == before.final:
        return Sent()
    tags = [experiment.name, run.dataset]
    settings = {**run.settings, "configuration": run.configuration}
    with _opened(project, name, notes, name=run.name, group=run.configuration, tags=tags) as there:
        there.config.update(settings, allow_val_change=True)
        for epoch in new:
            there.log({**epoch.values, "epoch": epoch.number}, step=epoch.number)
        there.summary.update(dict(run.final))
    last = run.epochs[-1].number if run.epochs else 0
    notes.write(name, before.model_copy(update={"epochs": last, "final": final}))
    return Sent(len(new), len(run.final) if final != before.final else 0)


def _send_report(
    experiment: TrackedExperiment, report: TrackedReport, project: str, notes: Notes
) -> Sent:
    import wandb

    name = keys.key([experiment.name, "report"])[:LONGEST]
    before, sums = notes.read(name), {file.name: sha256(file) for file in report.files}
    if before.files == sums:
        return Sent()
    rows = [{**c.texts, **c.numbers} for c in report.configurations]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    label = f"report of {experiment.name}"
    with _opened(project, name, notes, name=label, job_type="report") as there:
        table = [[_cell(row.get(column)) for column in columns] for row in rows]
        there.log({"comparison": wandb.Table(columns=columns, data=table, allow_mixed_types=True)})
        for row in rows:
            numbers = {k: v for k, v in row.items() if isinstance(v, float)}
            there.summary.update({f"{row['configuration']}/{k}": v for k, v in numbers.items()})
        artefact = wandb.Artifact(f"{experiment.name}-report", type="report")
        for file in report.files:
            artefact.add_file(str(file))
        there.log_artifact(artefact)
    notes.write(name, SentParts(files=sums))
    return Sent(finals=sum(len(c.numbers) for c in report.configurations), files=len(sums))


def _cell(value: object) -> object:
    return "" if value is None else value


@contextmanager
def _opened(project: str, run_id: str, notes: Notes, **options: Any) -> Iterator[Run]:
    """A run of W&B, new or gone on with. Nothing of this process is recorded with it."""
    import wandb

    notes.folder.mkdir(parents=True, exist_ok=True)
    settings = wandb.Settings(
        console="off", silent=True, disable_git=True, save_code=False, disable_job_creation=True
    )
    folder: Path = notes.folder
    run = wandb.init(
        project=project, id=run_id, resume="allow", dir=str(folder), settings=settings, **options
    )
    try:
        yield run
    finally:
        run.finish()
