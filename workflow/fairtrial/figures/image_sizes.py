"""The same weights at several image sizes: the metric that ranks against the time of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fairtrial.figures.base import (
    OTHERS,
    Drawing,
    LineStyle,
    figure,
    legend,
    legend_height,
    line_styles,
    new_figure,
)
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.image_sizes import SizeCurve, SizePoint, size_curves
from fairtrial.results.run import METRIC_NAMES
from fairtrial.settings.stages import PlotSettings

NAMED = 4  # configurations at most whose every point has its size beside it


@figure("sizes")
def image_sizes(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """A line for each configuration, from the smallest size to the largest."""
    for number, comparison in enumerate(experiment.comparisons, 1):
        curves = size_curves(comparison, settings.probes)
        if curves:
            timed = settings.timings and all(p.milliseconds for c in curves for p in c.points)
            against = "the time of an image" if timed else "the image size"
            title = f"{_metric(comparison)} against {against}"
            yield Drawing(
                f"sizes-{number}", _drawn(comparison, curves, timed), title, _caption(comparison)
            )


def _metric(comparison: Comparison) -> str:
    return METRIC_NAMES.get(comparison.metric, comparison.metric)


def _caption(comparison: Comparison) -> str:
    return (
        f"On {comparison.split} of {comparison.names}: the same weights at several image sizes, "
        f"one line a configuration, from small to large; mean over {comparison.repeated}, which "
        "are the small dots. Numbers: the side of the image in pixels; ring: that of the training."
    )


def _drawn(comparison: Comparison, curves: Sequence[SizeCurve], timed: bool) -> Figure:
    configurations = [curve.configuration for curve in curves]
    fig = new_figure(8.2 + legend_height(configurations))
    ax = fig.subplots()
    styles = line_styles(comparison.configurations, comparison.ranked())
    for place, curve in enumerate(curves):
        _line(ax, curve, styles[curve.configuration.letter], timed, place < NAMED)
    sizes = sorted({point.imgsz for curve in curves for point in curve.points})
    if timed:
        ax.set_xlabel("Milliseconds per image, batch 1")
    else:
        ax.set_xlabel("Side of the image, pixels")
        ax.set_xticks(sizes)
    ax.set_ylabel(f"{_metric(comparison)} on {comparison.split}")
    ax.margins(x=0.06, y=0.1)
    legend(fig, configurations, styles)
    return fig


def _line(ax: Axes, curve: SizeCurve, style: LineStyle, timed: bool, named: bool) -> None:
    at = [_x(point, timed) for point in curve.points]
    means = [point.mean for point in curve.points]
    ax.plot(at, means, **style, markersize=4)
    for x, point in zip(at, curve.points, strict=True):
        dots = [x] * len(point.scores)
        ax.plot(dots, point.scores, ".", color=style["color"], markersize=2.5, alpha=0.6)
        if point.own:
            (ring,) = ax.plot([x], [point.mean], "o", color=style["color"], markersize=9)
            ring.set(markerfacecolor="none", markeredgewidth=0.9)
        if timed and named and style["color"] != OTHERS:
            text = ax.annotate(
                str(point.imgsz), (x, point.mean), (0, 6), textcoords="offset points", fontsize=6.5
            )
            text.set(ha="center", color=style["color"])


def _x(point: SizePoint, timed: bool) -> float:
    return point.milliseconds or 0.0 if timed else float(point.imgsz)
