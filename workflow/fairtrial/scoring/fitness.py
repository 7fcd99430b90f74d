"""Fitness: a mean of metrics on val with the weights that the user sets.

One fitness picks the best epoch in every backend, drives the search, and can rank runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

# The metrics of metrics.json, by the names that settings of runs keep for `fitness`: keys of stored
# trainings and searches depend on them.
METRICS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "f1",
    "map50": "AP50",
    "map50_95": "AP",
    "accuracy": "accuracy",
    "top5": "top5",
}
TASK_KEYS = {  # the keys of METRICS that each task has
    "detect": ("precision", "recall", "f1", "map50", "map50_95"),
    "classify": ("accuracy", "top5", "precision", "recall", "f1"),
}
# What `fitness: null` stands for.
DEFAULTS = {"detect": {"map50_95": 1.0}, "classify": {"accuracy": 1.0}}

WRITTEN_AS = {"AP50": "map50", "AP": "map50_95"}  # how it is written in a file → as it is kept

ROUNDING = 4e-12  # by which the sum of seven weights of 12 decimals may differ from 1
MetricWeights = Mapping[str, float] | None  # by a key of METRICS; None: see DEFAULTS


def kept_names(metric_weights: object) -> object:
    """Metric weights by the names that settings keep; anything else as it is.

    Raises ValueError where a metric has two weights, one by each of its names.
    """
    if not isinstance(metric_weights, Mapping):
        return metric_weights
    kept: dict[object, object] = {}
    for name, weight in metric_weights.items():
        as_kept = WRITTEN_AS.get(name, name)
        if as_kept in kept:
            raise ValueError(f"gives `{as_kept}` two weights, one by each of its names")
        kept[as_kept] = weight
    return kept


def written_names(keys: Iterable[str]) -> list[str]:
    """The names of kept keys as they are written in a file."""
    written = {kept: name for name, kept in WRITTEN_AS.items()}
    return [written.get(key, key) for key in keys]


def normalised(metric_weights: MetricWeights) -> dict[str, float] | None:
    """Metric weights that add up to 1, without zeros, by the names that settings keep; None where
    that is `map50_95` or `accuracy` alone.

    So equal rules become equal settings. Normalised weights stay as they are. Raises ValueError
    where no weight is above 0.
    """
    if metric_weights is None:
        return None
    metric_weights = cast("Mapping[str, float]", kept_names(metric_weights))
    total = sum(metric_weights.get(name, 0.0) for name in METRICS)
    if not total > 0:
        raise ValueError("must give one metric at least a weight above 0")
    if abs(total - 1) < ROUNDING:
        total = 1.0
    shares = {
        name: round(metric_weights[name] / total, 12)
        for name in METRICS
        if metric_weights.get(name, 0.0) > 0
    }
    return None if shares in DEFAULTS.values() else shares


def f1(precision: float, recall: float) -> float:
    """The harmonic mean of precision and recall; 0 where both are 0."""
    both = precision + recall
    return 2 * precision * recall / both if both > 0 else 0.0


def score(metrics: Mapping[str, float], metric_weights: MetricWeights) -> float:
    """The fitness of `metrics` (precision, recall, f1, AP50, AP or accuracy, top5; 0 to 1).

    Metrics without a weight may be missing. Raises KeyError where one with a weight is.
    """
    task = "classify" if "accuracy" in metrics else "detect"
    shares = normalised(metric_weights) or DEFAULTS[task]
    return sum(share * metrics[METRICS[name]] for name, share in shares.items())


def with_fitness(row: Mapping[str, float], metric_weights: MetricWeights) -> dict[str, float]:
    """A row of the history with `val/f1`, if it lacks that, and `val/fitness`.

    The metrics on val come last, in the order of METRICS, and the fitness after them.
    """
    complete = {"val/f1": f1(row["val/precision"], row["val/recall"]), **row}
    metrics = {n: complete[f"val/{n}"] for n in METRICS.values() if f"val/{n}" in complete}
    others = {column: value for column, value in row.items() if column[4:] not in metrics}
    on_val = {f"val/{name}": value for name, value in metrics.items()}
    return others | on_val | {"val/fitness": score(metrics, metric_weights)}


def formula(metric_weights: MetricWeights, task: str = "detect") -> str:
    """The metric weights as a text: `0.9 recall + 0.1 AP`, or `AP` for one metric alone."""
    shares = normalised(metric_weights) or DEFAULTS[task]
    if len(shares) == 1:
        return METRICS[next(iter(shares))]
    return " + ".join(f"{share:g} {METRICS[name]}" for name, share in shares.items())
