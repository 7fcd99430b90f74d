"""plot: the figures of one experiment, as SVG, with a manifest that lists them in order, and the
images of its page."""

from __future__ import annotations

from pathlib import Path

from fairtrial.files.modelfile import write_model
from fairtrial.results.manifest import FigureManifest
from fairtrial.settings.stages import PlotSettings


def plot(
    *,
    settings: PlotSettings,
    results: Path,
    data: Path,
    figures: Path,
    manifest: Path,
    pictures: Path,
) -> None:
    """Draw every figure that has something to show; make images small for the page.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        results: results/<experiment>
        data: the folder data/
        figures: folder to write: the figures, as SVG
        manifest: file to write: the list of figures, with captions
        pictures: file to write: small JPEGs for the page, the telling ones first

    Raises:
        DataError: a run lacks one of its files
    """
    from fairtrial.figures.page_pictures import page_pictures
    from fairtrial.figures.saving import save_experiment_figures
    from fairtrial.results.experiment import load_experiment

    experiment = load_experiment(results, data, settings.runs, settings.rank_by)
    figures.mkdir(parents=True, exist_ok=True)
    for old in figures.glob("*.svg"):  # of configurations that are no longer in the experiment
        old.unlink()
    entries = save_experiment_figures(experiment, settings, figures)
    write_model(manifest, FigureManifest(tuple(entries)))
    write_model(pictures, page_pictures(experiment, settings.html_mb, settings.unshared))
