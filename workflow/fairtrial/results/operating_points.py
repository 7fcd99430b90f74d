"""Operating points of configurations: their means over seeds, from operating_points.csv of runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.run import FinishedRun
from fairtrial.scoring.operating_points import FALSE_ALARM_RATES, FALSE_ALARMS


def asked_for(comparison: Comparison, kind: str) -> list[float]:
    """What was asked for of one kind in any run, in the order of the files."""
    runs = [run for c in comparison.configurations for run in c.runs]
    rows = [row for run in runs for row in run.operating_points.get(("val", kind), [])]
    return list(dict.fromkeys(row["asked"] for row in rows))


def values(c: Configuration, split: str, kind: str, asked: float, column: str) -> list[float]:
    """A column of one operating point for each seed (or fold) that reaches it."""
    return c.averages(lambda run: _cell(run, split, kind, asked, column))


def froc_scores(c: Configuration, split: str) -> list[float]:
    """The mean sensitivity over the seven rates of false alarms, for each seed (or fold)."""

    def score(run: FinishedRun) -> float | None:
        cells = [_cell(run, split, FALSE_ALARMS, r, "sensitivity") for r in FALSE_ALARM_RATES]
        defined = [cell for cell in cells if cell is not None]
        return statistics.fmean(defined) if len(defined) == len(cells) else None

    return c.averages(score)


def froc_curves(c: Configuration, split: str, rates: Sequence[float]) -> list[list[float]]:
    """The sensitivities at these rates on the split itself, a row for each seed (or fold) that has
    them all."""
    columns = [values(c, split, "froc_curve", rate, "sensitivity") for rate in rates]
    complete = all(len(column) == len(columns[0]) for column in columns)
    return [list(row) for row in zip(*columns, strict=True)] if complete and columns else []


def _cell(run: FinishedRun, split: str, kind: str, asked: float, column: str) -> float | None:
    for row in run.operating_points.get((split, kind), []):
        if math.isclose(row["asked"], asked, rel_tol=1e-6) and math.isfinite(row[column]):
            return row[column]
    return None
