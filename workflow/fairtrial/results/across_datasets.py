"""Configurations that ran on several data sets: their ranks on each, and their mean gaps.

Metrics of different images cannot be compared, but ranks and gaps within each data set can. What
counts is the settings but for the data set: the same settings on all sets are one method. The sets
are the units: from FEWEST_SETS on, the mean gap has an interval over other sets like these.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from fairtrial.results.configuration import ABSENT, Configuration, settings_text
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.scoring.studentised_range import LEVEL, critical_value, tail
from fairtrial.store.keys import canonical

FEWEST_SETS = 5  # with fewer, an interval over sets would say next to nothing


@dataclass(frozen=True)
class SetGap:
    """How far the best method lies above another one, mean over the data sets. `low`, `high`, the
    95 % interval for all pairs of methods together, and `p`: None with few sets."""

    mean: float
    low: float | None
    high: float | None
    p: float | None

    @property
    def apart(self) -> bool:
        """Whether the two are told apart."""
        return self.p is not None and self.p < LEVEL


@dataclass(frozen=True)
class Method:
    """One set of settings: its configuration on each data set, its ranks (1 is best; equal ones
    share the mean of their ranks), and the best method's gap to it (None for the best itself)."""

    configurations: list[Configuration]
    scores: list[float]
    ranks: list[float]
    gap: SetGap | None = None

    @property
    def mean_rank(self) -> float:
        return statistics.fmean(self.ranks)

    @property
    def label(self) -> str:
        """The settings that set it apart, without the data set; else its name."""
        first = self.configurations[0]
        differs = {
            key: text
            for key, text in first.differs.items()
            if key != "dataset" and text not in (ABSENT, first.base.get(key))
        }
        return settings_text(differs) or first.name


@dataclass(frozen=True)
class AcrossDatasets:
    """The methods that ran on all data sets, by mean rank, the best first; and these sets."""

    methods: list[Method]
    comparisons: list[Comparison]

    @property
    def sets(self) -> list[str]:
        """The names of the data sets; of folds that of their set."""
        of_first = self.methods[0].configurations
        return [str(configuration.settings["dataset"]) for configuration in of_first]


def across_datasets(experiment: ExperimentResults) -> AcrossDatasets | None:
    """None where fewer than two methods have a value on two data sets with other images."""
    comparisons = experiment.comparisons
    metrics = {(c.metric, c.task) for c in comparisons}
    if len(comparisons) < 2 or len(metrics) > 1:
        return None
    by_set = [_by_settings(comparison) for comparison in comparisons]
    shared = [key for key in by_set[0] if all(key in of_set for of_set in by_set)]
    if len(shared) < 2:
        return None
    members = [[of_set[key] for of_set in by_set] for key in shared]
    scores = [[_score(c, s) for c, s in zip(row, comparisons, strict=True)] for row in members]
    ranks = list(zip(*map(_ranks, zip(*scores, strict=True)), strict=True))
    methods = [Method(*parts) for parts in zip(members, scores, map(list, ranks), strict=True)]
    methods.sort(key=lambda method: (method.mean_rank, -statistics.fmean(method.scores)))
    best, others = methods[0], methods[1:]
    with_gaps = [_with_gap(best, other, len(methods)) for other in others]
    return AcrossDatasets([best, *with_gaps], comparisons)


def _by_settings(comparison: Comparison) -> dict[str, Configuration]:
    """The configurations with a value by their settings without the data set; those of which
    several are on the same images are left out, for there the data set is what is compared."""
    groups: dict[str, list[Configuration]] = {}
    for c in comparison.configurations:
        if c.scores(comparison.split, comparison.metric):
            settings = {key: value for key, value in c.settings.items() if key != "dataset"}
            groups.setdefault(canonical(settings), []).append(c)
    return {key: members[0] for key, members in groups.items() if len(members) == 1}


def _score(c: Configuration, comparison: Comparison) -> float:
    return statistics.fmean(c.scores(comparison.split, comparison.metric))


def _ranks(scores: Sequence[float]) -> list[float]:
    """The rank of each score, the highest 1; equal ones have the mean of their ranks."""
    from scipy.stats import rankdata

    ranks: list[float] = rankdata([-score for score in scores]).tolist()
    return ranks


def _with_gap(best: Method, other: Method, methods: int) -> Method:
    gaps = [b - o for b, o in zip(best.scores, other.scores, strict=True)]
    return Method(other.configurations, other.scores, other.ranks, _set_gap(gaps, methods))


def _set_gap(gaps: Sequence[float], methods: int) -> SetGap:
    """Student's interval of the mean over sets for two methods; for more by the studentised range,
    since the best was chosen by these very gaps."""
    mean, count = statistics.fmean(gaps), len(gaps)
    if count < FEWEST_SETS:
        return SetGap(mean, None, None, None)
    error = statistics.stdev(gaps) / math.sqrt(count)
    half = float(critical_value(methods, count - 1)) * error / math.sqrt(2)
    if not error:
        return SetGap(mean, mean, mean, 0.0 if mean else 1.0)
    p = float(tail(math.sqrt(2) * abs(mean) / error, methods, count - 1))
    return SetGap(mean, mean - half, mean + half, p)
