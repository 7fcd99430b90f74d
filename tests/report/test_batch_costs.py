"""Several images at once: in the PDF, the page and comparison.csv where it was asked for alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from tests.report.fake_results import Fake
from tests.report.test_html import Page
from tests.report.test_report import TWO, report_text

OF_CPU = {"images": 100, "memory_of": "process", "joules": None}
FITTING = {"median": 12.5, "q1": 12.0, "q3": 13.0, "peak_mb": 812.4} | OF_CPU
ON_GPU = {"median": 0.8, "q1": 0.7, "q3": 0.9, "peak_mb": 2048.0, "joules": 0.1234}
TOO_LARGE = dict.fromkeys(("median", "q1", "q3", "peak_mb")) | OF_CPU | {"images": 0}


def measured(fake: Fake, **batches: list[dict[str, Any]]) -> Fake:
    """Write what was measured of the first run of some configurations."""
    fake.build()
    for name, speeds in batches.items():
        file = fake.results / f"runs/{name}-s0/speed.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"batches": speeds}))
    return fake


def rows_of(fake: Fake) -> list[dict[str, str]]:
    with (fake.results / "comparison.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_what_was_measured_is_in_pdf_page_and_table(tmp_path: Path) -> None:
    gpu = ON_GPU | {"batch": 8, "images": 104, "memory_of": "gpu"}
    fake = measured(
        Fake(tmp_path, TWO),
        high=[FITTING | {"batch": 1}, FITTING | {"batch": 64, "median": 10.0}],
        low=[gpu, TOO_LARGE | {"batch": 64}],
    )
    pdf = report_text(fake, build=False)
    page = Page((fake.results / "report.html").read_text(encoding="utf-8")).text
    for text in (pdf, page):
        assert "Several images at once" in text
        assert "12.5 (12.0–13.0)" in text and "0.81 GB" in text and "not measured" in text
        assert "0.8 (0.7–0.9)" in text and "1250" in text and "0.123 J" in text
        assert "not enough" in text
        assert "of the GPU or of the whole process" in text
    of_high, of_low = sorted(rows_of(fake), key=lambda row: row["setting/momentum"])
    assert (of_high["ms_per_image_batch_64"], of_high["peak_mb_batch_1"]) == ("10.0", "812.4")
    assert (of_low["joules_per_image_batch_8"], of_low["ms_per_image_batch_64"]) == ("0.1234", "")


def test_nothing_of_it_where_none_was_asked_for_or_without_times(tmp_path: Path) -> None:
    fake = Fake(tmp_path, TWO)
    assert "Several images at once" not in report_text(fake)
    assert not any("batch" in column for column in rows_of(fake)[0])
    measured(fake, high=[FITTING | {"batch": 8}])
    text = report_text(fake, build=False, timings=False)
    assert "Several images at once" not in text
    assert not any("batch" in column for column in rows_of(fake)[0])
