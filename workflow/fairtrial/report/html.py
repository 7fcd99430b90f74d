"""Compile the content of a report into one page that opens from disk and needs no network."""

from __future__ import annotations

from functools import cache, partial
from importlib.resources import files

from fairtrial.report import page_parts
from fairtrial.report.browser_parts import BrowserPart, of_all_folds
from fairtrial.report.content import Content
from fairtrial.report.forest import forest
from fairtrial.report.image_browser import browser
from fairtrial.report.page_data import page_data
from fairtrial.report.page_parts import as_json, packed
from fairtrial.report.page_tables import comparison_tables, runs_table
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.page_pictures import PagePictures
from fairtrial.settings.stages import ReportSettings


def compile_html(
    experiment: ExperimentResults,
    content: Content,
    settings: ReportSettings,
    pictures: PagePictures,
) -> bytes:
    """The bytes of the page. `content`: what the PDF says, too; `pictures`: images that `plot` made
    for it, of which those are taken for which the page has room."""
    data = page_data(experiment, settings)
    plotly, script = _plotly(), page_parts.script("report")
    render = partial(
        page_parts.template("page.html").render,
        report=content,
        forests=[forest(comparison) for comparison in experiment.comparisons],
        tables=comparison_tables(experiment, settings.timings),
        runs=runs_table(experiment, settings.timings),
        data=data,
        packed=packed(as_json(data)),
        style=page_parts.style(),
        script=script,
        plotly=_packed_plotly(),
        policy=page_parts.policy(script.encode(), plotly, compiles=True),
    )
    room = settings.html_mb * 1e6 - len(
        render(browsers=[], packed_browsers="", pictures=[]).encode()
    )
    browsers, jpegs = _browsers(experiment, settings, pictures, room)
    return render(
        browsers=browsers,
        packed_browsers=packed(as_json(browsers)),
        pictures=jpegs,
    ).encode()


def _browsers(
    experiment: ExperimentResults, settings: ReportSettings, pictures: PagePictures, room: float
) -> tuple[list[BrowserPart], list[list[str]]]:
    """The image browsers of the comparisons that have images, and the JPEGs of each."""
    parts, images = [], []
    for number, comparison in enumerate(experiment.comparisons):
        if shown := pictures.of(number):
            each = room / len(experiment.comparisons)
            part, jpegs = browser(comparison, experiment, settings, shown, each)
            if jpegs:
                parts.append(of_all_folds(part) if comparison.repeated == "folds" else part)
                images.append(jpegs)
    return parts, images


@cache
def _plotly() -> bytes:
    """plotly.js, which comes with the Python package."""
    return files("plotly").joinpath("package_data/plotly.min.js").read_bytes()


@cache
def _packed_plotly() -> str:
    return packed(_plotly())
