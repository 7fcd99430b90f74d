"""Made-up results whose predictions are really scored, with images for the page."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from fairtrial.figures.page_pictures import page_pictures
from fairtrial.files.modelfile import write_model
from fairtrial.results.experiment import load_experiment
from fairtrial.settings.stages import ValidateDetectSettings
from fairtrial.stages.validate import validate
from tests.report.fake_results import Fake
from tests.report.test_report import report_text

SETTINGS = ValidateDetectSettings(iou=0.5, max_det=100)


def scored(fake: Fake) -> Fake:
    """The same experiment, its predictions scored by the real stage."""
    fake.build()
    for run in fake.runs:
        folder = fake.results / "runs" / run
        dataset = fake.data / "sets" / fake.dataset(run.rpartition("-s")[0])
        tables = ("per_class", "curves", "confusion", "operating_points", "calibration")
        more = ("error_kinds", "by_size", "by_group", "class_curves")
        with contextlib.redirect_stdout(io.StringIO()):
            validate(
                settings=SETTINGS,
                annotations=dataset / "annotations.json",
                split=dataset / "split.json",
                val=folder / "predictions/val.json",
                test=folder / "predictions/test.json",
                metrics=folder / "metrics.json",
                resamples=folder / "resamples.npz",
                **{name: folder / f"{name}.csv" for name in (*tables, *more)},
            )
    return fake


def page_with_images(fake: Fake, html_mb: float = 20.0, unshared: tuple[str, ...] = ()) -> Path:
    """The page of an experiment that was built, with its images, but no figures."""
    experiment = load_experiment(fake.results, fake.data, fake.runs)
    write_model(fake.results / "pictures.json", page_pictures(experiment, html_mb, unshared))
    report_text(fake, build=False, html_mb=html_mb, unshared=unshared)
    return fake.results / "report.html"
