"""The PDF says what its data says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from fairtrial.stages.plot import plot
from fairtrial.stages.report import report
from tests.report.fake_results import Fake


def make(fake: Fake, draw: bool = False, **settings: Any) -> str:
    """Build the tree, report on it, and return the text of the PDF."""
    fake.build()
    results = fake.results
    chosen = {"runs": fake.runs, "timings": True, "gallery": 1, **settings}
    manifest = results / "figures.json"
    if draw:
        plot(
            settings=chosen,
            results=results,
            data=fake.data,
            figures=results / "figures",
            manifest=manifest,
        )
    else:
        manifest.write_text("[]")
    chosen = {"experiment": "trial", "title": "Which one?", "rank_by": "AP", **chosen}
    report(
        settings=chosen,
        results=results,
        data=fake.data,
        figures=manifest,
        pdf=results / "report.pdf",
        metrics=results / "metrics.json",
        comparison=results / "comparison.csv",
        runs=results / "runs.csv",
        markdown=results / "comparison.md",
        latex=results / "comparison.tex",
    )
    return text(results / "report.pdf")


def text(pdf: Path) -> str:
    pages = PdfReader(io.BytesIO(pdf.read_bytes())).pages
    return " ".join(" ".join(p.extract_text() for p in pages).replace("\u200b", "").split())


def scores(a: list[float], b: list[float], val: tuple[float, float] = (0.7, 0.6)) -> Any:
    """AP on test by seed of two configurations `high` and `low`, named after their val AP."""
    found = {}
    for name, values, on_val in (("high", a, val[0]), ("low", b, val[1])):
        for seed, ap in enumerate(values):
            found[name, seed, "test"] = ap
            found[name, seed, "val"] = on_val
    return found


TWO = {"high": {"momentum": 0.6}, "low": {"momentum": 0.9}}


def test_clear_winner(tmp_path: Path) -> None:
    # means 0.61 and 0.51, sd 0.01 each: t = 12.2, df = 4
    found = make(Fake(tmp_path, TWO, ap=scores([0.60, 0.61, 0.62], [0.50, 0.51, 0.52])))
    assert "A (momentum 0.6) is best." in found
    assert "AP 0.610 ± 0.010 (mean ± sd over 3 seeds), 0.100 above B (0.510 ± 0.010)" in found
    assert "p < 0.001" in found
    assert "↓" in found


def test_gap_within_the_spread(tmp_path: Path) -> None:
    # means 0.60 and 0.59, sd 0.05 each: t = 0.245, df = 4, p = 0.82
    found = make(Fake(tmp_path, TWO, ap=scores([0.55, 0.60, 0.65], [0.54, 0.59, 0.64])))
    assert "A (momentum 0.6) and B (momentum 0.9) cannot be told apart." in found
    assert "lies within the spread over seeds (Welch’s t test, p = 0.82)" in found
    assert "is best" not in found


def test_one_seed_tells_nothing(tmp_path: Path) -> None:
    found = make(Fake(tmp_path, TWO, seeds=(0,), ap=scores([0.9], [0.1])))
    assert "cannot be told apart" in found
    assert "With one seed of A and of B nobody can say" in found


def test_choice_on_val_that_does_not_hold(tmp_path: Path) -> None:
    found = make(Fake(tmp_path, TWO, ap=scores([0.50, 0.51, 0.52], [0.60, 0.61, 0.62])))
    assert "The choice on val does not hold: B (momentum 0.9) is better" in found


def test_same_bytes_twice(tmp_path: Path) -> None:
    pdfs = []
    for place in ("one", "two"):
        fake = Fake(tmp_path / place, TWO, seeds=(0,), epochs=2)
        make(fake, draw=True)
        pdfs.append((fake.results / "report.pdf").read_bytes())
    assert pdfs[0] == pdfs[1]
