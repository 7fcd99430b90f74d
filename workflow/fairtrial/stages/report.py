"""report: a PDF and a page that say what is better, and the tables that DVC and a paper read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fairtrial.files.folders import whole_file
from fairtrial.files.jsonfile import write_json
from fairtrial.files.modelfile import read_model
from fairtrial.results.manifest import FigureManifest
from fairtrial.results.page_pictures import PagePictures
from fairtrial.settings.stages import ReportSettings

if TYPE_CHECKING:
    from fairtrial.results.run import FinishedRun


def report(
    *,
    settings: ReportSettings,
    results: Path,
    data: Path,
    figures: Path,
    pictures: Path,
    pdf: Path,
    html: Path,
    metrics: Path,
    comparison: Path,
    runs: Path,
    markdown: Path,
    latex: Path,
    answer: Path,
) -> None:
    """Write the report of one experiment, and its tables.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        results: results/<experiment>
        data: the folder data/
        figures: the manifest that `plot` wrote
        pictures: the small images that `plot` made
        pdf: file to write: the report
        html: file to write: the same as one interactive page
        metrics: file to write: the metrics that DVC shows
        comparison: file to write: a row for each configuration
        runs: file to write: a row for each run
        markdown: file to write: the comparison as Markdown
        latex: file to write: the comparison as LaTeX
        answer: file to write: page one as plain text

    Raises:
        DataError: a run lacks one of its files, or `figures` is not a manifest
    """
    from fairtrial.report import paper_tables, tables
    from fairtrial.report.answer_text import answer_text
    from fairtrial.report.content import content
    from fairtrial.report.html import compile_html
    from fairtrial.report.pdf import compile_pdf
    from fairtrial.results.experiment import load_experiment

    experiment = load_experiment(results, data, settings.runs, settings.rank_by)
    manifest = read_model(figures, FigureManifest)
    svg = {entry.file: (figures.parent / entry.file).read_bytes() for entry in manifest.root}
    said = content(experiment, settings, manifest)
    with whole_file(pdf, "wb") as file:
        file.write(compile_pdf(said, svg))
    with whole_file(html, "wb") as file:
        file.write(compile_html(experiment, said, settings, read_model(pictures, PagePictures)))
    with whole_file(answer) as file:
        file.write(answer_text(said))
    write_json(metrics, {run.name: _metrics(run) for run in experiment.runs})
    tables.write_comparison(comparison, experiment, settings.timings)
    tables.write_runs(runs, experiment, settings.timings)
    for path, write in ((markdown, paper_tables.markdown), (latex, paper_tables.latex)):
        with whole_file(path) as file:
            file.write(write(experiment, settings.timings))


def _metrics(run: FinishedRun) -> dict[str, dict[str, float | None]]:
    """The metrics of one run by split, without a split that has no images."""
    splits = {split: run.metrics_of(split) for split in ("val", "test")}
    return {split: metrics.model_dump() for split, metrics in splits.items() if metrics}
