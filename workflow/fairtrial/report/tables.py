"""The same comparison for machines (CSV), for a README (Markdown) and for a paper (LaTeX)."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from fairtrial.files.folders import whole_file
from fairtrial.report.answer import duration, spread
from fairtrial.results.configuration import Configuration
from fairtrial.results.costs import seconds
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.scoring.task_metrics import TASK_METRICS
from fairtrial.scoring.uncertainty import over_seeds

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "_": r"\_", "%": r"\%", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "–": "--", "≈": r"$\approx$",
}  # fmt: skip


def write_comparison(path: Path, trial: ExperimentResults, timings: bool) -> None:
    """A row a configuration: settings that differ, then mean and sd of every figure."""
    rows = []
    for number, comparison in enumerate(trial.comparisons, 1):
        for rank, c in enumerate(comparison.ranked(), 1):
            row: dict[str, Any] = {"configuration": c.name, "letter": c.letter}
            row |= {"comparison": number, "shown": comparison.split, "rank": rank}
            row |= {"ranked_by": comparison.ranking_rule.label}
            row |= {c.repeated: len(c.repeats), **_columns(c.differs)}
            row |= _means(c, _every(trial))
            rows.append(row | _cost(c, timings))
    _csv(path, rows)


def write_runs(path: Path, trial: ExperimentResults, timings: bool) -> None:
    """A row a run: settings that differ, then every figure."""
    rows = []
    for c in trial.configurations:
        for run in c.runs:
            row: dict[str, Any] = {"run": run.name, "configuration": c.name, "letter": c.letter}
            row |= {"seed": run.seed, **_columns(c.differs)}
            if any(run.replicate > 1 for run in trial.runs):
                row |= {"replicate": run.replicate}
            row |= {"confidence": run.metrics.get("confidence")}
            row |= {f"{s}/{m}": run.score(s, m) for s in ("val", "test") for m in _every(trial)}
            row |= {k: run.record.get(k) for k in ("best_epoch", "epochs_run")}
            rows.append(row | ({"seconds": run.record.get("seconds")} if timings else {}))
    _csv(path, rows)


def _every(trial: ExperimentResults) -> tuple[str, ...]:
    ranking, known = trial.ranking_rule.name, TASK_METRICS[trial.task].all
    return known if ranking in known else (*known, ranking)


def _columns(differs: dict[str, str]) -> dict[str, str]:
    return {f"setting/{key}": value for key, value in differs.items()}


def figures(comparison: Comparison) -> tuple[str, ...]:
    """The figures of a table, the one that ranks among them."""
    metric, shown = comparison.metric, comparison.task_metrics.in_tables
    return shown if metric in shown else (metric, *shown)


def _means(configuration: Configuration, figures: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for side in ("val", "test"):
        for metric in figures:
            scores = configuration.scores(side, metric)
            summary = over_seeds(scores) if scores else None
            found[f"{side}/{metric}"] = summary and summary.mean
            found[f"{side}/{metric}_sd"] = summary and summary.sd
    return found


def _cost(configuration: Configuration, timings: bool) -> dict[str, Any]:
    model = configuration.first.record.get("model") or {}
    found = {"parameters": model.get("parameters"), "gflops": model.get("gflops")}
    if timings:
        speed = configuration.first.speed or {}
        found |= {"seconds": seconds(configuration), "ms_per_image": speed.get("median")}
    return found


def _csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """A column for each key of any row; empty where a row has none, as `seeds` of folds."""
    columns = dict.fromkeys(key for row in rows for key in row)
    with whole_file(path) as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def cells(comparison: Comparison, timings: bool) -> list[list[str]]:
    """The table of page one: a heading, then a row a configuration, best on val first."""
    settings = list(comparison.configurations[0].differs) or ["configuration"]
    shown = figures(comparison)
    over = comparison.repeated
    heading = ["", *settings, over, *(METRIC_NAMES.get(m, m) for m in shown)]
    rows = [heading + (["training"] if timings else [])]
    for c in comparison.ranked():
        told = list(c.differs.values()) or [c.name]
        means = [spread(c.scores(comparison.split, m)) for m in shown]
        time = [duration(seconds(c))] if timings else []
        rows.append([c.letter, *told, str(len(c.repeats)), *means, *time])
    return rows


def caption(comparison: Comparison) -> str:
    """What the figures of a table are and where they come from."""
    side = comparison.split
    found = (comparison.configurations[0].first.metrics.get(side)) or {}
    many = max(len(c.repeats) for c in comparison.configurations) > 1
    over = f"mean ± standard deviation over {comparison.repeated}"
    objects = f", {found.get('objects')} objects" if comparison.task == "detect" else ""
    size = f" ({found.get('images')} images{objects})"
    return (
        f"On {side} of {comparison.names}{'' if comparison.repeated == 'folds' else size}, "
        f"{over if many else 'one seed each'}; sorted by {comparison.ranking_rule.label} on val."
    )


def markdown(trial: ExperimentResults, timings: bool) -> str:
    """A table a comparison."""
    parts = []
    for comparison in trial.comparisons:
        rows = cells(comparison, timings)
        lines = ["| " + " | ".join(_markdown(cell) for cell in row) + " |" for row in rows]
        lines.insert(1, "|" + " --- |" * len(rows[0]))
        parts.append("\n".join([*lines, "", _markdown(caption(comparison)), ""]))
    return "\n".join(parts)


def latex(trial: ExperimentResults, timings: bool) -> str:
    """A tabular a comparison; needs no package."""
    parts = []
    for comparison in trial.comparisons:
        rows = cells(comparison, timings)
        lines = [" & ".join(_latex(cell) for cell in row) + r" \\" for row in rows]
        lines.insert(1, r"\hline")
        right = len(figures(comparison)) + timings
        columns = "l" * (len(rows[0]) - right) + "r" * right
        note = "% " + " ".join(caption(comparison).split())
        begin, end = rf"\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
        parts.append("\n".join([note, begin, r"\hline", *lines, r"\hline", end, ""]))
    return "\n".join(parts)


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", " ".join(text.split()))


def _latex(text: str) -> str:
    return "".join(SPECIAL.get(sign, sign) for sign in " ".join(text.split()))
