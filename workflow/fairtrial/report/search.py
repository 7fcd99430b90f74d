"""What the section on a search prints: budget, states, best trials, settings to copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairtrial.report.answer import duration, number, spread
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.study import FinishedStudy, finished_studies

LEADING = 10  # trials in the table; trials.csv has all


def searches(
    trial: ExperimentResults, settings: Mapping[str, Any], timings: bool
) -> dict[str, Any]:
    """Every study by itself, and engines by their best trials."""
    found = finished_studies(trial.results, settings.get("studies") or ())
    return {
        "studies": [_study(study, timings) for study in found],
        "engines": _engines(found) if len(found) > 1 else [],
    }


def _study(study: FinishedStudy, timings: bool) -> dict[str, Any]:
    summary = study.summary
    trials = summary.trials or f"{summary.hours:g} h"
    budget = [["budget", str(trials)], ["epochs trained", str(summary.epochs)]]
    if timings:
        budget.append(["time of training", duration(study.hours * 3600)])
    states = [[state, str(count)] for state, count in summary.states.items()]
    facts = [["engine", summary.engine], ["seed", str(summary.seed)], ["data set", summary.dataset]]
    leading = sorted(study.finished, key=lambda row: -float(row["fitness"]))[:LEADING]
    failed = [row for row in study.trials if row["state"] == "failed"]
    names = sorted(summary.space)
    return {
        "name": study.name,
        "fitness": summary.fitness,
        "facts": [*facts, *budget, *states],
        "names": names,
        "figures": list(study.metrics),
        "rows": [_row(row, study.metrics, names) for row in leading],
        "failed": [f"{row['trial']}: {row['message']}" for row in failed[:LEADING]],
        "best": summary.best,
        "yaml": (study.folder / "best.yaml").read_text(encoding="utf-8").splitlines(),
    }


def _row(row: Mapping[str, str], shown: Sequence[str], names: Sequence[str]) -> list[str]:
    figures = [number(float(row[name])) for name in ("fitness", *shown)]
    return [row["trial"], *figures, *(row[name] for name in names)]


def _engines(found: Sequence[FinishedStudy]) -> list[list[str]]:
    """A row an engine, best first: how many studies, the fitness of their best trials."""
    grouped: dict[str, list[FinishedStudy]] = {}
    for study in found:
        grouped.setdefault(study.summary.engine, []).append(study)
    best = {name: [float(s.best["fitness"]) for s in members] for name, members in grouped.items()}
    ranked = sorted(grouped, key=lambda name: -sum(best[name]) / len(best[name]))
    return [
        [
            name,
            str(len(grouped[name])),
            spread(best[name]),
            str(sum(len(study.trials) for study in grouped[name])),
            str(sum(study.summary.epochs for study in grouped[name])),
        ]
        for name in ranked
    ]
