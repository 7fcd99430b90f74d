"""The finished studies of an experiment, read from results/<experiment>/search/."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from fairtrial.files.csvfile import read_rows
from fairtrial.files.modelfile import read_model
from fairtrial.scoring import fitness
from fairtrial.search.study_files import StudySummary, Timings
from fairtrial.settings.search import COSTS

METRICS = {  # as a table of trials has them, in order, by task
    "detect": ("precision", "recall", "AP50", "AP"),
    "classify": ("precision", "recall", "f1", "accuracy"),
}


@dataclass
class FinishedStudy:
    """One study; `folder` is results/<experiment>/search/<study>."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def summary(self) -> StudySummary:
        return read_model(self.folder / "summary.json", StudySummary)

    @cached_property
    def trials(self) -> list[dict[str, str]]:
        """The rows of trials.csv, by number: column → text."""
        with (self.folder / "trials.csv").open(newline="", encoding="utf-8") as file:
            return read_rows(file)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of a trial that tables and figures show."""
        return METRICS["classify" if "accuracy" in self.trials[0] else "detect"]

    @property
    def all_metrics(self) -> list[str]:
        """All metrics of a trial, as fitness knows them."""
        return [name for name in fitness.METRICS.values() if name in self.trials[0]]

    @property
    def objectives(self) -> list[str]:
        """The objectives of the study, if there are several."""
        return [*self.summary.objectives]

    @property
    def costs(self) -> list[str]:
        """Those of them that are costs of the model."""
        return [name for name in self.objectives if name in COSTS]

    @property
    def front(self) -> list[dict[str, str]]:
        """The trials on the Pareto front of the objectives, the best in the first one first."""
        first = next(iter(self.objectives), "")
        sign = 1 if first in COSTS else -1
        members = [row for row in self.trials if row.get("front") == "true"]
        return sorted(members, key=lambda row: sign * float(row[first]))

    @property
    def finished(self) -> list[dict[str, str]]:
        return [row for row in self.trials if row["state"] == "finished"]

    @property
    def best(self) -> dict[str, str]:
        return self.trials[self.summary.best]

    @property
    def parameters(self) -> list[str]:
        """Searched settings, the most important first."""
        shares = self.summary.importance
        return sorted(self.summary.space, key=lambda name: (-shares.get(name, 0.0), name))

    @cached_property
    def hours(self) -> float:
        """Training time of all trials together, in hours."""
        seconds = read_model(self.folder / "timings.json", Timings).root
        return sum(seconds.values()) / 3600

    @cached_property
    def best_so_far(self) -> list[float]:
        """After each trial the highest fitness of a finished one (NaN before the first)."""
        return self.best_so_far_in("fitness")

    def best_so_far_in(self, column: str) -> list[float]:
        """The same of a metric."""
        values = [
            float(row[column]) if row["state"] == "finished" else math.nan for row in self.trials
        ]
        return list(accumulate(values, _higher))

    @cached_property
    def epochs_so_far(self) -> list[int]:
        """After each trial the epochs trained so far."""
        return list(accumulate(int(row["epochs"]) for row in self.trials))


def _higher(first: float, second: float) -> float:
    """The maximum of those that are not NaN; NaN where both are."""
    return max((value for value in (first, second) if not math.isnan(value)), default=math.nan)


def finished_studies(results: Path, names: Sequence[str]) -> list[FinishedStudy]:
    """The studies of an experiment; `results` is results/<experiment>."""
    return [FinishedStudy(results / "search" / name) for name in names]
