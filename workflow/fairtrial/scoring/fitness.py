"""Fitness: the user's figure of merit, a weighted mean of figures on val.

The same rule picks the best epoch in every framework, drives the search, and ranks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The names that `fitness` in params.yaml uses (Ultralytics'), and those of our figures.
METRICS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "f1",
    "map50": "AP50",
    "map50_95": "AP",
    "accuracy": "accuracy",
    "top5": "top5",
}
TASK_KEYS = {  # the figures that each task has
    "detect": ("precision", "recall", "f1", "map50", "map50_95"),
    "classify": ("accuracy", "top5", "precision", "recall", "f1"),
}
DEFAULTS = {"detect": {"map50_95": 1.0}, "classify": {"accuracy": 1.0}}  # what `null` stands for


def normalised(metric_weights: Mapping[str, float] | None) -> dict[str, float] | None:
    """Weights that add up to 1, without zeros; None where that is `map50_95` or `accuracy` alone.

    So equal rules are equal settings. Raises ValueError where no weight is above 0.
    """
    if metric_weights is None:
        return None
    total = sum(metric_weights.get(name, 0.0) for name in METRICS)
    if not total > 0:
        raise ValueError("must give one figure at least a weight above 0")
    found = {
        n: round(metric_weights[n] / total, 12) for n in METRICS if metric_weights.get(n, 0.0) > 0
    }
    return None if found in DEFAULTS.values() else found


def f1(precision: float, recall: float) -> float:
    """The harmonic mean of precision and recall; 0 where both are 0."""
    both = precision + recall
    return 2 * precision * recall / both if both > 0 else 0.0


def score(figures: Mapping[str, float], metric_weights: Mapping[str, float] | None) -> float:
    """The fitness of `figures` (precision, recall, f1, AP50, AP or accuracy, top5; 0 to 1).

    Figures without a weight may be missing. Raises KeyError where one with a weight is.
    """
    shares = (
        normalised(metric_weights) or DEFAULTS["classify" if "accuracy" in figures else "detect"]
    )
    return sum(share * figures[METRICS[name]] for name, share in shares.items())


def with_fitness(
    row: Mapping[str, Any], metric_weights: Mapping[str, float] | None
) -> dict[str, Any]:
    """An epoch's row, its figures on val completed by `val/f1`, if need be, and `val/fitness`."""
    known = {"val/f1": f1(row["val/precision"], row["val/recall"]), **row}
    figures = {n: known[f"val/{n}"] for n in METRICS.values() if f"val/{n}" in known}
    others = {name: value for name, value in row.items() if name[4:] not in figures}
    shown = {f"val/{name}": value for name, value in figures.items()}
    return others | shown | {"val/fitness": score(figures, metric_weights)}


def formula(metric_weights: Mapping[str, float] | None, task: str = "detect") -> str:
    """The rule in words, to stand beside numbers: `0.9 recall + 0.1 AP`; `AP` alone."""
    shares = normalised(metric_weights) or DEFAULTS[task]
    if len(shares) == 1:
        return METRICS[next(iter(shares))]
    return " + ".join(f"{share:g} {METRICS[name]}" for name, share in shares.items())
