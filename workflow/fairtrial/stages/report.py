"""report: a PDF and a page that say what is better, and the tables that DVC and a paper read."""

from __future__ import annotations

from pathlib import Path

from fairtrial.files.folders import whole_file
from fairtrial.files.jsonfile import write_json
from fairtrial.files.modelfile import read_model
from fairtrial.results.manifest import FigureManifest
from fairtrial.results.page_pictures import PagePictures
from fairtrial.settings.stages import ReportSettings


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
    history_plot: Path,
    calibration_plot: Path,
    classes_plot: Path,
    confusion_plot: Path,
    winner: Path,
    facts: Path,
    card: Path,
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
        history_plot: file to write: fitness and losses by epoch, for DVC's plots
        calibration_plot: file to write: likewise, how often a confidence is right
        classes_plot: file to write: likewise, the metric of each class
        confusion_plot: file to write: likewise, the confusion matrix of the best configuration
        winner: file to write: a copy of the weights of the best run
        facts: file to write: which run that is, by which verdict, and what is known of it
        card: file to write: the same as a model card, in Markdown

    Raises:
        DataError: a run lacks one of its files, or `figures` is not a manifest
    """
    from fairtrial.report import dvc_files, paper_tables, tables
    from fairtrial.report.answer_text import answer_text
    from fairtrial.report.card_text import write_winner
    from fairtrial.report.content import content
    from fairtrial.report.html import compile_html
    from fairtrial.report.pdf import compile_pdf
    from fairtrial.results.experiment import load_experiment

    experiment = load_experiment(results, data, settings.runs, settings.rank_by, settings.metrics)
    manifest = read_model(figures, FigureManifest)
    files = [file for entry in manifest.root for file in entry.files]
    svg = {file: (figures.parent / file).read_bytes() for file in files}
    said = content(experiment, settings, manifest)
    with whole_file(pdf, "wb") as file:
        file.write(compile_pdf(said, svg, fonts=[font.path for font in settings.fonts]))
    with whole_file(html, "wb") as file:
        file.write(compile_html(experiment, said, settings, read_model(pictures, PagePictures)))
    with whole_file(answer) as file:
        file.write(answer_text(said))
    write_json(metrics, dvc_files.metrics(experiment))
    dvc_files.write_plots(experiment, history_plot, calibration_plot, classes_plot, confusion_plot)
    tables.write_comparison(comparison, experiment, settings.timings)
    tables.write_runs(runs, experiment, settings.timings)
    paper_tables.write(experiment, settings.timings, markdown, latex)
    write_winner(experiment, said, settings, winner, facts, card)
