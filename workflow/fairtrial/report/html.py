"""Compile the content of a report into one page that opens from disk and needs no network.

Text of people (titles, class names, files) reaches the page through Jinja, which escapes it, or as
packed data, of which scripts make text nodes; it never is source. A policy in the page's head
allows no other script than the page's own, by their SHA-256, and no request at all.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

import jinja2

from fairtrial.report.content import Content
from fairtrial.report.forest import forest
from fairtrial.report.image_browser import BrowserPart, browser
from fairtrial.report.page_data import page_data
from fairtrial.report.page_tables import comparison_tables, runs_table
from fairtrial.results.experiment import ExperimentResults
from fairtrial.results.page_pictures import PagePictures
from fairtrial.settings.stages import ReportSettings

PAGE = Path(__file__).with_name("page")


def compile_html(
    experiment: ExperimentResults,
    content: Content,
    settings: ReportSettings,
    pictures: PagePictures,
) -> bytes:
    """The bytes of the page. `content`: what the PDF says, too; `pictures`: images that `plot` made
    for it, of which those are taken for which the page has room."""
    data = page_data(experiment, settings)
    script, plotly = _script(), _plotly()
    render = partial(
        _template().render,
        report=content,
        forests=[forest(comparison) for comparison in experiment.comparisons],
        tables=comparison_tables(experiment, settings.timings),
        runs=runs_table(experiment, settings.timings),
        data=data,
        packed=packed(_json(data)),
        style=(PAGE / "page.css").read_text(encoding="utf-8"),
        script=script,
        plotly=packed(plotly),
        policy=_policy(script.encode(), plotly),
    )
    room = settings.html_mb * 1e6 - len(
        render(browsers=[], packed_browsers="", pictures=[]).encode()
    )
    browsers, jpegs = _browsers(experiment, settings, pictures, room)
    return render(
        browsers=browsers,
        packed_browsers=packed(_json(browsers)),
        pictures=jpegs,
    ).encode()


def _browsers(
    experiment: ExperimentResults, settings: ReportSettings, pictures: PagePictures, room: float
) -> tuple[list[BrowserPart], list[list[str]]]:
    """The image browsers of the comparisons that have images, and the JPEGs of each."""
    found = [
        browser(c, experiment, settings, pictures.of(number), room / len(experiment.comparisons))
        for number, c in enumerate(experiment.comparisons)
        if pictures.of(number)
    ]
    with_images = [(part, jpegs) for part, jpegs in found if jpegs]
    return [part for part, _ in with_images], [jpegs for _, jpegs in with_images]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def packed(content: bytes) -> str:
    """Compressed, as text that can stand anywhere in HTML."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _script() -> str:
    """Our scripts as one module, in the order of their names."""
    scripts = sorted((PAGE / "scripts").glob("*.js"))
    return "\n" + "\n".join(path.read_text(encoding="utf-8") for path in scripts)


def _plotly() -> bytes:
    """plotly.js, which comes with the Python package."""
    return files("plotly").joinpath("package_data/plotly.min.js").read_bytes()


def _policy(*scripts: bytes) -> str:
    """The Content-Security-Policy: these scripts, no request. (Parallel coordinates are drawn by a
    part of plotly.js that compiles functions.)"""
    sums = [base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{total}'" for total in sums)
    return (
        "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; "
        f"script-src {allowed} 'unsafe-eval'; base-uri 'none'; form-action 'none'"
    )
