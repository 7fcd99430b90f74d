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


def parameters(configuration: Configuration) -> float:
    """Parameters in millions."""
    return configuration.first.record.model.parameters / 1e6


def gflops(configuration: Configuration) -> float | None:
    """Billions of operations an image; None where the backend could not count them."""
    return configuration.first.record.model.gflops


def milliseconds(configuration: Configuration) -> float | None:
    """Time of one image, the median of the first run; None where it was not measured."""
    speed = configuration.first.speed
    return None if speed is None else speed.median


def seconds(configuration: Configuration) -> float:
    """Mean training time over all runs, in seconds."""
    return statistics.fmean(run.record.seconds for run in configuration.runs)


def minutes(configuration: Configuration) -> float:
    """Mean training time over all runs, in minutes."""
    return seconds(configuration) / 60


SIZES: dict[str, Read] = {"Parameters, millions": parameters, "GFLOPs": gflops}
TIMES: dict[str, Read] = {"Time per image, ms": milliseconds, "Training, minutes": minutes}


def kinds(timings: bool) -> dict[str, Read]:
    """The costs that are compared, by name; measured times only with `timings`."""
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
