"""A search: the fitness of its trials, the importance of its parameters, and its engines."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from fairtrial.figures.base import COLOURS, DASHES, MARKERS, Drawing, figure, new_figure
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.run import METRIC_NAMES
from fairtrial.results.study import FinishedStudy, finished_studies
from fairtrial.settings.stages import PlotSettings
from fairtrial.settings.study import ChoicesSpec, ParameterSpec, RangeSpec

Floats = NDArray[np.float64]
FEW = 3  # studies at most for which figures of single studies are drawn
PANELS = 3  # metrics side by side
MANY = 100  # trials from which their marks are small
MARKS = {  # state of a trial → colour and marker
    "finished": (COLOURS[2], "o"),
    "pruned": (COLOURS[1], "v"),
    "failed": (COLOURS[4], "X"),
}


def _few_studies(experiment: ExperimentResults, settings: PlotSettings) -> list[FinishedStudy]:
    """The studies of the experiment; none where there are more than FEW."""
    studies = finished_studies(experiment.results, settings.studies)
    return studies if len(studies) <= FEW else []


@figure("search")
def progress(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Fitness of each trial and the best so far."""
    for study in _few_studies(experiment, settings):
        fig = new_figure(6.5)
        ax = fig.subplots()
        _over_trials(ax, study, "fitness")
        ax.set_ylabel("Fitness")
        ax.set_xlabel("Trial")
        _legend(fig)
        states = "; ".join(f"{n} {state}" for state, n in study.summary.states.items() if n)
        caption = (
            f"Study {study.name}: fitness ({study.summary.fitness}) on val of "
            f"{study.summary.dataset} at each trial's best epoch; the line is the best of the "
            f"finished trials so far. {states}."
        )
        if study.summary.states.get("failed"):
            caption += " A failed trial stands at the lower edge."
        yield Drawing(f"search-progress-{study.name}", fig, "Trials of the search", caption)


