"""FROC: the share of objects found against false alarms per image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fairtrial.figures.base import (
    OTHERS,
    Drawing,
    LineStyle,
    figure,
    legend,
    legend_height,
    line_styles,
    mean_over,
    new_figure,
    with_marker,
)
from fairtrial.results.configuration import Configuration
from fairtrial.results.experiment import Comparison, ExperimentResults
from fairtrial.results.operating_points import froc_curves
from fairtrial.scoring.operating_points import CURVE_RATES, FALSE_ALARM_RATES
from fairtrial.settings.stages import PlotSettings

FEW = 4  # with more configurations bands would cover each other


@figure("operating")
def froc(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """The sensitivity of each configuration, with a band over seeds."""
    for number, comparison in enumerate(experiment.comparisons):
        curves = {
            c.letter: froc_curves(c, comparison.split, CURVE_RATES)
            for c in comparison.configurations
        }
        if any(curves.values()):
            name, title = f"froc-{number + 1}", "Objects found against false alarms"
            yield Drawing(name, _drawn(comparison, curves), title, _caption(comparison, curves))


def _caption(comparison: Comparison, curves: dict[str, list[list[float]]]) -> str:
    over = comparison.repeated
    text = (
        f"FROC on {comparison.split} of {comparison.names}, IoU {comparison.iou}, all classes "
        f"together, at confidences of {comparison.split} itself; {mean_over(comparison)}."
    )
    if _has_bands(comparison) and any(len(rows) > 1 for rows in curves.values()):
        text += f" Band: ± standard deviation over {over}."
    return text


def _has_bands(comparison: Comparison) -> bool:
    return len(comparison.configurations) <= FEW


def _drawn(comparison: Comparison, curves: dict[str, list[list[float]]]) -> Figure:
    fig = new_figure(4.1 + legend_height(comparison.configurations))
    ax = fig.subplots()
    styles = line_styles(comparison.configurations, comparison.ranked())
    for c in comparison.configurations:
        if curves[c.letter]:
            _line(ax, c, curves[c.letter], styles[c.letter], _has_bands(comparison))
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(
        FixedLocator([*CURVE_RATES[:1], *FALSE_ALARM_RATES, CURVE_RATES[-1]])
    )
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    ax.set(xlim=(CURVE_RATES[0], CURVE_RATES[-1]), ylim=(0, 1.02))
    ax.set(xlabel="False alarms per image", ylabel="Share of objects found")
    legend(fig, comparison.configurations, styles)
    return fig


def _line(
    ax: Axes, c: Configuration, rows: list[list[float]], style: LineStyle, band: bool
) -> None:
    values = np.array(rows)
    mean = values.mean(axis=0)
    ax.plot(CURVE_RATES, mean, **with_marker(style, ""))
    if band and len(rows) > 1 and style["color"] != OTHERS:
        sd = values.std(axis=0, ddof=1)
        low, high = np.clip(mean - sd, 0, 1), np.clip(mean + sd, 0, 1)
        ax.fill_between(CURVE_RATES, low, high, color=style["color"], alpha=0.13, linewidth=0)
