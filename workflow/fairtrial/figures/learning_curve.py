"""The learning curve: the metric that ranks against the number of training images."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fairtrial.figures.base import (
    OTHERS,
    Drawing,
    LineStyle,
    figure,
    line_styles,
    new_figure,
    not_below_zero,
    with_marker,
)
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.learning_curve import LearningCurve, learning_curves
from fairtrial.results.run import METRIC_NAMES
from fairtrial.settings.stages import PlotSettings

FEW = 3  # with more curves bands would cover each other


@figure("learning")
def learning_curve(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """A line for each set of other settings, with the 95 % interval as a band."""
    for number, comparison in enumerate(experiment.comparisons):
        curves = [curve for curve in learning_curves(comparison) if _points(curve)]
        if curves:
            name, title = f"learning-{number + 1}", "Metric against the images in train"
            yield Drawing(name, _drawn(comparison, curves), title, _caption(comparison, curves))


def _caption(comparison: Comparison, curves: Sequence[LearningCurve]) -> str:
    text = (
        f"On {comparison.split} of {comparison.names}; mean over {comparison.repeated}, which are "
        "the small dots. The images are on a scale on which each doubling is as wide."
    )
    if len(curves) <= FEW and comparison.repeated == "seeds":
        text += " Band: 95 % interval over other seeds and other images."
    return text


def _drawn(comparison: Comparison, curves: Sequence[LearningCurve]) -> Figure:
    fig = new_figure(7.5 if len(curves) == 1 else 8.0)
    ax = fig.subplots()
    last = [curve.members[-1] for curve in curves]
    styles = line_styles(last, [c for c in comparison.ranked() if c in last])
    for curve in curves:
        style = styles[curve.members[-1].letter]
        _line(ax, curve, style, len(curves) <= FEW)
    images = sorted({n for curve in curves for n in curve.images})
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(FixedLocator(images))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:.0f}"))
    metric = METRIC_NAMES.get(comparison.metric, comparison.metric)
    ax.set(xlabel="Images in train", ylabel=f"{metric} on {comparison.split}")
    not_below_zero(ax, "y")
    if len(curves) > 1:
        _legend(fig, curves, styles)
    return fig


def _points(curve: LearningCurve) -> list[tuple[float, list[float], tuple[float, float] | None]]:
    """Images, values by seed and interval of each share that has values."""
    split, metric = curve.comparison.split, curve.comparison.metric
    return [
        (images, scores, curve.interval(c, metric))
        for c, images in zip(curve.members, curve.images, strict=True)
        if (scores := c.scores(split, metric))
    ]


def _line(ax: Axes, curve: LearningCurve, style: LineStyle, band: bool) -> None:
    points = _points(curve)
    x, means = [p[0] for p in points], [statistics.fmean(p[1]) for p in points]
    ax.plot(x, means, markersize=5, **style)
    for images, scores, _ in points:
        dots = [images] * len(scores)
        ax.plot(dots, scores, ".", color=style["color"], markersize=3, alpha=0.6, zorder=2)
    limits = [p[2] for p in points]
    known = [(n, *limit) for n, limit in zip(x, limits, strict=True) if limit is not None]
    if band and len(known) == len(x) and style["color"] != OTHERS:
        _, low, high = zip(*known, strict=True)
        ax.fill_between(x, low, high, color=style["color"], alpha=0.13, linewidth=0)


def _legend(fig: Figure, curves: Sequence[LearningCurve], styles: dict[str, LineStyle]) -> None:
    named = [c for c in curves if styles[c.members[-1].letter]["color"] != OTHERS]
    lines = [Line2D([], [], **with_marker(styles[c.members[-1].letter], "")) for c in named]
    labels = [curve.label for curve in named]
    if others := len(curves) - len(named):
        lines.append(Line2D([], [], color=OTHERS))
        labels.append(f"the other {others}")
    fig.legend(lines, labels, loc="outside lower center", ncols=2, handlelength=3.2)
