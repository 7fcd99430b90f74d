"""A study of the image size: the same weights, scored and timed at several sizes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison
from fairtrial.results.probes import read_probe
from fairtrial.results.run import FinishedRun
from fairtrial.scoring.scores import SplitMetrics
from fairtrial.settings.probes import sizes_of
from fairtrial.training.speed import Speed


@dataclass(frozen=True)
class SizePoint:
    """One configuration at one size: the metric that ranks, a value a seed; the median time of an
    image in milliseconds, the mean over runs, None where it was not measured; `own`: whether it was
    trained at that size."""

    imgsz: int
    scores: list[float]
    milliseconds: float | None
    own: bool

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return statistics.fmean(self.scores)


@dataclass(frozen=True)
class SizeCurve:
    """A configuration at all sizes, the smallest first."""

    configuration: Configuration
    points: list[SizePoint]


def size_curves(comparison: Comparison, probes: Sequence[str]) -> list[SizeCurve]:
    """A curve for each configuration that was trained here, the best on val first; none without
    sizes."""
    sizes = sizes_of(probes)
    if not sizes:
        return []
    trained = [c for c in comparison.ranked() if not any(r.record.elsewhere for r in c.runs)]
    curves = [SizeCurve(c, _points(c, comparison, sizes)) for c in trained]
    return [curve for curve in curves if curve.points]


def _points(c: Configuration, comparison: Comparison, sizes: Sequence[int]) -> list[SizePoint]:
    own = int(str(c.settings["imgsz"]))
    points = []
    for size in sorted({*sizes, own}):
        scores = c.averages(lambda run, size=size: _score(run, comparison, size, own))  # type: ignore[misc]
        speeds = [_speed(run, size, own) for run in c.runs]
        times = [speed.median for speed in speeds if speed is not None]
        if scores:
            time = statistics.fmean(times) if len(times) == len(speeds) else None
            points.append(SizePoint(size, scores, time, size == own))
    return points


def _score(run: FinishedRun, comparison: Comparison, size: int, own: int) -> float | None:
    if size == own:
        return run.score(comparison.split, comparison.metric)
    metrics = read_probe(run.results, run.name, str(size)).of(comparison.split)
    return _value(metrics, comparison) if metrics else None


def _value(metrics: SplitMetrics, comparison: Comparison) -> float | None:
    return comparison.ranking_rule.score(metrics.by_name())


def _speed(run: FinishedRun, size: int, own: int) -> Speed | None:
    return run.speed if size == own else read_probe(run.results, run.name, str(size)).speed
