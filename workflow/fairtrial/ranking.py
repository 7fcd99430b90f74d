"""The rule by which runs are ranked: one figure of metrics.json, or a fitness.

A rule ranks what is stored. It has no part in a training: which epoch's weights a run kept was
decided by its own setting `fitness`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairtrial import fitness

FITNESS = "fitness"  # the name of a sum of several figures


@dataclass(frozen=True)
class Rule:
    """`name`: the one figure that counts, or `fitness`; then `weights` are its shares."""

    name: str
    weights: Mapping[str, float] | None = None

    @property
    def figures(self) -> list[str]:
        """The figures of metrics.json that it needs."""
        return [fitness.FIGURES[name] for name in self.weights] if self.weights else [self.name]

    @property
    def formula(self) -> str:
        """`0.9 recall + 0.1 AP`, or `AP`."""
        return fitness.formula(self.weights) if self.weights else self.name

    @property
    def told(self) -> str:
        """`AP`, or `fitness (0.9 recall + 0.1 AP)`."""
        return f"{FITNESS} ({self.formula})" if self.weights else self.name

    def score(self, figures: Mapping[str, Any]) -> float | None:
        """The rule's figure of one side; None where one that it needs is undefined."""
        if any(figures.get(name) is None for name in self.figures):
            return None
        return fitness.score(figures, self.weights) if self.weights else float(figures[self.name])


def rule(rank_by: str | Mapping[str, float]) -> Rule:
    """The rule of a setting: a figure's name, or the weights of several. Weights of one figure
    alone are that figure. Raises ValueError where no weight is above 0."""
    if isinstance(rank_by, str):
        return Rule(rank_by)
    shares = fitness.normalised(rank_by) or fitness.ALONE
    if len(shares) == 1:
        return Rule(fitness.FIGURES[next(iter(shares))])
    return Rule(FITNESS, shares)
