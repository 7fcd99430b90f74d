"""Probes in the report: curves by image size, scores on train."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairtrial import DataError
from fairtrial.figures.base import style
from fairtrial.figures.image_sizes import image_sizes
from fairtrial.files.modelfile import write_model
from fairtrial.report.probes import size_parts, train_parts
from fairtrial.results.experiment import ExperimentResults, load_experiment
from fairtrial.results.image_sizes import size_curves
from fairtrial.results.probes import ProbeScores
from fairtrial.settings.stages import PlotSettings
from tests.facts import refused
from tests.report.fake_results import Fake

CONFIGURATIONS = {"small": {"imgsz": 320}, "large": {"imgsz": 640}}


def with_probes(folder: Path, *probes: str) -> ExperimentResults:
    """AP of a probe: the size in thousands, and a hundredth a seed; 0.9 on train."""
    fake = Fake(folder, CONFIGURATIONS, seeds=(0, 1)).build()
    experiment = load_experiment(fake.results, fake.data, fake.runs)
    for run in experiment.runs:
        assert run.metrics.test is not None
        assert run.speed is not None
        for probe in probes:
            ap = 0.9 if probe == "train" else int(probe) / 1000 + run.seed / 100
            metrics = run.metrics.test.model_copy(update={"AP": ap})
            of_size = {"test": metrics, "speed": run.speed.model_copy(update={"median": ap * 10})}
            scores = {"train": metrics} if probe == "train" else of_size
            imgsz = 640 if probe == "train" else int(probe)
            file = fake.results / "probes" / f"{run.name}@{probe}.json"
            write_model(file, ProbeScores(imgsz=imgsz, confidence=0.4, **scores))
    return experiment


def test_a_curve_has_every_size_and_its_own(tmp_path: Path) -> None:
    experiment = with_probes(tmp_path, "480", "320", "640")
    (comparison,) = experiment.comparisons
    curves = {c.configuration.name: c for c in size_curves(comparison, ("480", "640"))}
    assert {name: [p.imgsz for p in c.points] for name, c in curves.items()} == {
        "small": [320, 480, 640],
        "large": [480, 640],
    }
    own = curves["small"].points[0]
    assert own.own
    assert own.scores == [run.score("test", "AP") for run in experiment.runs[:2]]
    other = curves["small"].points[1]
    assert not other.own
    assert other.scores == pytest.approx([0.48, 0.49])
    assert other.milliseconds == pytest.approx(4.85)


def test_without_sizes_there_is_no_curve(tmp_path: Path) -> None:
    (comparison,) = with_probes(tmp_path).comparisons
    assert size_curves(comparison, ("train",)) == []


def test_a_probe_that_is_missing_is_named(tmp_path: Path) -> None:
    (comparison,) = with_probes(tmp_path).comparisons
    with refused(DataError, "probes", "@480.json"):
        size_curves(comparison, ("480",))


def test_each_configuration_has_a_line_along_its_times(tmp_path: Path) -> None:
    experiment = with_probes(tmp_path, "320", "480", "640")
    settings = PlotSettings(gallery=0, runs=(), probes=("320", "480", "640"))
    with style():
        (drawing,) = image_sizes.draw(experiment, settings)
        lines = [line for line in drawing.figure.axes[0].lines if len(line.get_xdata()) == 3]
        untimed = settings.model_copy(update={"timings": False})
        (by_size,) = image_sizes.draw(experiment, untimed)
    assert len(lines) == 2
    assert [tuple(line.get_xdata())[1] for line in lines] == pytest.approx([4.85, 4.85])
    assert "time" in drawing.title
    assert "size" in by_size.title
    labels = [t.get_text() for t in by_size.figure.axes[0].get_xticklabels()]
    assert labels == ["320", "480", "640"]


def test_the_table_of_sizes(tmp_path: Path) -> None:
    (part,) = size_parts(with_probes(tmp_path, "480", "640"), ("480", "640"), timings=True)
    assert part["headings"] == ["320 px", "480 px", "640 px"]
    cells = {row[0]: row[1:] for row in part["rows"]}
    assert sorted(len(row) for row in cells.values()) == [3, 3]
    assert any(cell.startswith("0.485 ± 0.007\n4.8") for row in cells.values() for cell in row)
    assert any(row[0] == "–" for row in cells.values()), "the larger one was not asked for 320"


def test_scores_on_train_stand_beside_those_of_the_tables(tmp_path: Path) -> None:
    experiment = with_probes(tmp_path, "train")
    assert train_parts(experiment, ()) == []
    (part,) = train_parts(experiment, ("train",))
    place = part["headings"].index("AP") + 1
    assert [row[place] for row in part["rows"]] == ["0.900 ± 0.000"] * 2
    best = experiment.comparisons[0].ranked()[0]
    mean = best.mean("test", "AP")
    assert mean is not None
    assert part["rows"][0][-1] == f"{0.9 - mean:.3f}"
