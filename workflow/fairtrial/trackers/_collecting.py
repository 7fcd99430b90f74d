"""An experiment as its files tell it, finished or not. Nothing is asked but files."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.files.csvfile import read_rows
from fairtrial.lineage.outputs import outputs_of
from fairtrial.planning.experiment import PlannedExperiment
from fairtrial.planning.plan import Plan
from fairtrial.planning.planned_run import PlannedRun
from fairtrial.planning.sources import may_share
from fairtrial.results.experiment import load_experiment
from fairtrial.scoring.scores import read_metrics
from fairtrial.settings.stages import ReportSettings
from fairtrial.store import entries
from fairtrial.trackers._contract import (
    TrackedConfiguration,
    TrackedEpoch,
    TrackedExperiment,
    TrackedReport,
    TrackedRun,
)
from fairtrial.training.checkpoint import HISTORY
from fairtrial.training.progress import progress_file, read_progress
from fairtrial.training.record import read_record

FILES = ("pdf", "html", "comparison", "runs", "metrics", "answer")
WITH_PICTURES = ("pdf", "html")


def collect(plan: Plan) -> TrackedExperiment:
    """The chosen experiment, as far as it has come."""
    experiment = plan.chosen
    runs = [_run(experiment, run) for run in experiment.runs.values()]
    begun = [run for run in runs if run is not None]
    return TrackedExperiment(experiment.name, experiment.settings.title, begun, _report(plan))


def _run(experiment: PlannedExperiment, run: PlannedRun) -> TrackedRun | None:
    """A run; None before its training has begun."""
    folder = Path("results", experiment.name, "runs", run.name)
    progress = read_progress(progress_file(experiment.name, run.name))
    settings: dict[str, Any] = run.settings
    final: Mapping[str, float] = {}
    if progress is not None:
        key = progress.key
        history = entries.unfinished("runs", key) / HISTORY
    else:
        with suppress(DataError, OSError):
            record = read_record(folder / "record.json")
            key, settings = record.key, record.settings
            final = _final(folder / "metrics.json")
        if settings is run.settings:
            return None
        history = Path("results", experiment.name, "history", f"{run.name}.csv")
    return TrackedRun(
        name=run.name,
        key=key,
        configuration=run.run_name.configuration,
        seed=run.run_name.seed,
        dataset=run.dataset,
        settings=dict(_flat({**settings, "backend": run.backend, "dataset": run.dataset})),
        epochs=_epochs(history),
        final=final,
    )


def _flat(settings: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, object]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _epochs(history: Path) -> list[TrackedEpoch]:
    """The finite values of a history, by epoch; none where there is no history yet."""
    try:
        with history.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return []
    epochs = []
    for row in rows:
        values = {name: float(text) for name, text in row.items() if text and name != "epoch"}
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        epochs.append(TrackedEpoch(int(row["epoch"]), finite))
    return epochs


def _final(metrics: Path) -> dict[str, float]:
    """The metrics of a run as `test/AP`; none before it is scored."""
    try:
        content = read_metrics(metrics)
    except (DataError, OSError):
        return {}
    splits = {"val": content.val, "test": content.test}
    return {
        f"{split}/{name}": float(value)
        for split, scores in splits.items()
        if scores is not None
        for name, value in scores.by_name().items()
        if value is not None
    }


def _report(plan: Plan) -> TrackedReport | None:
    """The finished report; None before it is written, or while it is of other runs."""
    experiment = plan.chosen
    files = {name: Path(f) for name, f in outputs_of("report", "", experiment.name, None).items()}
    folder = Path("results", experiment.name)
    settings = ReportSettings.model_validate_json(plan.settings("report"))
    if not all(files[name].is_file() for name in FILES) or not _is_of(files["runs"], experiment):
        return None
    shared = all(may_share(dataset.source) for dataset in experiment.datasets.values())
    with files["comparison"].open(encoding="utf-8", newline="") as file:
        rows = read_rows(file)
    return TrackedReport(
        configurations=[_configuration(row) for row in rows],
        files=[files[name] for name in FILES if shared or name not in WITH_PICTURES],
        settings=settings,
        results=load_experiment(folder, Path("data"), settings.runs, settings.rank_by),
        pictures=shared,
    )


def _is_of(runs: Path, experiment: PlannedExperiment) -> bool:
    """Whether runs.csv lists the runs of the experiment."""
    with runs.open(encoding="utf-8", newline="") as file:
        return {row["run"] for row in read_rows(file)} == set(experiment.runs)


def _configuration(row: Mapping[str, str]) -> TrackedConfiguration:
    """A row of comparison.csv; settings and what is no number are texts."""
    numbers: dict[str, float] = {}
    texts: dict[str, str] = {}
    for column, text in row.items():
        value = None if column.startswith("setting/") else _number(text)
        if value is not None:
            numbers[column] = value
        elif text:
            texts[column] = text
    return TrackedConfiguration(row["configuration"], numbers, texts)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
