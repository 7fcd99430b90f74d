"""A search for several objectives: its trials by the first and each other one, and the front."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from fairtrial.figures.base import COLOURS, WIDTH, Drawing, figure, new_figure
from fairtrial.figures.search import FEW
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.study import FinishedStudy, finished_studies
from fairtrial.settings.search import COSTS
from fairtrial.settings.stages import PlotSettings

ALONE = 11  # width in centimetres of a figure with one panel
NUMBERED = 12  # members of a front that still get their numbers
LABELS = {
    "fitness": "Fitness",
    "parameters": "Parameters, millions",
    "gflops": "GFLOPs",
    "ms": "Time per image, ms",
}
UNITS = {"parameters": 1e6}


@figure("search")
def front(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """The first objective of each trial against each other one, with the Pareto front."""
    studies = finished_studies(experiment.results, settings.studies)
    for study in studies if len(studies) <= FEW else []:
        first, *others = study.objectives or [""]
        if not others:
            continue
        fig = new_figure(7, ALONE if len(others) == 1 else WIDTH)
        axes = list(fig.subplots(1, len(others), sharey=True, squeeze=False).flat)
        for ax, other in zip(axes, others, strict=True):
            _draw(ax, study, other, first)
        axes[0].set_ylabel(LABELS.get(first, first))
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
        caption = (
            f"Study {study.name}: {', '.join(study.objectives)} of each finished trial on val of "
            f"{study.summary.dataset}. Ringed: the {len(study.front)} trials for which no other is "
            "as good in all objectives and better in one; numbers are those of trials."
        )
        yield Drawing(f"search-front-{study.name}", fig, "Pareto front of the search", caption)


def _draw(ax: Axes, study: FinishedStudy, x: str, y: str) -> None:
    """Draw the trials by two objectives: those of the front ringed, with a line where there are no
    other objectives."""
    known = [row for row in study.finished if row[x] and row[y]]
    x_values, y_values = [_scaled(row, x) for row in known], [_scaled(row, y) for row in known]
    ax.scatter(x_values, y_values, s=14, color=COLOURS[2], label="finished trials", zorder=2)
    ends = sorted((_scaled(row, x), _scaled(row, y), row["trial"]) for row in study.front)
    xs, ys = [end[0] for end in ends], [end[1] for end in ends]
    (rings,) = ax.plot(xs, ys, "o", color=COLOURS[0], markersize=8, label="on the front")
    rings.set_markerfacecolor("none")
    if len(study.objectives) == 2:
        steps = "steps-post" if x in COSTS and y not in COSTS else "default"
        (line,) = ax.plot(xs, ys, color=COLOURS[0], linewidth=0.8, drawstyle=steps, zorder=1)
        line.set_linestyle((0, (4, 2)))
    if len(ends) <= NUMBERED:
        for x_value, y_value, trial in ends:
            ax.annotate(trial, (x_value, y_value), (5, 4), textcoords="offset points")
    ax.set_xlabel(LABELS.get(x, x))
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.margins(0.12)


def _scaled(row: dict[str, str], name: str) -> float:
    return float(row[name]) / UNITS.get(name, 1.0)
