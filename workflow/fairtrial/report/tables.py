"""The tables of a report as CSV files, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fairtrial.files.csvfile import escaped
from fairtrial.files.folders import whole_file
from fairtrial.report.answer import Answer, answer
from fairtrial.report.wording import means, verdict
from fairtrial.results.configuration import Configuration
from fairtrial.results.costs import gflops, milliseconds, seconds
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.significance import interval_of
from fairtrial.scoring.task_metrics import OWN_NUMBER_METRICS, TASK_METRICS
from fairtrial.scoring.uncertainty import over_seeds

Cell = str | int | float | None
Row = dict[str, Cell]  # column → cell


def write_comparison(path: Path, experiment: ExperimentResults, timings: bool) -> None:
    """Write comparison.csv."""
    _write_csv(path, comparison_rows(experiment, timings))


def comparison_rows(experiment: ExperimentResults, timings: bool) -> list[Row]:
    """A row for each configuration: settings that differ, how it compares with the best, then mean
    and standard deviation of every metric, with the 95 % interval of those of the table of page
    one."""
    rows = []
    metrics = all_metrics(experiment)
    for number, comparison in enumerate(experiment.comparisons, 1):
        outcome = answer(comparison)
        for rank, c in enumerate(comparison.ranked(), 1):
            row: Row = {"configuration": c.name, "letter": c.letter}
            row |= {"comparison": number, "split": comparison.split, "rank": rank}
            row |= {"ranked_by": comparison.ranking_rule.label}
            row |= {c.repeated: len(c.repeats)} | _settings(c)
            rows.append(row | _gap(c, outcome) | _means(c, metrics, comparison) | _cost(c, timings))
    return rows


def write_runs(path: Path, experiment: ExperimentResults, timings: bool) -> None:
    """Write runs.csv."""
    _write_csv(path, run_rows(experiment, timings))


def run_rows(experiment: ExperimentResults, timings: bool) -> list[Row]:
    """A row for each run: settings that differ, then every metric."""
    rows = []
    metrics = all_metrics(experiment)
    replicated = any(run.replicate > 1 for run in experiment.runs)
    for c in experiment.configurations:
        for run in c.runs:
            row: Row = {"run": run.name, "configuration": c.name, "letter": c.letter}
            row |= {"seed": run.seed} | _settings(c)
            if replicated:
                row["replicate"] = run.replicate
            row["confidence"] = run.confidence
            row |= {f"{s}/{m}": run.score(s, m) for s in ("val", "test") for m in metrics}
            row |= {"best_epoch": run.record.best_epoch, "epochs_run": run.record.epochs_run}
            if timings:
                row["seconds"] = run.record.seconds
            rows.append(row)
    return rows


def all_metrics(experiment: ExperimentResults) -> tuple[str, ...]:
    """All metrics of the task, and the fitness where it ranks."""
    metric, metrics = experiment.ranking_rule.name, TASK_METRICS[experiment.task].all
    if any(run.max_detections is not None for run in experiment.runs):
        metrics += OWN_NUMBER_METRICS
    return metrics if metric in metrics else (*metrics, metric)


def _settings(configuration: Configuration) -> Row:
    return {f"setting/{key}": value for key, value in configuration.differs.items()}


def _gap(configuration: Configuration, outcome: Answer) -> Row:
    """How far the best lies above it in the metric that ranks, with the 95 % interval; `p` and
    `verdict`; `limited_by`: of which there should be more, `seeds` or `units` (images)."""
    columns = ("gap", "gap_low", "gap_high", "p", "verdict", "limited_by")
    gap = outcome.gaps.get(configuration.letter)
    if gap is None:
        is_best = configuration.letter == outcome.best and outcome.gaps
        return dict.fromkeys(columns) | {"verdict": "best" if is_best else None}
    values = (gap.gap, gap.low, gap.high, gap.p, verdict(gap), gap.limited_by)
    return dict(zip(columns, values, strict=True))


def _means(configuration: Configuration, metrics: Sequence[str], comparison: Comparison) -> Row:
    row: Row = {}
    shown = comparison.table_metrics
    for split in ("val", "test"):
        for metric in metrics:
            scores = configuration.scores(split, metric)
            seeds = over_seeds(scores) if scores else None
            row[f"{split}/{metric}"] = seeds.mean if seeds else None
            row[f"{split}/{metric}_sd"] = seeds.sd if seeds else None
            if split == comparison.split and metric in shown:
                ends = interval_of(configuration, split, metric) or (None, None)
                row |= {f"{split}/{metric}_low": ends[0], f"{split}/{metric}_high": ends[1]}
    return row


def _cost(configuration: Configuration, timings: bool) -> Row:
    model = configuration.first.record.model
    row: Row = {
        "parameters": None if model is None else model.parameters,
        "gflops": gflops(configuration),
    }
    if timings:
        row["seconds"] = seconds(configuration)
        row["ms_per_image"] = milliseconds(configuration)
        row |= _of_batches(configuration)
    return row


def _of_batches(configuration: Configuration) -> Row:
    """Columns for each batch that was asked for: `ms_per_image_batch_8` and so on."""
    speed = configuration.first.speed
    row: Row = {}
    for one in speed.batches if speed else ():
        row[f"ms_per_image_batch_{one.batch}"] = one.median
        row[f"peak_mb_batch_{one.batch}"] = one.peak_mb
        row[f"joules_per_image_batch_{one.batch}"] = one.joules
    return row


def _write_csv(path: Path, rows: list[Row]) -> None:
    """Write a column for each key of any row; a cell is empty where its row lacks the key, and a
    text that a spreadsheet could run is escaped."""
    import pandas as pd

    columns = list(dict.fromkeys(key for row in rows for key in row))
    # With dtype object pandas leaves integers as they are in columns that have empty cells.
    safe = [{key: escaped(cell) for key, cell in row.items()} for row in rows]
    table = pd.DataFrame(safe, columns=columns, dtype=object)
    with whole_file(path) as file:
        table.to_csv(file, index=False, lineterminator="\n")


def caption(comparison: Comparison) -> str:
    """The caption of a table: its split and data sets, what its metrics are, how it is sorted."""
    split = comparison.split
    metrics = comparison.configurations[0].first.metrics_of(split)
    assert metrics is not None, "the split that tables show has images"
    objects = f", {metrics.objects} objects" if comparison.task == "detect" else ""
    size = f" ({metrics.images} images{objects})"
    alone = len(comparison.configurations) == 1
    ordered = "" if alone else f"; sorted by {comparison.ranking_rule.label} on val"
    return (
        f"On {split} of {comparison.names}{'' if comparison.repeated == 'folds' else size}, "
        f"{means(comparison)}{ordered}."
    )
