"""What DVC shows of an experiment: metrics of runs and configurations, and tables of its plots.

Each plot of dvc.yaml has one table for all runs, with the run's name in a column, so that runs that
have left the experiment leave its plots, too. Columns are called alike for both tasks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fairtrial.files.csvfile import write_rows
from fairtrial.files.folders import whole_file
from fairtrial.report.tables import all_metrics
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import FinishedRun
from fairtrial.scoring.task_metrics import TASK_METRICS
from fairtrial.scoring.uncertainty import over_seeds
from fairtrial.settings.run_name import BEST_NAME

Metrics = dict[str, dict[str, float | None]]  # split → metric → value
SPLITS = ("val", "test")
HISTORY = ("run", "epoch", "fitness", "train_loss", "val_loss")
CALIBRATION = ("run", "split", "confidence", "right", "count")
CLASSES = ("run", "split", "class", "score")
CONFUSION = ("truth", "predicted", "count", "share")
MOST_CLASSES = 40  # of a confusion matrix that can be read


def metrics(experiment: ExperimentResults) -> dict[str, object]:
    """The metrics of each run and of each configuration by split, and of the best configuration; of
    a configuration means over its seeds, with the standard deviation as `<metric>_sd`."""
    names = all_metrics(experiment)
    configurations = {c.name: _of_configuration(c, names) for c in experiment.configurations}
    best = {c.names: _of_best(c, names) for c in experiment.comparisons}
    (only,) = best.values() if len(best) == 1 else (best,)
    runs = {run.name: _of_run(run) for run in experiment.runs}
    return {**runs, **configurations, BEST_NAME: only}


def _of_run(run: FinishedRun) -> Metrics:
    """The metrics of one run by split, without a split that has no images."""
    splits = {split: run.metrics_of(split) for split in SPLITS}
    return {split: metrics.model_dump() for split, metrics in splits.items() if metrics}


def _of_configuration(configuration: Configuration, names: Sequence[str]) -> Metrics:
    found: Metrics = {}
    for split in SPLITS:
        for name in names:
            if scores := configuration.scores(split, name):
                seeds = over_seeds(scores)
                means = found.setdefault(split, {})
                means[name] = seeds.mean
                if seeds.sd is not None:
                    means[f"{name}_sd"] = seeds.sd
    return found


def _of_best(comparison: Comparison, names: Sequence[str]) -> dict[str, object]:
    """The best on val of one comparison, and its name."""
    best = comparison.ranked()[0]
    return {"configuration": best.name, **_of_configuration(best, names)}


def write_plots(
    experiment: ExperimentResults, history: Path, calibration: Path, classes: Path, confusion: Path
) -> None:
    """Write the tables of the plots of dvc.yaml."""
    _write(history, HISTORY, (row for run in experiment.runs for row in _epochs(run)))
    runs = [(c.split, run) for c in experiment.comparisons for k in c.ranked() for run in k.runs]
    _write(calibration, CALIBRATION, (row for s, run in runs for row in _bins(run, s)))
    _write(classes, CLASSES, (row for split, run in runs for row in _classes(run, split)))
    first = experiment.comparisons[0]
    _write(confusion, CONFUSION, _matrix(first.ranked()[0], first.split))


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with whole_file(path) as file:
        write_rows(file, header, rows, digits=10)


def _epochs(run: FinishedRun) -> Iterator[Sequence[object]]:
    """A row an epoch; losses are the sums of their parts."""
    history = run.history
    for place, epoch in enumerate(history.get("epoch", [])):
        losses = [_loss(history, split, place) for split in ("train", "val")]
        fitness = history.get("val/fitness")
        yield run.name, int(epoch), _cell(fitness[place] if fitness else None), *losses


def _loss(history: dict[str, list[float]], split: str, place: int) -> float | str:
    parts = [
        values[place]
        for name, values in history.items()
        if name.startswith(f"{split}/") and name.endswith("loss")
    ]
    return _cell(math.fsum(parts) if parts and all(map(math.isfinite, parts)) else None)


def _bins(run: FinishedRun, split: str) -> Iterator[Sequence[object]]:
    """How often predictions of a confidence are right."""
    for row in run.calibration.get(split, []):
        if row["count"] > 0:
            right = _cell(row["precision"])
            yield run.name, split, row["confidence"], right, int(row["count"])


def _classes(run: FinishedRun, split: str) -> Iterator[Sequence[object]]:
    """The metric that rates a class."""
    metric = TASK_METRICS[run.task].class_metric
    for name, row in run.per_class.get(split, {}).items():
        yield run.name, split, name, _cell(row[metric])


def _matrix(configuration: Configuration, split: str) -> Iterator[Sequence[object]]:
    """The confusion matrix of the best configuration, summed over its runs; of classes of which it
    has too many to be read, none."""
    total: dict[tuple[str, str], int] = {}
    for run in configuration.runs:
        for pair, count in run.confusion.get(split, {}).items():
            total[pair] = total.get(pair, 0) + count
    rows: dict[str, int] = {}
    for (truth, _), count in total.items():
        rows[truth] = rows.get(truth, 0) + count
    if len(rows) <= MOST_CLASSES:
        for (truth, predicted), count in total.items():
            yield truth, predicted, count, count / rows[truth] if rows[truth] else 0.0


def _cell(value: float | None) -> float | str:
    return "" if value is None or not math.isfinite(value) else value
