"""Figures of a search, from the tables that `study` writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import create_trial

from fairtrial.figures import search, search_front
from fairtrial.figures.base import style
from fairtrial.files.modelfile import write_model
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.study import FinishedStudy
from fairtrial.scoring.ranking import ranking_rule
from fairtrial.search.costs import Costs
from fairtrial.search.journal import STATES as JOURNAL_STATES
from fairtrial.search.journal import Trial as Recorded
from fairtrial.search.study_files import StudySummary
from fairtrial.search.summary import table
from fairtrial.settings.search import Engine, Objective
from fairtrial.settings.stages import PlotSettings
from fairtrial.settings.study import ChoicesSpec, RangeSpec, Space

SPACE: Space = {
    "cos_lr": ChoicesSpec(choices=(False, True)),
    "lr0": RangeSpec(low=1e-4, high=1.0, log=True, step=None, integer=False),
}
STATES = ("finished", "finished", "pruned", "failed", "finished")
FITNESS = (0.4, 0.3, 0.2, None, 0.6)


def study(
    results: Path,
    name: str,
    engine: Engine = "tpe",
    gain: float = 0.0,
    objectives: tuple[Objective, ...] = (),
) -> FinishedStudy:
    folder = results / "search" / name
    folder.mkdir(parents=True)
    summary = StudySummary(
        study=name,
        engine=engine,
        seed=0,
        trials=5,
        hours=None,
        space=SPACE,
        dataset="shapes",
        fitness="AP",
        best=4,
        states={"finished": 3, "pruned": 1, "failed": 1, "unfinished": 0},
        epochs=14,
        importance={"lr0": 0.9, "cos_lr": 0.1},
        objectives=objectives,
        machines={"cpu, 1 thread": 2, "a GPU": 1} if "ms" in objectives else {},
    )
    write_model(folder / "summary.json", summary)
    (folder / "timings.json").write_text(json.dumps(dict.fromkeys("01234", 720.0)))
    trials = [_trial(*each, gain) for each in enumerate(zip(STATES, FITNESS, strict=True))]
    (folder / "trials.csv").write_text(table(trials, list(SPACE), None, objectives))
    return FinishedStudy(folder)


def _trial(number: int, ended: tuple[str, float | None], gain: float) -> Recorded:
    """A trial with equal metrics at each of its epochs; recall is half of the others."""
    state, value = ended
    metrics = dict.fromkeys(("precision", "recall", "f1", "AP50", "AP"), (value or 0) + gain)
    metrics["recall"] /= 2
    epochs = {"finished": 4, "pruned": 2, "failed": 0}[state]
    frozen = create_trial(
        state=next(key for key, name in JOURNAL_STATES.items() if name == state),
        value=metrics["AP"] if state == "finished" else None,
        params={"lr0": 10.0**-number, "cos_lr": bool(number % 2)},
        distributions={
            "lr0": FloatDistribution(1e-4, 1.0, log=True),
            "cos_lr": CategoricalDistribution([False, True]),
        },
        user_attrs={"history": [metrics] * epochs},
    )
    frozen.number = number
    size = 4_000_000 - 1_000_000 * (number == 1)  # only the second one is smaller
    return Recorded(frozen, Costs(parameters=size, gflops=None, ms=10.0 - number))


def figures_of(results: Path, *names: str) -> dict[str, Figure]:
    """The figures of these studies, by name."""
    experiment = ExperimentResults(results, results, [], ranking_rule("AP"))
    functions = (
        search.progress,
        search.metrics,
        search.parameters,
        search.importance,
        search.coordinates,
        search.engines,
        search_front.front,
    )
    with style():
        settings = PlotSettings(gallery=4, runs=(), studies=names)
        drawings = [d for function in functions for d in function.draw(experiment, settings)]
        for drawing in drawings:
            drawing.figure.draw_without_rendering()
    return {drawing.name: drawing.figure for drawing in drawings}


@pytest.mark.slow
def test_a_study_has_its_five_figures(tmp_path: Path) -> None:
    study(tmp_path, "tpe-seed0")
    figures = figures_of(tmp_path, "tpe-seed0")
    kinds = ("progress", "metrics", "parameters", "importance", "coordinates")
    assert set(figures) == {f"search-{kind}-tpe-seed0" for kind in kinds}
    top = figures["search-progress-tpe-seed0"].axes[0]
    (line,) = top.lines
    assert list(line.get_ydata()) == [0.4, 0.4, 0.4, 0.4, 0.6]
    panels = figures["search-metrics-tpe-seed0"].axes[:5]
    assert [ax.get_title("left") for ax in panels] == ["Precision", "Recall", "F1", "AP50", "AP"]
    assert list(panels[1].lines[0].get_ydata()) == pytest.approx([0.2, 0.2, 0.2, 0.2, 0.3])
    rate, cosine = figures["search-parameters-tpe-seed0"].axes[:2]
    assert (rate.get_title("left"), rate.get_xscale()) == ("lr0", "log")
    assert [tick.get_text() for tick in cosine.get_xticklabels()] == ["false", "true"]
    bars = figures["search-importance-tpe-seed0"].axes[0].patches
    assert [bar.get_width() for bar in bars] == [0.1, 0.9]
    lines = figures["search-coordinates-tpe-seed0"].axes[0].lines
    assert len(lines) == 3, "one line for each finished trial"
    assert list(lines[-1].get_ydata()) == pytest.approx([0, 0, 1])


def test_the_front_of_several_objectives_is_drawn(tmp_path: Path) -> None:
    """Trials 0, 1 and 4 finished, with AP 0.4, 0.3 and 0.6; 1 has the smallest model."""
    drawn = study(tmp_path, "tpe-seed0", objectives=("AP", "parameters"))
    assert [row["trial"] for row in drawn.front] == ["4", "1"], "the best in AP first"
    (ax,) = figures_of(tmp_path, "tpe-seed0")["search-front-tpe-seed0"].axes
    rings, line = ax.lines
    assert rings.get_xydata().tolist() == line.get_xydata().tolist() == [[3, 0.3], [4, 0.6]]
    assert ax.collections[0].get_offsets().tolist() == [[4, 0.4], [3, 0.3], [4, 0.6]]
    assert [text.get_text() for text in ax.texts] == ["1", "4"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Parameters, millions", "AP")


def test_three_objectives_have_a_panel_each_beside_the_first(tmp_path: Path) -> None:
    drawn = study(tmp_path, "tpe-seed0", objectives=("ms", "AP", "parameters"))
    assert [row["trial"] for row in drawn.front] == ["4", "1"], "the shortest time first"
    axes = figures_of(tmp_path, "tpe-seed0")["search-front-tpe-seed0"].axes
    assert [ax.get_xlabel() for ax in axes] == ["AP", "Parameters, millions"]
    assert [len(ax.lines) for ax in axes] == [1, 1], "rings, and no line"


def test_a_trial_that_failed_before_its_first_epoch_stands_at_the_edge(tmp_path: Path) -> None:
    failed = study(tmp_path, "tpe-seed0").trials[3]
    columns = ("fitness", "best_epoch", "AP", "AP50", "precision", "recall", "f1")
    assert {failed[name] for name in columns} == {""}
    assert (failed["state"], failed["epochs"]) == ("failed", "0")
    figures = figures_of(tmp_path, "tpe-seed0")
    for kind in ("progress", "metrics"):
        for ax in figures[f"search-{kind}-tpe-seed0"].axes[: 1 if kind == "progress" else 5]:
            positions = [points.get_offsets().tolist() for points in ax.collections]
            assert [[3.0, 0.0]] in positions, "without a value, at the lower edge"


def test_without_a_search_nothing_is_figures_of(tmp_path: Path) -> None:
    assert figures_of(tmp_path) == {}


def test_engines_are_averaged_over_studies(tmp_path: Path) -> None:
    one, two = study(tmp_path, "a"), study(tmp_path, "b", gain=0.2)
    study(tmp_path, "c", engine="ga"), study(tmp_path, "d", engine="ga")
    epochs, mean, spread = search.averaged([one, two])
    assert list(epochs) == [4, 8, 10, 14]
    assert mean == pytest.approx([0.5, 0.5, 0.5, 0.7])
    assert spread == pytest.approx(np.full(4, 0.2 / 2**0.5))
    figures = figures_of(tmp_path, "a", "b", "c", "d")
    assert set(figures) == {"search-engines"}, "four studies have no figures of their own"
    assert [line.get_label() for line in figures["search-engines"].axes[0].lines] == ["tpe", "ga"]


def test_epochs_and_hours_are_added_up(tmp_path: Path) -> None:
    finished = study(tmp_path, "a")
    assert finished.epochs_so_far == [4, 8, 10, 10, 14]
    assert finished.hours == pytest.approx(1.0)
    assert finished.parameters == ["lr0", "cos_lr"]
    assert finished.best["trial"] == "4"
