"""The rule by which runs are ranked: one figure of metrics.json, or a fitness.

A rule ranks what is stored. It has no part in a training: which epoch's weights a run kept was
decided by its own setting `fitness`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from fairtrial import SettingsError
from fairtrial.scoring import fitness

FITNESS = "fitness"  # the name of a sum of several figures


def shape(found: Any) -> str:
    """Which of two models a value is meant for; the bracket keeps the tag out of messages."""
    return "[mapping]" if isinstance(found, dict) else "[plain]"


def _some_weight(weights: dict[str, float]) -> dict[str, float]:
    fitness.normalised(weights)
    return weights


MetricWeights = Annotated[
    dict[
        Literal["precision", "recall", "f1", "map50", "map50_95", "accuracy", "top5"],
        Annotated[float, Field(ge=0)],
    ],
    AfterValidator(_some_weight),
]
RankBy = Annotated[
    Annotated[
        Literal["fitness", "AP", "AP50", "precision", "recall", "f1", "accuracy", "top5"],
        Tag("[plain]"),
    ]
    | Annotated[MetricWeights, Tag("[mapping]")],
    Discriminator(shape),
]


@dataclass(frozen=True)
class RankingRule:
    """`name`: the one figure that counts, or `fitness`; then `weights` are its shares."""

    name: str
    metric_weights: Mapping[str, float] | None = None

    @property
    def metrics(self) -> list[str]:
        """The figures of metrics.json that it needs."""
        return (
            [fitness.METRICS[name] for name in self.metric_weights]
            if self.metric_weights
            else [self.name]
        )

    @property
    def formula(self) -> str:
        """`0.9 recall + 0.1 AP`, or `AP`."""
        return fitness.formula(self.metric_weights) if self.metric_weights else self.name

    @property
    def label(self) -> str:
        """`AP`, or `fitness (0.9 recall + 0.1 AP)`."""
        return f"{FITNESS} ({self.formula})" if self.metric_weights else self.name

    def score(self, figures: Mapping[str, Any]) -> float | None:
        """The rule's figure of one side; None where one that it needs is undefined."""
        if any(figures.get(name) is None for name in self.metrics):
            return None
        return (
            fitness.score(figures, self.metric_weights)
            if self.metric_weights
            else float(figures[self.name])
        )


def resolve(
    rank_by: str | dict[str, float],
    own: Mapping[str, dict[str, float] | None],
    task: str,
    file: str,
) -> str | dict[str, float]:
    """What `report.rank_by` means for runs of a task whose settings `fitness` are `own`, by
    their names.

    Raises SettingsError where it is to be their fitness, and they have several; `file` is the
    experiment's, for the message.
    """
    if rank_by != FITNESS:
        _refuse_unknown(rank_by, task, file)
        return rank_by
    rules = {fitness.formula(weights, task): name for name, weights in own.items()}
    if len(rules) > 1:
        told = ", ".join(f"{name}: {formula}" for formula, name in rules.items())
        raise SettingsError(
            f'params.yaml: report: `rank_by` is "fitness", and the runs of {file} have several '
            f"({told}); name one figure, or the weights of several"
        )
    return next(iter(own.values()), None) or fitness.METRICS[next(iter(fitness.DEFAULTS[task]))]


def _refuse_unknown(rank_by: str | dict[str, float], task: str, file: str) -> None:
    for figure in ranking_rule(rank_by).metrics:
        if figure not in (known := [fitness.METRICS[name] for name in fitness.TASK_KEYS[task]]):
            raise SettingsError(
                f"params.yaml: report: `rank_by`: the runs of {file} have no {figure}; they have "
                + ", ".join(known)
            )


def ranking_rule(rank_by: str | Mapping[str, float]) -> RankingRule:
    """The rule of a setting: a figure's name, or the weights of several. Weights of one figure
    alone are that figure. Raises ValueError where no weight is above 0."""
    if isinstance(rank_by, str):
        return RankingRule(rank_by)
    shares = fitness.normalised(rank_by) or {n: 1.0 for n, share in rank_by.items() if share > 0}
    if len(shares) == 1:
        return RankingRule(fitness.METRICS[next(iter(shares))])
    return RankingRule(FITNESS, shares)
