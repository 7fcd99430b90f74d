"""The figure of first batches: equal ones once, others side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fairtrial.figures.base import style
from fairtrial.figures.batches import distinct_batches, first_batches
from fairtrial.files.modelfile import write_model
from fairtrial.results.experiment import ExperimentResults, load_experiment
from fairtrial.settings.stages import PlotSettings
from fairtrial.training.first_batch import BatchImage, batch_file, kept
from tests.report.fake_results import Fake

SETTINGS = PlotSettings(gallery=0, runs=(), first_batch=True)


def with_batches(folder: Path, shades: dict[str, int]) -> ExperimentResults:
    """The batch of each configuration is of one shade."""
    fake = Fake(
        folder, {name: {"momentum": i} for i, name in enumerate(shades)}, seeds=(0,)
    ).build()
    for name, shade in shades.items():
        pixels = np.full((40, 60, 3), shade, np.uint8)
        image = BatchImage(pixels, ((4.0, 4.0, 20.0, 10.0),), ("circle",))
        write_model(batch_file(fake.results, f"{name}-s0"), kept([image] * 8, "H100"))
    return load_experiment(fake.results, fake.data, fake.runs)


def test_equal_batches_are_shown_once(tmp_path: Path) -> None:
    experiment = with_batches(tmp_path, {"a": 10, "b": 200, "c": 10})
    (comparison,) = experiment.comparisons
    seen = distinct_batches(comparison)
    assert sorted(sorted(c.name for c in one.configurations) for one in seen) == [["a", "c"], ["b"]]
    with style():
        (drawing,) = first_batches.draw(experiment, SETTINGS)
    assert len(drawing.figure.axes) == 2 * 6
    assert "first 6 images of 8" in drawing.caption
    assert "another kind of device" not in drawing.caption


def test_without_the_setting_nothing_is_shown(tmp_path: Path) -> None:
    experiment = with_batches(tmp_path, {"a": 10})
    assert list(first_batches.draw(experiment, PlotSettings(gallery=0, runs=()))) == []
