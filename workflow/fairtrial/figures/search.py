"""A search: what its trials reached, which parameter mattered, and how engines compare."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from fairtrial.figures.base import COLOURS, DASHES, MARKERS, Drawn, figure, new
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.study import FinishedStudy, finished_studies
from fairtrial.settings.stages import ChoicesSpec, ParameterSpec, RangeSpec

SINGLY = 3  # up to so many studies each has figures of its own
LOOKS: dict[str, dict[str, Any]] = {  # of a trial, by how it ended
    "finished": {"color": COLOURS[2], "marker": "o"},
    "pruned": {"color": COLOURS[1], "marker": "v"},
    "failed": {"color": COLOURS[4], "marker": "X"},
}


def _singly(trial: ExperimentResults, settings: dict[str, Any]) -> list[FinishedStudy]:
    found = finished_studies(trial.results, settings.get("studies", ()))
    return found if len(found) <= SINGLY else []


@figure("search")
def progress(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Fitness of each trial and the best so far; each figure over trials."""
    for study in _singly(trial, settings):
        drawn = new(10.5)
        grid = drawn.add_gridspec(2, len(study.metrics), height_ratios=(1.5, 1))
        _fitness(drawn.add_subplot(grid[0, :]), study)
        for number, name in enumerate(study.metrics):
            ax = drawn.add_subplot(grid[1, number])
            _points(ax, study, [(int(row["trial"]), row[name], row) for row in study.trials])
            ax.set_title(name, loc="left")
            ax.set_xlabel("Trial")
            ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        lines, labels = drawn.axes[0].get_legend_handles_labels()
        drawn.legend(lines, labels, loc="outside lower center", ncols=4)
        told = "; ".join(f"{count} {state}" for state, count in _states(study))
        caption = (
            f"Study {study.name}: fitness ({study.summary.fitness}) on val of "
            f"{study.summary.dataset} at each trial's best epoch; the line is the best of the "
            f"finished trials so far. {told}. A failed trial stands at the lower edge."
        )
        yield Drawn(f"search-progress-{study.name}", drawn, "Trials of the search", caption)


def _states(study: FinishedStudy) -> list[tuple[str, int]]:
    return [(state, count) for state, count in study.summary.states.items() if count]


def _fitness(ax: Axes, study: FinishedStudy) -> None:
    _points(ax, study, [(int(row["trial"]), row["fitness"], row) for row in study.trials])
    numbers = range(len(study.trials))
    line: dict[str, Any] = {"where": "post", "color": COLOURS[0], "linewidth": 1.3}
    ax.step(numbers, study.best_so_far, label="best so far", **line)
    ax.set_ylabel("Fitness")
    ax.set_xlabel("Trial")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _points(ax: Axes, study: FinishedStudy, points: list[tuple[Any, str, dict[str, str]]]) -> None:
    """Trials by how they ended; those without a value at the lower edge."""
    for state, look in LOOKS.items():
        chosen = [(x, y) for x, y, row in points if row["state"] == state]
        known = [(x, float(y)) for x, y in chosen if y]
        ax.scatter([x for x, _ in known], [y for _, y in known], s=14, label=state, **look)
        for x in (x for x, y in chosen if not y):
            ax.scatter([x], [0.0], s=14, transform=ax.get_xaxis_transform(), clip_on=False, **look)


