"""Draw figures into a folder, with what the report needs to know of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fairtrial.figures import data_figure_functions, figure_functions
from fairtrial.figures.base import Drawing, style
from fairtrial.figures.strips import save_strips
from fairtrial.files.checksums import sha256
from fairtrial.results.dataset import DescribedData
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.manifest import FigureEntry
from fairtrial.settings.stages import PlotSettings


def save_experiment_figures(
    experiment: ExperimentResults, settings: PlotSettings, folder: Path
) -> list[FigureEntry]:
    """Write the figures of an experiment as SVG files; their paths are relative to the folder's
    parent."""
    with style(font.path for font in settings.fonts):
        return [
            _saved(function.section, drawing, folder)
            for function in figure_functions()
            for drawing in function.draw(experiment, settings)
        ]


def save_data_figures(
    data: DescribedData, settings: PlotSettings, folder: Path
) -> Iterator[FigureEntry]:
    """Write the figures of data sets, as `save_experiment_figures` does, one by one."""
    with style(font.path for font in settings.fonts):
        for function in data_figure_functions():
            for drawing in function.draw(data, settings):
                yield _saved(function.section, drawing, folder)


def _saved(section: str, drawing: Drawing, folder: Path) -> FigureEntry:
    files = save_strips(drawing, folder)
    first, *below = [(path.relative_to(folder.parent).as_posix(), sha256(path)) for path in files]
    return FigureEntry(
        file=first[0],
        section=section,
        title=drawing.title,
        caption=drawing.caption,
        sha256=first[1],
        below=dict(below),
    )
