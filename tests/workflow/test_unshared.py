"""A source with `share: false` leaves no picture in Snakemake's own report."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from project import Project

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("share", ["true", "false"])
def test_pdf_and_figures_are_in_the_report_where_they_are_shared(
    share: str, tmp_path: Path
) -> None:
    project = Project.new(tmp_path / "project")
    source = project.root / "config/sources/shapes.yaml"
    source.write_text(f"{source.read_text()}\nshare: {share}\n")
    project.snakemake("--cores", "2")
    figure = project.root / "results/compare/figures/one.svg"
    figure.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    project.snakemake("--report", "report.zip")
    names = zipfile.ZipFile(project.root / "report.zip").namelist()
    suffixes = {Path(name).suffix for name in names if "/data/" in name}
    assert {".html", ".csv"} <= suffixes
    assert bool({".pdf", ".svg"} & suffixes) == (share == "true")
