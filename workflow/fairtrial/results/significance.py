"""How far the best configuration lies above the others, over other seeds and other images."""

from __future__ import annotations

from collections.abc import Sequence

from fairtrial.results.configuration import Configuration, equal_results
from fairtrial.scoring import class_spreads, error_costs
from fairtrial.scoring.fold_gaps import fold_gaps
from fairtrial.scoring.intervals import Scale, class_interval, interval, unflattered
from fairtrial.scoring.verdict import Gap, Sample, gaps_to_best

__all__ = [
    "Gap",
    "class_interval_of",
    "gaps_to",
    "independent_units",
    "interval_of",
    "metric_scale",
    "sample",
    "says_little",
    "without_flattery",
]


FEW_OBJECTS, FEW_UNITS = 10, 5  # a class with fewer says little


def sample(configuration: Configuration, split: str, metric: str) -> Sample | None:
    """A metric of one configuration, a value a seed (or fold); None where no seed has a value."""
    values = configuration.values(split, metric)
    if not values:
        return None
    resampled = configuration.resampled(split, metric)
    return Sample(tuple(values.values()), tuple(values), resampled)


def independent_units(configurations: Sequence[Configuration], split: str) -> int | None:
    """How many independent units of a split were resampled; None where none were."""
    resamples = [c.first.resamples(split) for c in configurations]
    return min((r.units for r in resamples if r is not None), default=None)


def gaps_to(
    best: Configuration, others: Sequence[Configuration], split: str, metric: str
) -> dict[str, Gap]:
    """Letter → how far the best lies above that configuration in one metric; configurations
    without a value are left out.

    Folds are compared fold by fold, and so are seeds where one training continues the other or
    both are equal. Other seeds are independent of each other.
    """
    configurations = [best, *others]
    found = {c.letter: sample(c, split, metric) for c in configurations}
    samples = {letter: values for letter, values in found.items() if values is not None}
    if len(samples) < 2:
        return {}
    if best.folds:
        return fold_gaps(samples, best.letter, folds=best.folds)
    return gaps_to_best(
        samples,
        best.letter,
        units=independent_units(configurations, split),
        continued=[c.letter for c in others if seed_by_seed(best, c, configurations)],
        identical=[c.letter for c in configurations if c.seed_has_no_effect],
    )


def interval_of(
    configuration: Configuration, split: str, metric: str
) -> tuple[float, float] | None:
    """The 95 % interval of a metric over other seeds and other images; None where there is nothing
    to base it on, and for folds, which are not independent."""
    found = sample(configuration, split, metric)
    if found is None or configuration.folds:
        return None
    units = independent_units([configuration], split)
    return interval(found, units, metric_scale(metric))


def interval_over(configurations: Sequence[Configuration]) -> str:
    """Over what their intervals hold: `seeds and images`, or `images` where each has one seed."""
    return "images" if all(c.trained_once for c in configurations) else "seeds and images"


def metric_scale(metric: str) -> Scale:
    """The scale on which the interval of a metric is symmetric."""
    if metric.startswith(error_costs.METRIC.format("")):
        return "linear"  # a cost is a difference of two AP50
    return "log" if metric == "log_loss" else "logit"


def class_interval_of(
    configuration: Configuration, split: str, name: str, metric: str
) -> tuple[float, float] | None:
    """As `interval_of`, for one class; `metric` is a column of per_class.csv."""
    scores = configuration.class_scores(split, name, metric)
    if not scores or configuration.folds:
        return None
    errors = configuration.class_scores(split, name, f"{metric}{class_spreads.SUFFIX}")
    (units,) = configuration.class_scores(split, name, class_spreads.UNITS)[:1] or (0.0,)
    return class_interval(scores, errors, int(units))


def says_little(configuration: Configuration, split: str, name: str, count: int) -> bool:
    """Whether a class with so many objects (or images) has too few for its metrics to say much, or
    has them in too few independent units."""
    units = configuration.class_scores(split, name, class_spreads.UNITS)
    return count < FEW_OBJECTS or sum(units if configuration.folds else units[:1]) < FEW_UNITS


def without_flattery(ranked: Sequence[Configuration], split: str, metric: str) -> float | None:
    """A metric of the choice on val without the luck of the seeds that made it; see `unflattered`.

    ranked: the configurations, the best on val first. None for folds, whose val images are test
    images of others, and where not all have the same seeds, two at least.
    """
    if ranked[0].folds:
        return None
    of_split = [
        {c.letter: found for c in ranked if (found := sample(c, s, metric))} for s in ("val", split)
    ]
    return unflattered(*of_split)


def seed_by_seed(
    one: Configuration, other: Configuration, configurations: Sequence[Configuration]
) -> bool:
    """Whether equal seeds of two configurations have to be compared with each other: since one
    training continues the other, or since all of them have equal results."""
    return (
        goes_on(one, other, configurations)
        or goes_on(other, one, configurations)
        or _all_equal(one, other)
    )


def goes_on(
    later: Configuration, earlier: Configuration, configurations: Sequence[Configuration]
) -> bool:
    """Whether each run of `later` continues a run of `earlier` with its seed, be it by way of runs
    of other `configurations`."""
    before = {run.record.key: run.record.inputs.continues for c in configurations for run in c.runs}
    keys_by_seed: dict[int, set[str]] = {}
    for run in earlier.runs:
        keys_by_seed.setdefault(run.seed, set()).add(run.record.key)
    return all(
        keys_by_seed.get(run.seed, set()).intersection(_chain(run.record.key, before))
        for run in later.runs
    )


def _chain(key: str, before: dict[str, str | None]) -> list[str]:
    """The trainings that this one goes on from, the last one first."""
    chain: list[str] = []
    earlier = before.get(key)
    while earlier is not None and earlier not in chain:
        chain.append(earlier)
        earlier = before.get(earlier)
    return chain


def _all_equal(one: Configuration, other: Configuration) -> bool:
    """Whether each seed gave weights and predictions that are equal to the byte on both sides."""
    if [runs[0].seed for runs in one.repeats] != [runs[0].seed for runs in other.repeats]:
        return False
    pairs = zip(one.repeats, other.repeats, strict=True)
    return all(equal_results(runs, others) for runs, others in pairs)