@figure("search")
def parameters(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Each parameter against fitness, the most important first."""
    for study in _singly(trial, settings):
        names = study.parameters
        rows = -(-len(names) // 3)
        drawn = new(4.4 * rows)
        axes = list(drawn.subplots(rows, 3, sharey=True, squeeze=False).flat)
        for ax, name in zip(axes, names, strict=False):
            _against(ax, study, name)
        for ax in axes[len(names) :]:
            ax.set_visible(False)
        for ax in axes[::3]:
            ax.set_ylabel("Fitness")
        caption = (
            f"Study {study.name}: each trial's fitness against each of its parameters. The "
            "star is the best trial; triangles are pruned ones, at the value they had reached."
        )
        yield Drawn(f"search-parameters-{study.name}", drawn, "Parameters and fitness", caption)


def _against(ax: Axes, study: FinishedStudy, name: str) -> None:
    spec = study.summary.space[name]
    places = {text: number for number, text in enumerate(_texts(spec))}

    def at(row: dict[str, str]) -> float:
        return float(places[row[name]]) if places else float(row[name])

    _points(ax, study, [(at(row), row["fitness"], row) for row in study.trials if row["fitness"]])
    star: dict[str, Any] = {"marker": "*", "s": 90, "color": COLOURS[0], "zorder": 4}
    ax.scatter([at(study.best)], [float(study.best["fitness"])], **star)
    if places:
        ax.set_xticks(list(places.values()), list(places))
        ax.margins(x=0.2)
    elif isinstance(spec, RangeSpec) and spec.log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(numticks=5))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_title(name, loc="left")


def _texts(spec: ParameterSpec) -> list[str]:
    """The choices of a parameter as a table of trials writes them; [] of a range."""
    if isinstance(spec, RangeSpec):
        return []
    words = {None: "null", True: "true", False: "false"}
    return [words[c] if c is None or isinstance(c, bool) else str(c) for c in spec.choices]


@figure("search")
def importance(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """How much each parameter had to do with the best trials."""
    for study in _singly(trial, settings):
        shares = study.summary.importance
        if not shares:
            continue
        drawn = new(1.4 + 0.55 * len(shares), 12)
        ax = drawn.subplots()
        names = study.parameters[::-1]
        ax.barh(names, [shares[name] for name in names], color=COLOURS[2], height=0.6)
        ax.set_xlabel("Importance")
        caption = (
            f"Study {study.name}: share of each parameter in what sets the best trials apart "
            f"(PED-ANOVA over {len(study.finished)} finished trials; a few dozen are needed "
            "before it says much)."
        )
        yield Drawn(f"search-importance-{study.name}", drawn, "Importance of parameters", caption)


@figure("search")
def coordinates(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """Parallel coordinates: a line a finished trial, from its parameters to its fitness."""
    for study in _singly(trial, settings):
        if len(study.finished) < 2:
            continue
        drawn = new(7)
        _parallel(drawn.subplots(), study)
        caption = (
            f"Study {study.name}: a line a finished trial; the darker, the higher its fitness; "
            "the best is black. Each axis spans what could be chosen, fitness what was reached."
        )
        yield Drawn(f"search-coordinates-{study.name}", drawn, "Trials side by side", caption)


def _parallel(ax: Axes, study: FinishedStudy) -> None:
    names = sorted(study.parameters)
    values = [float(row["fitness"]) for row in study.finished]
    low, high = min(values), max(values)
    for row in sorted(study.finished, key=lambda row: float(row["fitness"])):
        share = (float(row["fitness"]) - low) / (high - low or 1)
        heights = [_height(study.summary.space[name], row[name]) for name in names]
        best = row is study.best
        look: dict[str, Any] = {
            "color": COLOURS[0] if best else COLOURS[2],
            "linewidth": 1.6 if best else 0.8,
        }
        ax.plot([*heights, share], alpha=1 if best else 0.15 + 0.7 * share, **look)
    ax.set_xticks(range(len(names) + 1), [*names, "fitness"], rotation=20, ha="right")
    ax.set_yticks([])
    edges = [_edges(study.summary.space[name]) for name in names]
    for x, (below, above) in enumerate([*edges, (f"{low:.3g}", f"{high:.3g}")]):
        ax.annotate(below, (x, 0), (0, -3), textcoords="offset points", ha="center", va="top")
        ax.annotate(above, (x, 1), (0, 3), textcoords="offset points", ha="center")
    ax.set_ylim(-0.12, 1.12)


def _height(spec: ParameterSpec, text: str) -> float:
    """Where a value stands on its axis, from 0 to 1."""
    if isinstance(spec, ChoicesSpec):
        return _texts(spec).index(text) / (len(spec.choices) - 1)
    low, value, high = spec.low, float(text), spec.high
    if spec.log:
        low, value, high = math.log(low), math.log(value), math.log(high)
    return float((value - low) / (high - low))


def _edges(spec: ParameterSpec) -> tuple[str, str]:
    texts = [f"{spec.low:g}", f"{spec.high:g}"] if isinstance(spec, RangeSpec) else _texts(spec)
    return texts[0], texts[-1]


@figure("search")
def engines(trial: ExperimentResults, settings: dict[str, Any]) -> Iterator[Drawn]:
    """The best fitness so far of each engine against epochs spent, over seeds and data sets."""
    found = finished_studies(trial.results, settings.get("studies", ()))
    if len(found) < 2:
        return
    drawn = new(8)
    ax = drawn.subplots()
    for number, (engine, studies) in enumerate(_by_engine(found).items()):
        epochs, mean, spread = averaged(studies)
        look: dict[str, Any] = {
            "color": COLOURS[number],
            "linestyle": DASHES[number],
            "linewidth": 1.3,
        }
        ax.plot(epochs, mean, label=engine, marker=MARKERS[number], markevery=0.2, **look)
        ax.fill_between(epochs, mean - spread, mean + spread, color=COLOURS[number], alpha=0.12)
    ax.set_xlabel("Epochs spent")
    ax.set_ylabel("Best fitness so far")
    drawn.legend(loc="outside lower center", ncols=5, handlelength=3.2)
    most = max(len(studies) for studies in _by_engine(found).values())
    caption = (
        f"Best fitness ({found[0].summary.fitness}) on val against epochs spent: mean ± "
        f"standard deviation over {most} studies of each engine (seeds and data sets), as far "
        "as all of them go."
    )
    yield Drawn("search-engines", drawn, "Engines compared", caption)


def _by_engine(found: list[FinishedStudy]) -> dict[str, list[FinishedStudy]]:
    grouped: dict[str, list[FinishedStudy]] = {}
    for study in found:
        grouped.setdefault(study.summary.engine, []).append(study)
    return grouped


def averaged(studies: list[FinishedStudy]) -> tuple[Any, Any, Any]:
    """Epochs spent, and mean and standard deviation (n - 1) of the best fitness by then."""
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
