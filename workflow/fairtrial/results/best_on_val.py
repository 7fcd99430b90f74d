"""The configuration of an experiment that is the best on val, and whether it can be told from the
others."""

from __future__ import annotations

from dataclasses import dataclass

from fairtrial import DataError
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.significance import Gap, gaps_to


@dataclass(frozen=True)
class BestOnVal:
    """`metric`: what ranked it, for a reader; `value`: of that on val; `runner_up`: the next one,
    None without; `told`: whether it is better than each of the others by more than chance on the
    split that the report shows, None without others."""

    configuration: Configuration
    metric: str
    value: float
    runner_up: Configuration | None
    told: bool | None


def best_on_val(experiment: ExperimentResults) -> BestOnVal:
    """The best configuration. Raises DataError where none can be told, since they were scored on
    different images, or none has a value."""
    if len(experiment.comparisons) > 1:
        raise DataError(
            f"{experiment.results}: its configurations were scored on different images, so that "
            "none is the best; name a run"
        )
    (comparison,) = experiment.comparisons
    metric = comparison.metric
    ranked = [c for c in comparison.ranked() if c.mean("val", metric) is not None]
    if not ranked:
        raise DataError(f"{experiment.results}: no configuration has a value of {metric} on val")
    best, *others = ranked
    gaps = gaps_to(best, others, comparison.split, metric)
    told = all(c.letter in gaps and _is_worse(gaps[c.letter]) for c in others) if others else None
    value = best.mean("val", metric)
    assert value is not None
    label = comparison.ranking_rule.label
    return BestOnVal(best, label, value, others[0] if others else None, told)


def _is_worse(gap: Gap) -> bool:
    """Whether a configuration is worse than the best by more than chance."""
    return gap.p is not None and gap.apart and gap.gap > 0
