"""The stages `plot` and `report`, called on made-up results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial.lineage.outputs import PLOTS
from fairtrial.settings.stages import PlotSettings, ReportSettings
from fairtrial.stages.plot import plot
from fairtrial.stages.report import report
from tests.report.fake_results import Fake


def plotted(fake: Fake, **settings: Any) -> None:
    """Draw the figures. Settings that are the report's alone are left out."""
    chosen = {"runs": fake.runs, "gallery": 4, **settings}
    of_plot = {k: v for k, v in chosen.items() if k in PlotSettings.model_fields}
    plot(
        settings=PlotSettings.model_validate(of_plot, strict=False),
        results=fake.results,
        data=fake.data,
        figures=fake.results / "figures",
        manifest=fake.results / "figures.json",
        pictures=fake.results / "pictures.json",
    )


def reported(fake: Fake, drawn: bool = True, **settings: Any) -> Path:
    """Write the report, of figures that are `drawn` or of none; its PDF."""
    results = fake.results
    manifest = results / "figures.json"
    if not drawn:
        manifest.write_text("[]")
        if not (results / "pictures.json").exists():
            (results / "pictures.json").write_text('{"comparisons": []}')
    chosen = {"experiment": "compare", "title": "Which one?", "runs": fake.runs, **settings}
    of_report = {k: v for k, v in chosen.items() if k in ReportSettings.model_fields}
    report(
        settings=ReportSettings.model_validate(of_report, strict=False),
        results=results,
        data=fake.data,
        figures=manifest,
        pictures=results / "pictures.json",
        pdf=results / "report.pdf",
        html=results / "report.html",
        metrics=results / "metrics.json",
        comparison=results / "comparison.csv",
        runs=results / "runs.csv",
        markdown=results / "comparison.md",
        latex=results / "comparison.tex",
        answer=results / "answer.txt",
        **{f"{name}_plot": results / f"plots/{name}.csv" for name in PLOTS},
        winner=results / "winner.pt",
        facts=results / "winner.json",
        card=results / "winner.md",
    )
    return results / "report.pdf"