@figure("search")
def metrics(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Each metric of each trial, and its best so far."""
    for study in _few_studies(experiment, settings):
        names = study.all_metrics
        rows = -(-len(names) // PANELS)
        fig = new_figure(0.8 + 3.9 * rows)
        axes = list(fig.subplots(rows, PANELS, sharex=True, squeeze=False).flat)
        for number, (ax, name) in enumerate(zip(axes, names, strict=False)):
            _over_trials(ax, study, name)
            ax.set_title(METRIC_NAMES.get(name, name), loc="left")
            if number + PANELS >= len(names):
                ax.set_xlabel("Trial")
                ax.tick_params(labelbottom=True)
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        _legend(fig)
        caption = (
            f"Study {study.name}: each metric on val of {study.summary.dataset} at each trial's "
            "best epoch, which the fitness picks; the line is the highest of the finished trials "
            "so far. Each panel has its own scale."
        )
        yield Drawing(f"search-metrics-{study.name}", fig, "Each metric over the trials", caption)


def _over_trials(ax: Axes, study: FinishedStudy, column: str) -> None:
    """Draw a column of the table of trials by their numbers, and its best so far."""
    _points(ax, [(int(row["trial"]), row[column], row) for row in study.trials])
    numbers = range(len(study.trials))
    lines = ax.step(numbers, study.best_so_far_in(column), where="post", label="best so far")
    lines[0].set(color=COLOURS[0], linewidth=1.3)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.margins(y=0.1)  # whole marks


def _legend(fig: Figure) -> None:
    lines, labels = fig.axes[0].get_legend_handles_labels()
    fig.legend(lines, labels, loc="outside lower center", ncols=4)


def _points(ax: Axes, points: list[tuple[float, str, dict[str, str]]]) -> None:
    """Draw trials, marked by their state: x, y as text, and the row of the table of trials.

    Those without a y value stand at the lower edge. The more there are, the smaller the marks.
    """
    area = 14 if len(points) <= MANY else 5
    for state, (colour, marker) in MARKS.items():
        of_state = [(x, y) for x, y, row in points if row["state"] == state]
        if not of_state:
            continue
        defined = [(x, float(y)) for x, y in of_state if y]
        x_values, y_values = [x for x, _ in defined], [y for _, y in defined]
        ax.scatter(x_values, y_values, s=area, label=state, color=colour, marker=marker)
        if without := [x for x, y in of_state if not y]:
            edge, heights = ax.get_xaxis_transform(), [0.0] * len(without)
            dots = ax.scatter(without, heights, s=area, transform=edge, color=colour, marker=marker)
            dots.set_clip_on(False)


@figure("search")
def parameters(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Fitness against each parameter, the most important parameter first."""
    for study in _few_studies(experiment, settings):
        names = study.parameters
        rows = -(-len(names) // 3)
        fig = new_figure(4.4 * rows)
        axes = list(fig.subplots(rows, 3, sharey=True, squeeze=False).flat)
        for ax, name in zip(axes, names, strict=False):
            _against(ax, study, name)
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        for ax in axes[::3]:
            ax.set_ylabel("Fitness")
        caption = (
            f"Study {study.name}: each trial's fitness against each of its parameters. The "
            "star is the best trial"
        )
        pruned = any(row["state"] == "pruned" and row["fitness"] for row in study.trials)
        caption += "; triangles are pruned ones, at the value they had reached." if pruned else "."
        yield Drawing(f"search-parameters-{study.name}", fig, "Parameters and fitness", caption)


def _against(ax: Axes, study: FinishedStudy, name: str) -> None:
    """Draw the fitness of the trials against one parameter."""
    spec = study.summary.space[name]
    positions = {text: number for number, text in enumerate(_choices(spec))}

    def x_value(row: dict[str, str]) -> float:
        return float(positions[row[name]]) if positions else float(row[name])

    _points(ax, [(x_value(row), row["fitness"], row) for row in study.trials if row["fitness"]])
    best = float(study.best["fitness"])
    ax.scatter([x_value(study.best)], [best], s=90, marker="*", color=COLOURS[0], zorder=4)
    if positions:
        ax.set_xticks(list(positions.values()), list(positions))
        ax.margins(x=0.2)
    elif isinstance(spec, RangeSpec) and spec.log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(numticks=5))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    else:
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.xaxis.set_major_formatter("{x:g}")
    ax.margins(y=0.12)
    ax.set_title(name, loc="left")


def _choices(spec: ParameterSpec) -> list[str]:
    """The choices of a parameter as the table of trials writes them; [] for a range."""
    if isinstance(spec, RangeSpec):
        return []
    texts = {None: "null", True: "true", False: "false"}
    return [texts[c] if c is None or isinstance(c, bool) else str(c) for c in spec.choices]


@figure("search")
def importance(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """The importance of each parameter."""
    for study in _few_studies(experiment, settings):
        shares = study.summary.importance
        if not shares:
            continue
        fig = new_figure(1.4 + 0.55 * len(shares), 12)
        ax = fig.subplots()
        names = study.parameters[::-1]
        ax.barh(names, [shares[name] for name in names], color=COLOURS[2], height=0.6)
        ax.set_xlabel("Importance")
        caption = (
            f"Study {study.name}: share of each parameter in what sets the best trials apart "
            f"(PED-ANOVA over {len(study.finished)} finished trials; a few dozen are needed "
            "before it says much)."
        )
        yield Drawing(f"search-importance-{study.name}", fig, "Importance of parameters", caption)


@figure("search")
def coordinates(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """Parallel coordinates: a line for each finished trial, through its parameters and fitness."""
    for study in _few_studies(experiment, settings):
        if len(study.finished) < 2:
            continue
        fig = new_figure(7)
        _parallel(fig.subplots(), study)
        caption = (
            f"Study {study.name}: one line for each finished trial; the darker, the higher its "
            "fitness; the best is black. Each axis spans the parameter's range, that of fitness "
            "the values reached."
        )
        yield Drawing(f"search-coordinates-{study.name}", fig, "Trials side by side", caption)


def _parallel(ax: Axes, study: FinishedStudy) -> None:
    names = sorted(study.parameters)
    values = [float(row["fitness"]) for row in study.finished]
    low, high = min(values), max(values)
    for row in sorted(study.finished, key=lambda row: float(row["fitness"])):
        share = (float(row["fitness"]) - low) / (high - low or 1)
        heights = [_height(study.summary.space[name], row[name]) for name in names]
        best = row is study.best
        (line,) = ax.plot([*heights, share], color=COLOURS[0] if best else COLOURS[2])
        line.set(linewidth=1.6 if best else 0.8, alpha=1 if best else 0.15 + 0.7 * share)
    ax.set_xticks(range(len(names) + 1), [*names, "fitness"], rotation=20, ha="right")
    ax.set_yticks([])
    edges = [_edges(study.summary.space[name]) for name in names]
    for x, (below, above) in enumerate([*edges, (f"{low:.3g}", f"{high:.3g}")]):
        ax.annotate(below, (x, 0), (0, -3), textcoords="offset points", ha="center", va="top")
        ax.annotate(above, (x, 1), (0, 3), textcoords="offset points", ha="center")
    ax.set_ylim(-0.12, 1.12)


def _height(spec: ParameterSpec, text: str) -> float:
    """Height of a value on its axis, from 0 to 1."""
    if isinstance(spec, ChoicesSpec):
        return _choices(spec).index(text) / (len(spec.choices) - 1)
    low, value, high = spec.low, float(text), spec.high
    if spec.log:
        low, value, high = math.log(low), math.log(value), math.log(high)
    return float((value - low) / (high - low))


def _edges(spec: ParameterSpec) -> tuple[str, str]:
    """The texts at the lower and the upper end of a parameter's axis."""
    if isinstance(spec, RangeSpec):
        return f"{spec.low:g}", f"{spec.high:g}"
    return _choices(spec)[0], _choices(spec)[-1]


@figure("search")
def engines(experiment: ExperimentResults, settings: PlotSettings) -> Iterator[Drawing]:
    """The best fitness so far of each engine against epochs spent, over seeds and data sets."""
    every_study = finished_studies(experiment.results, settings.studies)
    if len(every_study) < 2:
        return
    fig = new_figure(8)
    ax = fig.subplots()
    by_engine = _by_engine(every_study)
    for number, (engine, studies) in enumerate(by_engine.items()):
        epochs, mean, spread = averaged(studies)
        (line,) = ax.plot(epochs, mean, label=engine, marker=MARKERS[number], markevery=0.2)
        line.set(color=COLOURS[number], linestyle=DASHES[number], linewidth=1.3)
        ax.fill_between(epochs, mean - spread, mean + spread, color=COLOURS[number], alpha=0.12)
    ax.set_xlabel("Epochs spent")
    ax.set_ylabel("Best fitness so far")
    fig.legend(loc="outside lower center", ncols=5, handlelength=3.2)
    most = max(len(studies) for studies in by_engine.values())
    caption = f"Best fitness ({every_study[0].summary.fitness}) on val against epochs spent"
    caption += (
        f": mean ± standard deviation over {most} studies of each engine (seeds and data sets), as "
        "far as all of them go."
        if most > 1
        else ", one study of each engine."
    )
    yield Drawing("search-engines", fig, "Engines compared", caption)


def _by_engine(studies: list[FinishedStudy]) -> dict[str, list[FinishedStudy]]:
    grouped: dict[str, list[FinishedStudy]] = {}
    for study in studies:
        grouped.setdefault(study.summary.engine, []).append(study)
    return grouped


def averaged(studies: list[FinishedStudy]) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Epochs spent, and mean and standard deviation (n - 1) over studies of the best fitness by
    then: three arrays of one length. They span the epochs that all studies cover."""
    first = max(study.epochs_so_far[0] for study in studies)
    last = min(study.epochs_so_far[-1] for study in studies)
    epochs = np.unique([e for study in studies for e in study.epochs_so_far if first <= e <= last])
    curves = np.array(
        [
            np.array(study.best_so_far)[np.searchsorted(study.epochs_so_far, epochs, "right") - 1]
            for study in studies
        ]
    )
    spread = curves.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros(len(epochs))
    return epochs, curves.mean(axis=0), spread
