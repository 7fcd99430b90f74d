"""Everything that the template prints, as plain data: strings, numbers, lists."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from fairtrial.report import answer as answers
from fairtrial.report.answer import UNDEFINED, duration, number, spread
from fairtrial.report.cautions import cautions, differences
from fairtrial.report.cost import cost, fronts
from fairtrial.report.data import data
from fairtrial.report.repeats import repeats
from fairtrial.report.search import searches
from fairtrial.report.sweeps import swept
from fairtrial.report.tables import caption, figures
from fairtrial.results.configuration import Configuration, setting_text, settings_text
from fairtrial.results.costs import seconds
from fairtrial.results.dataset import DatasetDescription
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES, FinishedRun
from fairtrial.scoring.task_metrics import DETECTION_TABLE_METRICS, TASK_METRICS

ROOM = {True: 24, False: 30}  # characters for the settings in the table of page one, which is
# narrower with a spread; more stand under each row
COLUMN = {True: 14, False: 7}  # characters of a column of figures, with a spread and without
SHORT = {  # figures as heads of narrow columns
    "precision": "P",
    "recall": "R",
    "f1": "F1",
    "accuracy": "Acc.",
    "top5": "Top-5",
    "log_loss": "Log loss",
    "ece": "ECE",
}
TIMED = ("memory_gb",)  # of the hardware, besides the clock: differs between two looks


def content(
    trial: ExperimentResults, settings: dict[str, Any], drawn: list[dict[str, Any]]
) -> dict[str, Any]:
    """`settings` of the stage; `drawn` as in figures.json."""
    timings = bool(settings.get("timings", True))
    sections: dict[str, list[dict[str, Any]]] = {}
    for row in drawn:
        sections.setdefault(row["section"], []).append(row)
    return {
        "experiment": settings["experiment"],
        "title": settings.get("title") or settings["experiment"],
        "question": settings.get("question") or "",
        "task": trial.task,
        "rule": trial.ranking_rule.label,
        "method": answers.method(trial.comparisons),
        "iou": " and ".join(sorted({c.iou for c in trial.comparisons})),
        "base": settings_text(trial.base),
        "timings": timings,
        "cautions": cautions(trial),
        "repeats": repeats(trial),
        "sweeps": swept(trial, settings.get("sweeps") or []),
        "search": searches(trial, settings, timings),
        "comparisons": [_comparison(c, timings) for c in trial.comparisons],
        "figures": sections,
        "classes": [_classes(c) for c in trial.comparisons],
        "data": data(list(trial.datasets.values())),
        "cost": cost(trial, timings),
        "fronts": fronts(trial, timings),
        "of_run": [SHORT.get(m, m) for m in _of_run(trial)],
        "runs": [_run(run, c, trial, timings) for c in trial.configurations for run in c.runs],
        "provenance": _provenance(trial, timings),
    }


def _comparison(comparison: Comparison, timings: bool) -> dict[str, Any]:
    found = answers.answer(comparison)
    ranked = comparison.ranked()
    named = any(c.named for c in ranked)
    rows = [[c.name] * named + list(c.differs.values()) for c in ranked]
    columns = ["configuration"] * named + list(ranked[0].differs)
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    needed = sum(width + 2 for width in widths)
    told = max(len(c.full_label) for c in ranked)
    wide = max(len(c.repeats) for c in ranked) > 1
    room = ROOM[wide] - COLUMN[wide] * (len(figures(comparison)) - len(DETECTION_TABLE_METRICS))
    layout = "columns" if columns and needed <= room else "about" if told <= room else "beneath"
    return {
        "names": comparison.names,
        "split": comparison.split,
        "caption": caption(comparison),
        "answer": vars(found),
        "layout": layout,  # of the settings: columns, one column in words, or under each row
        "columns": columns,
        "over": comparison.repeated,
        "figures": [METRIC_NAMES.get(m, m) for m in figures(comparison)],
        "rows": [
            _row(c, comparison, found, timings) | {"settings": row}
            for c, row in zip(ranked, rows, strict=True)
        ],
    }


def _row(
    c: Configuration, comparison: Comparison, found: answers.Answer, timings: bool
) -> dict[str, Any]:
    shown = figures(comparison)
    return {
        "letter": c.letter,
        "best": c.letter == found.best,
        "about": c.full_label,
        "repeats": len(c.repeats),
        "figures": [spread(c.scores(comparison.split, m)) for m in shown],
        "time": duration(seconds(c)) if timings else "",
        "mark": found.marks.get(c.letter, ""),
    }


def _classes(comparison: Comparison) -> dict[str, Any]:
    """A figure of each class: a row a class, a column a configuration, the best eight on val."""
    shown = comparison.ranked()[:8]
    split, figure = comparison.split, comparison.task_metrics.class_metric
    counted = comparison.task_metrics.class_count
    counts = shown[0].classes(split, counted)
    rows = [
        [name, str(count), *(spread(c.class_scores(split, name, figure)) for c in shown)]
        for name, count in counts.items()
        if count
    ]
    return {
        "names": comparison.names,
        "split": split,
        "over": comparison.repeated,
        "figure": SHORT.get(figure, figure),
        "counted": counted,
        "letters": [c.letter for c in shown],
        "left_out": len(comparison.configurations) - len(shown),
        "empty": len(counts) - len(rows),
        "rows": rows,
    }


def _run(
    run: FinishedRun, configuration: Configuration, trial: ExperimentResults, timings: bool
) -> dict[str, Any]:
    record = run.record
    sides = [side for side in ("val", "test") if run.metrics.get(side)]
    return {
        "name": run.name,
        "letter": configuration.letter,
        "seed": str(run.seed),
        "epochs": f"{record.get('best_epoch') or UNDEFINED} / {record.get('epochs_run')}",
        "confidence": number(run.metrics.get("confidence")),
        "sides": [[side, *(number(run.score(side, m)) for m in _of_run(trial))] for side in sides],
        "time": duration(record.get("seconds")) if timings else "",
    }


def _of_run(trial: ExperimentResults) -> tuple[str, ...]:
    """The figures of the table of all runs."""
    return TASK_METRICS[trial.task].in_tables + (("AP75",) if trial.task == "detect" else ())


def _provenance(trial: ExperimentResults, timings: bool) -> dict[str, Any]:
    """Settings shared by all configurations once, then what differs; the same for versions
    and hardware; checksums of code and data."""
    shared, _ = differences([c.settings for c in trial.configurations])
    records = [run.record for run in trial.runs]
    versions, unequal = differences([r.get("versions") or {} for r in records])
    machines = [_hardware(r, timings) for r in records]
    hardware, _ = differences(machines)
    return {
        "shared": [[k, setting_text(shared, k)] for k in shared],
        "own": [
            [c.letter, c.name, [[k, setting_text(own, k)] for k in own if k not in shared]]
            for c in trial.configurations
            for own in [c.settings]
        ],
        "versions": [[k, str(v)] for k, v in versions.items()],
        "unequal": unequal,
        "hardware": [[k, setting_text(hardware, k)] for k in hardware],
        "commits": sorted({str(r.get("commit") or "none") for r in records}),
        "code": sorted({str(r.get("code")) for r in records}),
        "data": [row for view in trial.datasets.values() for row in _sums(view)],
        "weights": _weights(trial),
    }


def _hardware(record: dict[str, Any], timings: bool) -> dict[str, Any]:
    found = record.get("hardware") or {}
    return found if timings else {k: v for k, v in found.items() if k not in TIMED}


def _sums(view: DatasetDescription) -> list[list[str]]:
    """The files that a data set was made from, with their sha256."""
    files = {
        f"data/raw/{view.source}.sha256": view.data / "raw" / f"{view.source}.sha256",
        f"data/sets/{view.name}/annotations.json": view.folder / "annotations.json",
        f"data/sets/{view.name}/split.json": view.folder / "split.json",
    }
    return [[name, _sha256(path)] for name, path in files.items()]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "not here"


def _weights(trial: ExperimentResults) -> list[list[str]]:
    found = [(run.record.get("inputs") or {}).get("pretrained") for run in trial.runs]
    named = {str(w["path"]): str(w["sha256"]) for w in found if w}
    return [list(pair) for pair in sorted(named.items())]
