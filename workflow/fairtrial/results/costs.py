"""The size and times of a configuration, and the Pareto front by cost and metric."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.significance import Gap, gaps_to

Read = Callable[[Configuration], float | None]


@dataclass(frozen=True)
class Step:
    """One member of a front; `gap`: how far it lies above the cheaper one before it."""

    configuration: Configuration
    gap: Gap | None  # None for the cheapest


def parameters(configuration: Configuration) -> float | None:
    """Parameters in millions; None for predictions that were made elsewhere."""
    model = configuration.first.record.model
    return None if model is None else model.parameters / 1e6


def gflops(configuration: Configuration) -> float | None:
    """Billions of operations an image; None where the backend could not count them."""
    model = configuration.first.record.model
    return None if model is None else model.gflops


def milliseconds(configuration: Configuration) -> float | None:
    """Time of one image, the median of the first run; None where it was not measured."""
    speed = configuration.first.speed
    return None if speed is None else speed.median


def seconds(configuration: Configuration) -> float | None:
    """Mean training time over all runs, in seconds; None for predictions from elsewhere."""
    times = [run.record.seconds for run in configuration.runs]
    known = [time for time in times if time is not None]
    return statistics.fmean(known) if known else None


SIZES: dict[str, Read] = {"Parameters, millions": parameters, "GFLOPs": gflops}
TIMES: dict[str, Read] = {"Time per image, ms": milliseconds}


def kinds(timings: bool) -> dict[str, Read]:
    """The costs that are compared, by name; measured times only with `timings`.

    The wall time of a training is none of them: what else the machine did at that time is in it.
    """
    return SIZES | TIMES if timings else SIZES


def front(comparison: Comparison, read: Read) -> list[Step]:
    """The Pareto front, from cheap to expensive: the configurations for which no other is both as
    cheap and as good.

    How good is the mean of the metric that ranks, on the split that tables show. Where the gap of a
    step does not tell the two apart, its configuration may be on the front by chance.
    """
    split, metric = comparison.split, comparison.metric
    points = [(read(c), c.mean(split, metric), c) for c in comparison.configurations]
    defined = [(x, y, c) for x, y, c in points if x is not None and y is not None]
    members, highest = [], -math.inf
    for _, y, c in sorted(defined, key=lambda point: (point[0], -point[1], point[2].name)):
        if y > highest:
            members.append(c)
            highest = y
    steps = [Step(c, None) for c in members[:1]]
    for before, after in pairwise(members):
        steps.append(Step(after, gaps_to(after, [before], split, metric)[before.letter]))
    return steps
