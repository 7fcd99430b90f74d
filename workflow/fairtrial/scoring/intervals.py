"""The 95 % interval of one configuration's metric, over other seeds and other test images; and the
winner's metric without flattery."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Literal

from fairtrial.scoring.studentised_range import LEVEL
from fairtrial.scoring.variance_parts import Part, Sample, added, unit_part, variance

Scale = Literal["logit", "log", "linear"]


def interval(
    sample: Sample, units: int | None, scale: Scale = "logit"
) -> tuple[float, float] | None:
    """The 95 % interval of a metric; None where there is nothing to base it on.

    With one seed it is that of this trained model, on other images. `units`: the independent units
    that can change the metric. `scale`: where the interval is symmetric, `logit` for metrics from 0
    to 1, `log` for others that are not negative, `linear` for differences.

    A metric of exactly 0 or 1 has no spread to go by. Its interval is that of a share of which all
    `units` agree (Clopper and Pearson): of 20 units without an error, 0.83 to 1.
    """
    return _interval(sample.mean, _parts(sample, units), units, scale)


def class_interval(
    scores: Sequence[float], standard_errors: Sequence[float], units: int
) -> tuple[float, float] | None:
    """The 95 % interval of a metric of one class, from a value and a standard error over images for
    each seed; `units`: how many independent units hold an object of the class. None where there is
    nothing to base it on.

    The seeds share the images, so that their mean varies with these by the mean standard error at
    most; that limit is taken.
    """
    parts = _seed_parts(scores)
    if units > 1 and standard_errors:
        parts.append(Part(statistics.fmean(standard_errors) ** 2, units - 1))
    return _interval(statistics.fmean(scores), parts, units, "logit")


def contrast_interval(
    sample: Sample, units: int | None, contrasts: int
) -> tuple[float, float] | None:
    """The 95 % interval of one of so many differences, for all of them together (Bonferroni's
    correction). None where there is a single seed, or nothing to base it on."""
    from scipy.special import stdtrit

    if sample.count < 2:
        return None
    both = added(_parts(sample, units))
    half = float(stdtrit(both.df, 1 - LEVEL / (2 * contrasts))) * math.sqrt(both.variance)
    return sample.mean - half, sample.mean + half


def _interval(
    mean: float, parts: Sequence[Part], units: int | None, scale: Scale
) -> tuple[float, float] | None:
    from scipy.special import expit, logit, stdtrit

    if scale != "linear" and (mean <= 0 or (scale == "logit" and mean >= 1)):
        return _of_unanimous(mean, units) if scale == "logit" else None
    if not parts:
        return None
    both = added(parts)
    half = float(stdtrit(both.df, 1 - LEVEL / 2)) * math.sqrt(both.variance)
    if scale == "linear":
        return mean - half, mean + half
    if scale == "log":
        factor = math.exp(min(half / mean, 700.0))
        return mean / factor, mean * factor
    centre, half = float(logit(mean)), half / (mean * (1 - mean))
    return float(expit(centre - half)), float(expit(centre + half))


def _parts(sample: Sample, units: int | None) -> list[Part]:
    """The parts of the variance of the mean that are known."""
    parts = _seed_parts(sample.scores)
    images = None if sample.resampled is None else unit_part(sample.resampled, units)
    return [*parts, images] if images else parts


def _seed_parts(scores: Sequence[float]) -> list[Part]:
    """The variance of the mean by the seeds; none for a single one."""
    count = len(scores)
    return [Part(variance(scores) / count, count - 1)] if count > 1 else []


def _of_unanimous(mean: float, units: int | None) -> tuple[float, float] | None:
    if not units:
        return None
    least = (LEVEL / 2) ** (1 / units)
    return (least, 1.0) if mean >= 1 else (0.0, 1 - least)


def unflattered(val: Mapping[str, Sample], test: Mapping[str, Sample]) -> float | None:
    """What the rule "take the best on val" gives on test, when luck of the seeds is taken out: for
    each seed, the test metric of the configuration that is best on val by all other seeds; then
    the mean over seeds.

    A winner of many was chosen for its lucky seeds too, and these are shown on test. None where
    configurations have different seeds, or fewer than two. Of equal ones the first in `val` wins.
    """
    shared = {frozenset(sample.seeds) for of_split in (val, test) for sample in of_split.values()}
    if len(shared) != 1 or len(seeds := sorted(*shared)) < 2 or set(val) != set(test):
        return None
    of_val, of_test = ({name: _by_seed(s) for name, s in split.items()} for split in (val, test))
    scores = []
    for left_out in seeds:
        others = {name: sum(v for s, v in of_val[name].items() if s != left_out) for name in val}
        scores.append(of_test[max(others, key=others.__getitem__)][left_out])
    return math.fsum(scores) / len(scores)


def _by_seed(sample: Sample) -> dict[int, float]:
    return dict(zip(sample.seeds, sample.scores, strict=True))
