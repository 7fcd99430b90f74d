"""The tables of the page, to be sorted and filtered: rows of comparison.csv and runs.csv, with the
number of the CSV file behind each text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from fairtrial.report.tables import Cell, Row, comparison_rows, run_rows
from fairtrial.report.wording import UNDEFINED, number, signed, time_text
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.scoring.task_metrics import OWN_NUMBER_METRICS, TASK_METRICS

SPLITS = ("test", "val")


class PageColumn(TypedDict):
    """A column. `key`: that of the CSV file; `split`: to which it belongs, or ""; `extra`: whether
    it is hidden until all metrics are asked for."""

    key: str
    title: str
    split: str
    extra: bool
    numeric: bool


class PageCell(TypedDict):
    """A cell: its text, the value of the CSV file, and what a pointer is told of it."""

    text: str
    value: str
    hint: str


class PageTable(TypedDict):
    """A table; `best`: the number of the row that is best, -1 without one."""

    columns: list[PageColumn]
    rows: list[list[PageCell]]
    best: int


def comparison_tables(experiment: ExperimentResults, timings: bool) -> list[PageTable]:
    """A table for each comparison, a row for each configuration, the best on val first."""
    rows = comparison_rows(experiment, timings)
    return [
        _table([row for row in rows if row["comparison"] == place], comparison)
        for place, comparison in enumerate(experiment.comparisons, 1)
    ]


def runs_table(experiment: ExperimentResults, timings: bool) -> PageTable:
    """A row for each run."""
    rows = run_rows(experiment, timings)
    metrics = _run_metrics(experiment)
    columns = [_column("run"), _column("letter", title="")]
    columns += [_column(key) for key in _settings(rows)]
    columns += [_column("seed", numeric=True)]
    columns += [_column("confidence", numeric=True)] if _any(rows, "confidence") else []
    columns += [_metric(s, m, False) for s in SPLITS for m in metrics if _any(rows, f"{s}/{m}")]
    columns += [_column(key, numeric=True) for key in ("best_epoch", "epochs_run")]
    columns += [_column("seconds", title="training", numeric=True)] if timings else []
    return {"columns": columns, "rows": [[_cell(r, c) for c in columns] for r in rows], "best": -1}


def _table(rows: list[Row], comparison: Comparison) -> PageTable:
    shown = comparison.table_metrics
    every = (*TASK_METRICS[comparison.task].all, *OWN_NUMBER_METRICS)
    metrics = [*shown, *(m for m in every if m not in shown)]
    columns, settings = [_column("letter", title="")], _settings(rows)
    if not settings or any(c.named for c in comparison.configurations):
        columns.append(_column("configuration"))  # else its name is made of the settings
    columns += [_column(key) for key in settings]
    columns += [_column(comparison.repeated, numeric=True)]
    columns += [
        _metric(split, metric, metric not in shown)
        for split in SPLITS
        for metric in metrics
        if _any(rows, f"{split}/{metric}")
    ]
    if _any(rows, "gap"):
        columns += [_column("gap", title="best above it", numeric=True), _column("verdict")]
    costs = {"parameters": "parameters", "gflops": "GFLOPs", "ms_per_image": "ms per image"}
    costs |= {"seconds": "training"}
    columns += [_column(k, title=t, numeric=True) for k, t in costs.items() if _any(rows, k)]
    best = [row.get("verdict") == "best" for row in rows]
    return {
        "columns": columns,
        "rows": [[_cell(row, column) for column in columns] for row in rows],
        "best": best.index(True) if True in best else -1,
    }


def _run_metrics(experiment: ExperimentResults) -> list[str]:
    return list(dict.fromkeys(m for c in experiment.comparisons for m in c.table_metrics))


def _settings(rows: Sequence[Row]) -> list[str]:
    """The settings in which these rows differ."""
    keys = [key for key in rows[0] if key.startswith("setting/")]
    return [key for key in keys if len({row[key] for row in rows}) > 1]


def _any(rows: Sequence[Row], key: str) -> bool:
    return any(row.get(key) is not None for row in rows)


def _column(key: str, *, title: str | None = None, numeric: bool = False) -> PageColumn:
    text = key.removeprefix("setting/").replace("_", " ") if title is None else title
    return {"key": key, "title": text, "split": "", "extra": False, "numeric": numeric}


def _metric(split: str, metric: str, extra: bool) -> PageColumn:
    title = METRIC_NAMES.get(metric, metric.replace("_", " "))
    key = f"{split}/{metric}"
    return {"key": key, "title": title, "split": split, "extra": extra, "numeric": True}


def _cell(row: Row, column: PageColumn) -> PageCell:
    key, value = column["key"], row.get(column["key"])
    text = "" if value is None else str(value)
    if isinstance(value, float):
        text = repr(value)
    return {"text": _text(row, key, value), "value": text, "hint": _hint(row, key)}


def _text(row: Row, key: str, value: Cell) -> str:
    if value is None:
        return "" if key in ("gap", "verdict") else UNDEFINED
    if key == "seconds":
        return time_text(float(value))
    if key == "gap" and isinstance(value, float):
        return signed(value)
    if key == "parameters":
        return f"{int(value) / 1e6:.2f} M"
    if isinstance(value, float):
        sd = row.get(f"{key}_sd")
        return number(value) + (f" ± {sd:.3f}" if isinstance(sd, float) else "")
    return str(value)


def _hint(row: Row, key: str) -> str:
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    if not isinstance(low, float) or not isinstance(high, float):
        return ""
    return f"95 %: {signed(low)} to {signed(high)}"
