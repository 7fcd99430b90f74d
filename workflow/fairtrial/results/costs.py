"""What a configuration costs, and which ones are worth their cost: the Pareto front."""

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
    """One member of a front, and by how much it is better than the one before it."""

    configuration: Configuration
    gap: Gap | None  # None for the cheapest


def parameters(configuration: Configuration) -> float | None:
    """Parameters in millions."""
    found = (configuration.first.record.get("model") or {}).get("parameters")
    return None if found is None else found / 1e6


def gflops(configuration: Configuration) -> float | None:
    """Billions of operations an image."""
    found = (configuration.first.record.get("model") or {}).get("gflops")
    return None if found is None else float(found)


def milliseconds(configuration: Configuration) -> float | None:
    """Time of one image, the median of the first run."""
    speed = configuration.first.speed
    return None if speed is None else float(speed["median"])


def seconds(configuration: Configuration) -> float | None:
    """Mean training time over all runs."""
    found = [run.record.get("seconds") for run in configuration.runs]
    defined = [float(s) for s in found if s is not None]
    return statistics.fmean(defined) if defined else None


def minutes(configuration: Configuration) -> float | None:
    """Mean training time over all runs, in minutes."""
    found = seconds(configuration)
    return None if found is None else found / 60


SIZES: dict[str, Read] = {"Parameters, millions": parameters, "GFLOPs": gflops}
TIMES: dict[str, Read] = {"Time an image, ms": milliseconds, "Training, minutes": minutes}


def kinds(timings: bool) -> dict[str, Read]:
    """The costs that are looked at, by name; without those that the clock says where not asked."""
    return SIZES | TIMES if timings else SIZES


def front(comparison: Comparison, read: Read) -> list[Step]:
    """The configurations to which none is at once as cheap and as good, by cost.

    Good is the mean of the ranking figure on the shown side. Where two neighbours cannot be told
    apart, the dearer one may be there by chance: its step says so.
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
