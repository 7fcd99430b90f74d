"""What the report says of single settings and of what was tried beside: sweeps, grids, searches,
shares of train, data sets, image sizes."""

from __future__ import annotations

from typing import TypedDict

from fairtrial.report.across_datasets import AcrossPart, across_parts
from fairtrial.report.factors import GridPart, grid_parts
from fairtrial.report.learning_curve import LearningPart, learning_parts
from fairtrial.report.probes import ProbePart, size_parts, train_parts
from fairtrial.report.search import SearchPart, searches
from fairtrial.report.sweeps import SweepPart, sweep_parts
from fairtrial.results.experiment import ExperimentResults
from fairtrial.settings.stages import ReportSettings


class SettingsContent(TypedDict):
    """This part of the data of the template, by the names that it uses."""

    sweeps: list[SweepPart]
    factors: list[GridPart]
    on_train: list[ProbePart]
    image_sizes: list[ProbePart]
    search: SearchPart
    across: list[AcrossPart]
    learning: list[LearningPart]


def by_settings(experiment: ExperimentResults, settings: ReportSettings) -> SettingsContent:
    """All of it."""
    return {
        "sweeps": sweep_parts(experiment, settings.sweeps),
        "factors": grid_parts(experiment, settings.factors),
        "on_train": train_parts(experiment, settings.probes),
        "image_sizes": size_parts(experiment, settings.probes, settings.timings),
        "search": searches(experiment, settings.studies, settings.timings),
        "across": across_parts(experiment),
        "learning": learning_parts(experiment),
    }
