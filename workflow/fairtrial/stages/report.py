"""report: one PDF that says what is better, and the tables that DVC and a paper read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial.files.folders import whole_file
from fairtrial.files.jsonfile import read_json, write_json


def report(
    *,
    settings: dict[str, Any],
    results: Path,
    data: Path,
    figures: Path,
    pdf: Path,
    metrics: Path,
    comparison: Path,
    runs: Path,
    markdown: Path,
    latex: Path,
) -> None:
    """Write the report of one experiment, and its tables.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        results: results/<experiment>
        data: the folder data/
        figures: the manifest that `plot` wrote
        pdf: file to write: the report
        metrics: file to write: the metrics that DVC shows
        comparison: file to write: a row a configuration
        runs: file to write: a row a run
        markdown: file to write: the comparison as Markdown
        latex: file to write: the comparison as LaTeX

    Raises:
        DataError: a run lacks one of its files
    """
    from fairtrial.report import tables
    from fairtrial.report.content import content
    from fairtrial.report.pdf import compile_pdf
    from fairtrial.results.experiment import load_experiment

    trial = load_experiment(results, data, settings["runs"], settings.get("rank_by") or "AP")
    timings = bool(settings.get("timings", True))
    drawn = read_json(figures)
    files = {row["file"]: (figures.parent / row["file"]).read_bytes() for row in drawn}
    with whole_file(pdf, "wb") as file:
        file.write(compile_pdf(content(trial, settings, drawn), files))
    sides = ("val", "test")
    write_json(
        metrics, {r.name: {s: r.metrics[s] for s in sides if r.metrics.get(s)} for r in trial.runs}
    )
    tables.write_comparison(comparison, trial, timings)
    tables.write_runs(runs, trial, timings)
    for path, write in ((markdown, tables.markdown), (latex, tables.latex)):
        with whole_file(path) as file:
            file.write(write(trial, timings))
