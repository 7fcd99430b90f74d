"""The rule by which runs are ranked: one metric of metrics.json, or a fitness.

A rule ranks stored metrics and has no part in a training: the best epoch of a run is picked by
the run's own setting `fitness`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from fairtrial import SettingsError
from fairtrial.files.yamlfile import mapping_or_plain
from fairtrial.scoring import fitness

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FITNESS = "fitness"  # the name of a weighted sum of several metrics


def _has_weight(metric_weights: dict[str, float]) -> dict[str, float]:
    fitness.normalised(metric_weights)
    return metric_weights


WeightedMetric = Literal[
    "precision", "recall", "f1", "AP50", "AP", "map50", "map50_95", "accuracy", "top5"
]
MetricWeights = Annotated[
    dict[
        Literal["precision", "recall", "f1", "map50", "map50_95", "accuracy", "top5"],
        Annotated[float, Field(ge=0)],
    ],
    BeforeValidator(fitness.kept_names, json_schema_input_type=dict[WeightedMetric, float]),
    AfterValidator(_has_weight),
]
RankBy = Annotated[
    Annotated[
        Literal["fitness", "AP", "AP50", "precision", "recall", "f1", "accuracy", "top5"],
        Tag("[plain]"),
    ]
    | Annotated[MetricWeights, Tag("[mapping]")],
    Discriminator(mapping_or_plain),
]


@dataclass(frozen=True)
class RankingRule:
    """`name`: the one metric that counts, or `fitness`; then `metric_weights` are its shares."""

    name: str
    metric_weights: Mapping[str, float] | None = None

    @property
    def metrics(self) -> list[str]:
        """The metrics of metrics.json that it needs."""
        if not self.metric_weights:
            return [self.name]
        return [fitness.METRICS[name] for name in self.metric_weights]

    @property
    def formula(self) -> str:
        """`0.9 recall + 0.1 AP`, or `AP`."""
        return fitness.formula(self.metric_weights) if self.metric_weights else self.name

    @property
    def label(self) -> str:
        """`AP`, or `fitness (0.9 recall + 0.1 AP)`."""
        return f"{FITNESS} ({self.formula})" if self.metric_weights else self.name

    def score(self, metrics: Mapping[str, float | None]) -> float | None:
        """The value that ranks a run, from its `metrics` of one split; None where a metric that the
        rule needs is undefined."""
        defined = {name: value for name, value in metrics.items() if value is not None}
        if not defined.keys() >= set(self.metrics):
            return None
        if not self.metric_weights:
            return defined[self.name]
        return fitness.score(defined, self.metric_weights)

    def resampled(self, metrics: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64] | None:
        """The fitness of each resample, from its metrics; None where one was not resampled."""
        if not self.metric_weights or not metrics.keys() >= set(self.metrics):
            return None
        shares = {fitness.METRICS[name]: share for name, share in self.metric_weights.items()}
        total = sum(shares.values())
        parts = [share / total * metrics[name] for name, share in shares.items()]
        return parts[0] + sum(parts[1:]) if len(parts) > 1 else parts[0]


def resolve(
    rank_by: str | dict[str, float],
    fitness_of_runs: Mapping[str, Mapping[str, float] | None],
    task: str,
    file: str,
) -> str | dict[str, float]:
    """The metric, or the metric weights, that `report.rank_by` stands for.

    fitness_of_runs: the setting `fitness` of each run, by its name; task: that of the runs; file:
    the experiment's, for messages. Raises SettingsError for a metric that the runs lack, and
    where `rank_by` is `fitness` and the runs have different ones.
    """
    if rank_by != FITNESS:
        _refuse_unknown(rank_by, task, file)
        return rank_by
    formulas = {fitness.formula(w, task): name for name, w in fitness_of_runs.items()}
    if len(formulas) > 1:
        listed = ", ".join(f"{name}: {formula}" for formula, name in formulas.items())
        raise SettingsError(
            f'params.yaml: report: `rank_by` is "fitness", and the runs of {file} have several '
            f"({listed}); name one metric, or the weights of several"
        )
    metric_weights = next(iter(fitness_of_runs.values()), None)
    if metric_weights:
        return dict(metric_weights)
    return fitness.METRICS[next(iter(fitness.DEFAULTS[task]))]


def _refuse_unknown(rank_by: str | dict[str, float], task: str, file: str) -> None:
    known = [fitness.METRICS[name] for name in fitness.TASK_KEYS[task]]
    for metric in ranking_rule(rank_by).metrics:
        if metric not in known:
            raise SettingsError(
                f"params.yaml: report: `rank_by`: the runs of {file} have no {metric}; they have "
                + ", ".join(known)
            )


def ranking_rule(rank_by: str | Mapping[str, float]) -> RankingRule:
    """The rule of a setting: a metric's name, or the weights of several. Weights of one metric
    alone are that metric. Raises ValueError where no weight is above 0."""
    if isinstance(rank_by, str):
        return RankingRule(rank_by)
    shares = fitness.normalised(rank_by)
    if shares is None:  # the default of a task, alone
        shares = {name: 1.0 for name, weight in rank_by.items() if weight > 0}
    if len(shares) == 1:
        return RankingRule(fitness.METRICS[next(iter(shares))])
    return RankingRule(FITNESS, shares)
